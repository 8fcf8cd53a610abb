"""Deduction sheets: what each finding takes, added up in the database by whatever the limit on it goes by."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Numeric, Select, Text, bindparam, case, cast, func, literal, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from core.scoring.definition import Deduction, Multiplier, Scorecard
from core.scoring.engine import deduct, sheets_of
from core.scoring.service.attribution import LEAF_OF, leaf
from core.scoring.service.counting import Work
from core.scoring.service.formulas import Formula
from core.scoring.service.measuring import MILLIONTHS, Measure, measure, millionths
from core.scoring.service.naming import AGENCY, Grain, json_path
from core.scoring.service.subjects import layout_of
from core.scoring.service.targets import adjustments_of
from core.scoring.types import FINDINGS, Row, Value

ITEMS = bindparam("items", type_=JSONB)
_ONE = literal(1, Numeric)


def findings_grain(work_tables: Any) -> Grain:
    """Give the grain of findings: cases, whose rules may also read what their class carries (``item``)."""
    grain = Grain("case", work_tables)
    of_class = type_coerce(ITEMS, JSONB).op("->", return_type=JSONB())(grain.facts.c.class_code)
    return replace(grain, extra={"item.": lambda path: json_path(of_class, path)})


def deducted(work: Work, card: Scorecard) -> list[Row]:
    """Score a card of deduction sheets."""
    assert card.deduction is not None
    sheet, scale = card.deduction, work.formula.scale(card)
    leaves, keys, counts = _counted(work, card, sheet)
    layout = layout_of(work.session, work.actor, card, work.window, work.source, leaves)
    subjects, numbers, _ = layout.fold(leaves, counts)
    decided = adjustments_of(work, card)
    rows = []
    for subject, line in zip(subjects, numbers, strict=True):
        findings = {key: (int(line[2 * n]), Fraction(int(line[2 * n + 1]), MILLIONTHS)) for n, key in enumerate(keys) if line[2 * n]}
        held = [veto.key for n, veto in enumerate(sheet.vetoes) if line[2 * len(keys) + n]]
        added = decided.get(subject.id, ()) if subject.special is None else ()
        total = sum((points for _, points in findings.values()), Fraction(0))
        number = sum(found for found, _ in findings.values())
        made = deduct(card, scale, findings, vetoes=held, adjustments=added)
        rows.append(Row(subject, made, {FINDINGS: Value(number, number, total=total)}))
    return rows if sheet.larger_level is None else _with_larger(card, sheet, work, rows)


def taken(grain: Grain, sheet: Deduction, of: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the points that a finding takes, in millionths: its own, by everything that makes it take more."""
    times = [_times(grain, one, of) for one in sheet.multipliers]
    together: ColumnElement[Any] = _ONE
    if sheet.combine == "largest":
        together = func.greatest(_ONE, *times)
    else:
        for one in times:
            together = together * one
    points = func.coalesce(cast(grain.value(sheet.points), Numeric), literal(0, Numeric))
    return millionths(points * together)


def parameters(work_formula: Formula) -> dict[str, Any]:
    """Give what statements over findings need besides those of every statement."""
    return {"items": dict(work_formula.items)}


def _counted(work: Work, card: Scorecard, sheet: Deduction) -> tuple[list[int | None], list[str], Any]:
    """Give, by leaf, how many findings of each key there are and what they take, and whether each veto holds."""
    given = {**work.window.parameters(work.actor, work.source), **parameters(work.formula)}
    rows = work.session.execute(_statement(work, card, sheet), given).all()
    leaves = list(dict.fromkeys(row.leaf for row in rows))
    keys = sorted({row.per for row in rows})
    counts = np.zeros((len(leaves), 2 * len(keys) + len(sheet.vetoes)), dtype=np.int64)
    place, column = {one: n for n, one in enumerate(leaves)}, {one: 2 * n for n, one in enumerate(keys)}
    for row in rows:
        begin = column[row.per]
        counts[place[row.leaf], begin : begin + 2] += (int(row.found), int(row.taken))
        for n in range(len(sheet.vetoes)):
            counts[place[row.leaf], 2 * len(keys) + n] += int(getattr(row, f"veto_{n}"))
    return leaves, keys, counts


def _statement(work: Work, card: Scorecard, sheet: Deduction) -> Select[Any]:
    indicator = work.formula.indicators[sheet.findings]
    grain = findings_grain(work.source.tables)
    found: Measure = measure(grain, indicator)
    of = leaf(grain, LEAF_OF[card.subjects.kind], indicator)
    per = grain.column(sheet.most_per) if sheet.most_per is not None else grain.facts.c.class_code
    one = (
        select(
            of.label("leaf"),
            func.coalesce(cast(per, Text), literal("-")).label("per"),
            taken(grain, sheet, of).label("taken"),
            *(func.coalesce(grain.condition(veto.when), literal(False)).label(f"veto_{n}") for n, veto in enumerate(sheet.vetoes)),
        )
        .select_from(grain.source)
        .where(grain.facts.c.agency_id == AGENCY, found.predicate("counted"))
        .subquery()
    )
    vetoes = [func.bool_or(one.c[f"veto_{n}"]).label(f"veto_{n}") for n in range(len(sheet.vetoes))]
    columns = (one.c.leaf, one.c.per, func.count().label("found"), func.sum(one.c.taken).label("taken"))
    return select(*columns, *vetoes).group_by(one.c.leaf, one.c.per)


def _times(grain: Grain, multiplier: Multiplier, of: ColumnElement[Any]) -> ColumnElement[Any]:
    by = literal(multiplier.by.numerator, Numeric) / literal(multiplier.by.denominator, Numeric)
    if multiplier.when is not None:
        return case((grain.condition(multiplier.when), by), else_=_ONE)
    facts = grain.facts
    same = [of, *(grain.column(name) for name in multiplier.same)]
    nth = func.row_number().over(partition_by=same, order_by=[facts.c.reported_at, facts.c.case_id])
    return case((nth >= multiplier.from_number, by), else_=_ONE)


def _with_larger(card: Scorecard, sheet: Deduction, work: Work, rows: list[Row]) -> list[Row]:
    """Score the areas above the level that has sheets of its own from the sheets below them."""
    scale = work.formula.scale(card)
    order = {level: n for n, level in enumerate(card.subjects.levels)}
    own = order[str(sheet.larger_level)]
    sheets = [row for row in rows if row.subject.level == sheet.larger_level and row.subject.special is None]
    found = []
    for row in rows:
        if row.subject.special is None and order.get(row.subject.level or "", own) < own:
            parts = [one.score for one in sheets if str(one.subject.path).startswith(f"{row.subject.path}.")]
            found.append(replace(row, score=sheets_of(card, scale, parts)))
        else:
            found.append(row)
    return found
