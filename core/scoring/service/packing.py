"""Many measures in one pass: what a fact is to each of them stands in two bits of one number, and the groups are those numbers.

A month has few different ones for each leaf, so the server counts once a row
instead of once a row and measure; what the numbers say is read off here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, Label, Select, cast, func, literal_column, select

from core.scoring.service.measuring import Measure, Words, facts_of, is_of_one_scope, totals_of
from core.scoring.service.naming import Grain

Counts = NDArray[np.int64]
"""One row a leaf; four columns: counted, base, exempted, total in millionths."""

WIDTH = 4
PER_NUMBER = 31
"""How many verdicts of two bits a bigint holds beside its sign."""

_EXEMPTED, _BASE, _COUNTED = 1, 2, 3


def packed(grain: Grain, measures: Sequence[Measure], leaves: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Give the statement: ``leaf_<n>``, then ``p<n>`` with the verdicts, ``facts`` so many, and ``t<n>`` what they add up to."""
    columns: list[Label[Any]] = [leaf.label(f"leaf_{number}") for number, leaf in enumerate(leaves)]
    firsts = range(0, len(measures), PER_NUMBER)
    columns += [_number(measures, measures[first : first + PER_NUMBER]).label(f"p{first // PER_NUMBER}") for first in firsts]
    totals = [total for number, one in enumerate(measures) for total in totals_of(number, one)]
    rows = facts_of(grain, measures, [*columns, *totals])
    groups = [rows.c[column.name] for column in columns]
    added = [cast(func.coalesce(func.sum(rows.c[total.name]), 0), BigInteger).label(total.name) for total in totals]
    return select(*groups, func.count().label("facts"), *added).group_by(*groups)


def unpacked(numbers: Counts, place: int, facts: Counts, totals: Counts | None, leaves: NDArray[np.intp], size: int) -> Counts:
    """Read one measure's counts off the rows: ``leaves`` says which of ``size`` leaves each row is of."""
    verdicts = (numbers >> (2 * place)) & 3
    counts = np.zeros((size, WIDTH), dtype=np.int64)
    for column, which in ((0, verdicts == _COUNTED), (1, verdicts >= _BASE), (2, verdicts == _EXEMPTED)):
        np.add.at(counts[:, column], leaves[which], facts[which])
    if totals is not None:
        which = verdicts == _COUNTED
        np.add.at(counts[:, 3], leaves[which], totals[which])
    return counts


def _number(all_measures: Sequence[Measure], measures: Sequence[Measure]) -> ColumnElement[Any]:
    found: ColumnElement[Any] = cast(literal_column("0"), BigInteger)
    for place, one in enumerate(measures):
        found = found + one.verdict(within_scope=is_of_one_scope(all_measures), words=_words(place))
    return found


def _words(place: int) -> Words:
    none, exempted, base, counted = (literal_column(str(word << (2 * place)), BigInteger) for word in range(4))
    return none, exempted, base, counted
