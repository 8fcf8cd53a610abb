"""What the demo's residents say: after a closing, and in the round of last month. Drawn from a seeded source, so that it is the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.api.feedback import PastRoundAnswer

_LEVELS = ("very_satisfied", "satisfied", "neutral", "dissatisfied", "very_dissatisfied")
_IN_TIME = (34, 42, 15, 7, 2)
_LATE = (12, 28, 26, 22, 12)
_ORDERS = ("very_good", "good", "fair", "poor", "very_poor")
_WORST = ("refuse", "parking", "stalls", "roads", "noise")
_COMPLAINTS = ("处理后又出现同样的问题。", "等了很久才有人来。", "现场没有清理干净。")


def said_of(chance: random.Random, *, late: bool) -> dict[str, Any]:
    """Draw what somebody answers after a closing; whoever waited long is less pleased."""
    level = chance.choices(_LEVELS, _LATE if late else _IN_TIME)[0]
    if level in ("very_satisfied", "satisfied"):
        return {"solved": "yes", "satisfaction": level}
    if level == "neutral":
        return {"solved": chance.choice(("yes", "partly")), "satisfaction": level}
    solved = chance.choices(("partly", "no"), (70, 30))[0]
    return {"solved": solved, "satisfaction": level, "comment": chance.choice(_COMPLAINTS)}


def is_unsolved(data: Mapping[str, Any]) -> bool:
    """Say whether an answer opens its case again, as the survey's own rule does."""
    return data["solved"] == "no" and data["satisfaction"] in ("dissatisfied", "very_dissatisfied")


def round_answers(communities: Sequence[str], opens_on: date, zone: ZoneInfo, seed: int) -> Iterator[PastRoundAnswer]:
    """Draw the answers of a round: about twenty of each community, and each community with an opinion of its own."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible demo, no secret
    begin = datetime.combine(opens_on, time(9), zone)
    streets: dict[str, float] = {}
    for code in communities:
        mood = streets.setdefault(code[:9], chance.gauss(0.0, 0.5)) + chance.gauss(0.0, 0.35)
        weights = [max(1.0, 30 + 18 * mood), 40, max(1.0, 18 - 6 * mood), max(0.5, 9 - 6 * mood), max(0.3, 3 - 2 * mood)]
        for _ in range(max(4, min(30, round(chance.gauss(20, 5))))):
            data: dict[str, Any] = {
                "order": chance.choices(_ORDERS, weights)[0],
                "worst": sorted(chance.sample(_WORST, chance.randrange(1, 3))),
            }
            yield PastRoundAnswer(code, begin + timedelta(minutes=chance.uniform(0, 9 * 24 * 60)), data)
