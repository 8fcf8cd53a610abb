"""What single cases add to each line of a card, over one source: laid side by side for two, it says which case made which difference."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import null, or_, select
from sqlalchemy.orm import Session

from core.authz import Actor
from core.scoring.definition import Scorecard
from core.scoring.service.attribution import LEAF_OF, Own, leaf
from core.scoring.service.counting import parts_of
from core.scoring.service.formulas import Formula
from core.scoring.service.measuring import measure, millionths
from core.scoring.service.naming import AGENCY, Grain
from core.scoring.service.sources import Source, Window


@dataclass(frozen=True, slots=True)
class Share:
    """What one fact of a case is in one indicator: whose, in which parts, and what it adds to a mean or sum."""

    indicator: str
    leaf: int | None
    is_base: bool
    is_counted: bool
    is_exempted: bool
    millionths: int | None


Shares = Mapping[int, frozenset[tuple[Share, int]]]
"""By case: each different share, and how many facts have it."""


def shares_of(session: Session, actor: Actor, formula: Formula, key: str, window: Window, source: Source, cases: Collection[int]) -> Shares:
    """Give what cases add to the lines of a card, and of the cards that it is made of."""
    found: dict[int, dict[Share, int]] = {case: {} for case in cases}
    parameters = window.parameters(actor, source)
    for kind, indicator in sorted(set(_measured(formula, formula.cards[key]))):
        for case, share in _shares(session, formula, kind, indicator, source, parameters, cases):
            found[case][share] = found[case].get(share, 0) + 1
    return {case: frozenset(shares.items()) for case, shares in found.items()}


def _measured(formula: Formula, card: Scorecard) -> Iterable[tuple[str, str]]:
    """Yield the kind of leaf and the key of everything that is counted for a card."""
    keys = [*card.measured.values(), *([card.deduction.findings] if card.deduction else [])]
    for key in keys:
        yield from ((LEAF_OF[card.subjects.kind], part.key) for part in parts_of(formula, key))
    for part in card.parts:
        yield from _measured(formula, formula.cards[part.scorecard])


def _shares(
    session: Session, formula: Formula, kind: str, key: str, source: Source, parameters: Mapping[str, Any], cases: Collection[int]
) -> Iterable[tuple[int, Share]]:
    indicator = formula.indicators[key]
    if indicator.grain == "record":
        return  # a record of a ledger is no case
    grain = Grain(indicator.grain, source.tables)
    measured = measure(grain, indicator)
    whose = leaf(grain, kind, indicator)
    base, exempted = measured.predicate("base"), measured.predicate("exempted")
    query = select(
        grain.facts.c.case_id,
        whose.label("leaf"),
        base.label("is_base"),
        measured.predicate("counted").label("is_counted"),
        exempted.label("is_exempted"),
        (null() if measured.value is None else millionths(measured.value)).label("value"),
    ).select_from(grain.source)
    of_cases = query.where(grain.facts.c.agency_id == AGENCY, Own(tuple(cases)).condition(grain.facts.c.case_id), or_(base, exempted))
    for row in session.execute(of_cases, dict(parameters)):
        value = None if row.value is None else int(row.value)
        yield row.case_id, Share(key, row.leaf, bool(row.is_base), bool(row.is_counted), bool(row.is_exempted), value)
