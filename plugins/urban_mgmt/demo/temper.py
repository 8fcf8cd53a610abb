"""How the demo's people and places differ: who is quick, who is slow, where much is complained of. The same seed gives the same."""

from __future__ import annotations

import random
from collections.abc import Sequence

from plugins.urban_mgmt.demo.walk import Walker


class Temper:
    """Draws a factor for whoever or whatever is asked about, always the same for the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._known: dict[tuple[str, object], float] = {}

    def of_department(self, code: str) -> float:
        """How slow a department is."""
        return self._drawn("department", code, 0.6, 1.5)

    def of_street(self, code: str) -> float:
        """How often work in a street is late, whoever does it."""
        return self._drawn("street", code, 0.05, 3.8)

    def of_complaints(self, street: str) -> float:
        """How much the people of a street complain."""
        return self._drawn("complaints", street, 0.3, 3.0)

    def walker(self, user_id: int) -> Walker:
        """Give somebody of the supervision or command centre with his own pace."""
        return Walker(user_id, pace=self._drawn("person", user_id, 0.6, 1.5))

    def on_duty(self, chance: random.Random, holders: Sequence[int]) -> int:
        """Choose who is on duty: some have more shifts than others."""
        return chance.choices(holders, [self._drawn("shifts", user, 0.5, 1.5) for user in holders])[0]

    def _drawn(self, kind: str, which: object, low: float, high: float) -> float:
        found = self._known.get((kind, which))
        if found is None:
            chance = random.Random(f"{self._seed}:{kind}:{which}")  # noqa: S311  # a reproducible demo, no secret
            found = self._known[kind, which] = chance.uniform(low, high)
        return found
