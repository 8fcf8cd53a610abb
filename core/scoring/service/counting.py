"""One statement for each grain and each kind of leaf, over every card that was asked for: the counts that all rows are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.epoch import EpochCache
from core.db.prepared import Prepared
from core.scoring.definition import PERSONS, Indicator
from core.scoring.service.attribution import LEAF_OF, leaf
from core.scoring.service.formulas import Formula
from core.scoring.service.measuring import measure, statement
from core.scoring.service.naming import Grain
from core.scoring.service.sources import Source, Window

Counts = NDArray[np.int64]
"""One row a leaf; four columns: counted, base, exempted, total in millionths."""

WIDTH = 4
_ORDER = {"c": 0, "b": 1, "e": 2, "t": 3}


@dataclass(frozen=True)
class Counted:
    """The counts of one indicator by leaf; None is the leaf of what is nobody's or lies nowhere."""

    leaves: Sequence[int | None]
    counts: Counts


@dataclass(frozen=True)
class _Shape:
    """What decides the text of a statement."""

    source: str
    grain: str
    kind: str
    indicators: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Ready:
    """A statement, which columns belong to which indicator, and which leaf column each goes by."""

    prepared: Prepared
    columns: tuple[tuple[int, int, int], ...]
    """(column of the row, indicator, one of the four)."""
    leaf_of: tuple[int, ...]
    leaves: int


_statements: EpochCache[_Ready] = EpochCache()


@dataclass(frozen=True)
class Work:
    """One request's work: who asks, about when, by which definitions, and everything that was counted for it."""

    session: Session
    actor: Actor
    window: Window
    source: Source
    formula: Formula
    counts: Mapping[tuple[str, str], Counted]
    """By kind of leaf and key of the indicator."""


def counted(session: Session, actor: Actor, window: Window, source: Source, formula: Formula) -> Work:
    """Count everything that the formula's cards need."""
    parameters = window.parameters(actor, source)
    found: dict[tuple[str, str], Counted] = {}
    for (grain, kind), indicators in sorted(_needed(formula).items()):
        chosen = [indicators[key] for key in sorted(indicators)]
        ready = _statement(session, source, formula, grain, kind, chosen)
        rows = ready.prepared.all(session, parameters)
        for number, indicator in enumerate(chosen):
            found[kind, indicator.key] = _gathered(rows, ready, number)
    return Work(session, actor, window, source, formula, found)


def parts_of(formula: Formula, key: str) -> list[Indicator]:
    """Give what is counted for an indicator: itself, or the two counts that a ratio divides."""
    indicator = formula.indicators[key]
    if indicator.of != "ratio":
        return [indicator]
    return [formula.indicators[str(part)] for part in (indicator.above, indicator.below)]


def _needed(formula: Formula) -> dict[tuple[str, str], dict[str, Indicator]]:
    """Give the indicators that cards need, by grain and kind of leaf; a ratio needs the two that it is made of."""
    found: dict[tuple[str, str], dict[str, Indicator]] = {}
    for card in formula.cards.values():
        for key in card.measured.values():
            for part in parts_of(formula, key):
                found.setdefault((part.grain, LEAF_OF[card.subjects.kind]), {})[part.key] = part
    return found


def _statement(session: Session, source: Source, formula: Formula, grain: str, kind: str, indicators: Sequence[Indicator]) -> _Ready:
    versions = tuple((one.key, formula.ids[f"indicator:{one.key.rpartition('.')[0]}"]) for one in indicators)
    shape = _Shape(source.name, grain, kind, versions)
    return _statements.get(session, shape, lambda: _made(source, grain, kind, indicators))


def _made(source: Source, grain: str, kind: str, indicators: Sequence[Indicator]) -> _Ready:
    facts = Grain(grain, source.tables)
    measures = [measure(facts, one) for one in indicators]
    # Whose a fact is may differ from indicator to indicator; the groups are then the pairs of all of them.
    persons = [one.persons or PERSONS.get(grain, ()) if kind == "person" else () for one in indicators]
    distinct = list(dict.fromkeys(persons))
    leaves = [leaf(facts, kind, indicators[persons.index(one)]) for one in distinct]
    query = statement(facts, measures, leaves)
    columns = [
        (place, int(column.name[1:]), _ORDER[column.name[0]])
        for place, column in enumerate(query.selected_columns)
        if not column.name.startswith("leaf_")
    ]
    return _Ready(Prepared(query), tuple(columns), tuple(distinct.index(one) for one in persons), len(distinct))


def _gathered(rows: Sequence[Any], ready: _Ready, number: int) -> Counted:
    """Take one indicator's columns out of the rows; where the rows are split by more leaves than its own, put them together."""
    own = [(place, which) for place, indicator, which in ready.columns if indicator == number]
    leaves = [row[ready.leaf_of[number]] for row in rows]
    counts = np.zeros((len(rows), WIDTH), dtype=np.int64)
    for place, which in own:
        counts[:, which] = [row[place] for row in rows]
    if all(which != _ORDER["c"] for _, which in own):
        counts[:, 0] = counts[:, 1]
    if ready.leaves == 1:
        return Counted(leaves, counts)
    places = {one: place for place, one in enumerate(dict.fromkeys(leaves))}
    together = np.zeros((len(places), WIDTH), dtype=np.int64)
    np.add.at(together, [places[one] for one in leaves], counts)
    return Counted(list(places), together)
