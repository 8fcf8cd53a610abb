"""One statement for each grain and each kind of leaf, over every card that was asked for: the counts that all rows are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db.epoch import EpochCache
from core.db.prepared import Prepared
from core.scoring.definition import PERSONS, Indicator
from core.scoring.service.attribution import LEAF_OF, leaf
from core.scoring.service.formulas import Formula
from core.scoring.service.measuring import measure
from core.scoring.service.naming import Grain
from core.scoring.service.packing import PER_NUMBER, Counts, packed, unpacked
from core.scoring.service.sources import Source, Window


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
    """A statement, and for each indicator by which leaf column it goes and where its totals stand, if it has any."""

    prepared: Prepared
    leaf_of: tuple[int, ...]
    leaves: int
    numbers: int
    totals: tuple[int | None, ...]


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
        for indicator, own in zip(chosen, _gathered(rows, ready), strict=True):
            found[kind, indicator.key] = own
    return Work(session, actor, window, source, formula, found)


def parts_of(formula: Formula, key: str) -> list[Indicator]:
    """Give what is counted for an indicator: itself, or the two counts that a ratio divides."""
    return [formula.indicators[part] for part in formula.indicators[key].parts]


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
    query = packed(facts, measures, leaves)
    places = {column.name: place for place, column in enumerate(query.selected_columns)}
    totals = tuple(places.get(f"t{number}") for number in range(len(measures)))
    leaf_of = tuple(distinct.index(one) for one in persons)
    return _Ready(Prepared(query), leaf_of, len(distinct), places["facts"] - len(distinct), totals)


def _gathered(rows: Sequence[Any], ready: _Ready) -> list[Counted]:
    """Read every indicator's counts off the rows, each by its own leaf."""
    columns = list(zip(*rows, strict=True)) or [()] * (ready.leaves + ready.numbers + 1 + len(ready.totals))
    leaves = [list(dict.fromkeys(column)) for column in columns[: ready.leaves]]
    places = [{leaf: place for place, leaf in enumerate(own)} for own in leaves]
    indexes = [np.array([own[leaf] for leaf in column], dtype=np.intp) for own, column in zip(places, columns, strict=False)]
    given = [np.array(column, dtype=np.int64) for column in columns[ready.leaves :]]
    facts = given[ready.numbers]
    found = []
    for number, (of, total) in enumerate(zip(ready.leaf_of, ready.totals, strict=True)):
        numbers, place = given[number // PER_NUMBER], number % PER_NUMBER
        totals = None if total is None else given[total - ready.leaves]
        found.append(Counted(leaves[of], unpacked(numbers, place, facts, totals, indexes[of], len(leaves[of]))))
    return found
