"""The values of an indicator over what somebody may see, parted or whole; and the list behind each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import RowMapping, and_, null

from core.dashboards.service.parting import Asker, Parting
from core.dashboards.service.seeing import seen
from core.lib.text import say
from core.scoring.definition import Indicator
from core.scoring.engine import value_of
from core.scoring.periods import Period
from core.scoring.service.drilling import Listed, page_of
from core.scoring.service.formulas import indicator_of
from core.scoring.service.measuring import MILLIONTHS, measure, millionths, statement
from core.scoring.service.naming import LIVE, Grain
from core.scoring.service.sources import NOW, Window, window_of
from core.scoring.service.wording import value_shown
from core.scoring.types import NOTHING, PART, FactPage, LineHead, Value

_UNJUDGED = {"grade": None, "is_ranked": None}
"""What a number that is no score has in place of a judgement."""


@dataclass(frozen=True)
class Series:
    """The values of one indicator: each part by key, with its title."""

    head: LineHead
    window: Window
    values: Sequence[tuple[str, str, Value]]

    def shown(self, locale: str) -> dict[str, Any]:
        """Write it as the screens show it."""
        return {
            "indicator": self.head.indicator,
            "title": say(self.head.title, locale),
            "unit": self.head.unit,
            "values": [self.value_shown(key, title, value, locale) for key, title, value in self.values],
        }

    def value_shown(self, key: str, title: str, value: Value, locale: str) -> dict[str, Any]:
        """Write one value."""
        number, text = value_shown(self.head, value, locale)
        counts = {"counted": value.counted, "base": value.base}
        return {"key": key, "title": title or say(self.head.title, locale), **counts, "value": number, "text": text, **_UNJUDGED}

    @property
    def whole(self) -> Value:
        """Give the value of all parts together."""
        return sum((value for _, _, value in self.values), NOTHING)


def series_of(asker: Asker, key: str, period: Period, parting: Parting) -> Series:
    """Count an indicator; raises NotFound for one that is not there."""
    indicator = indicator_of(asker.session, key)
    window = window_of(asker.session, period)
    parts = _parts(asker, indicator)
    counted = [_counted(asker, part, window, parting) for part in parts]
    values = _named(asker, counted[0] if len(counted) == 1 else _divided(*counted), window, parting, key)
    better = "lower" if indicator.is_better_lower else "higher"
    head = LineHead(key, indicator.title, key, None, indicator.of, better, indicator.unit, indicator.help)
    return Series(head, window, values)


def ranked(series: Series) -> list[tuple[str, str, Value]]:
    """Give the values, the largest first; those without data are left out: there is nothing to rank."""
    found = [(reached, one) for one in series.values if (reached := value_of(series.head.of, one[2])) is not None and one[2].base]
    return [one for _, one in sorted(found, key=lambda pair: (-pair[0], pair[1][0]))]


def facts_of(
    asker: Asker, key: str, period: Period, parting: Parting, *, value: str | None, part: PART, after: str | None, limit: int
) -> tuple[Indicator, FactPage]:
    """Give a page of what a value is made of: the same facts that were counted, by the same condition."""
    parts = _parts(asker, indicator_of(asker.session, key))
    indicator = parts[0] if part == "counted" else parts[-1]
    window = window_of(asker.session, period)
    grain = Grain(indicator.grain, LIVE)
    measured = measure(grain, indicator)
    whose = and_(seen(asker.actor, grain), parting.condition(asker, parting.column(asker, grain, indicator), value))
    amount = null() if measured.value is None else millionths(measured.value)
    wanted = Listed(grain, measured, part, whose, amount)
    return indicator, page_of(asker.session, wanted, window.parameters(asker.actor, NOW), after=after, limit=limit)


def _parts(asker: Asker, indicator: Indicator) -> list[Indicator]:
    return [indicator_of(asker.session, key) for key in indicator.parts]


def _counted(asker: Asker, indicator: Indicator, window: Window, parting: Parting) -> dict[Any, Value]:
    grain = Grain(indicator.grain, LIVE)
    measured = measure(grain, indicator)
    column, visible = parting.column(asker, grain, indicator), seen(asker.actor, grain)
    query = statement(grain, [measured], [column], among=visible)
    found: dict[Any, Value] = {}
    for row in asker.session.execute(query, window.parameters(asker.actor, NOW)).mappings():
        found[row["leaf_0"]] = found.get(row["leaf_0"], NOTHING) + _value(row)
    return found


def _value(row: RowMapping) -> Value:
    base = int(row["b0"])
    return Value(int(row.get("c0", base)), base, int(row.get("e0", 0)), Fraction(int(row.get("t0", 0)), MILLIONTHS))


def _divided(above: Mapping[Any, Value], below: Mapping[Any, Value]) -> dict[Any, Value]:
    leaves = dict.fromkeys([*below, *above])
    return {
        leaf: Value(above.get(leaf, NOTHING).counted, below.get(leaf, NOTHING).counted, below.get(leaf, NOTHING).exempted)
        for leaf in leaves
    }


def _named(asker: Asker, counted: Mapping[Any, Value], window: Window, parting: Parting, key: str) -> list[tuple[str, str, Value]]:
    """Put values of one part together and name it; the whole is there even when nothing is."""
    leaves = list(counted) if parting.by is not None else [None]
    found: dict[str, tuple[str, Value]] = {}
    for leaf, part in parting.parts(asker, window, leaves, key.partition(".")[0]).items():
        if part is not None:
            title, before = found.get(part[0], (part[1], NOTHING))
            found[part[0]] = (title, before + counted.get(leaf, NOTHING))
    return [(part, title, value) for part, (title, value) in found.items()]
