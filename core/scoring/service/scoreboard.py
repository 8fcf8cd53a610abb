"""The boards: counts become rows, rows scores, scores places; only then what the asker may not see is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.authz import Actor
from core.lib.errors import Invalid, NotFound
from core.lib.text import Title, msg
from core.scoring.definition import Indicator, Scorecard
from core.scoring.engine import ranked, score
from core.scoring.service.attribution import LEAF_OF
from core.scoring.service.composing import composed
from core.scoring.service.counting import Work, counted, parts_of
from core.scoring.service.deductions import deducted
from core.scoring.service.formulas import Formula, formula_of
from core.scoring.service.inspections import inspected
from core.scoring.service.measuring import value_of
from core.scoring.service.packing import WIDTH
from core.scoring.service.seeing import may_see
from core.scoring.service.sources import NOW, Source, window_of
from core.scoring.service.subjects import Numbers, layout_of
from core.scoring.service.targets import adjustments_of, targets_of
from core.scoring.types import EMPTY, OWN, UNSCORED, Asked, Board, LineHead, Row, Score, Sheet, Subject, Value


def scoreboard(session: Session, actor: Actor, asked: Asked, source: Source = NOW) -> Board:
    """Give the boards that are asked for, all counted as of one moment, with the rows that ``actor`` may see.

    Raises NotFound for a card that is not there, and Invalid for a period or
    level that a card does not know.
    """
    formula = formula_of(session, asked.scorecards, source.formula)
    window = window_of(session, asked.period, source)
    for key in asked.scorecards:
        if asked.period.kind not in formula.cards[key].periods:
            raise Invalid(msg("scoring.not_of_period", kind=asked.period.kind, known=", ".join(formula.cards[key].periods)), path="period")
    work = counted(session, actor, window, source, formula)
    sheets = tuple(_sheet(work, formula.cards[key], asked) for key in asked.scorecards)
    return Board(window.starts_at, window.ends_at, window.as_of, sheets)


def _sheet(work: Work, card: Scorecard, asked: Asked) -> Sheet:
    rows = placed(all_rows(work, card))
    chosen = [row for row in _narrowed(card, rows, asked) if may_see(work.actor, row.subject)]
    heads, also = heads_of(work.formula, card)
    return Sheet(card.key, card.title, heads, also, tuple(chosen), work.formula.of_card(card.key))


def all_rows(work: Work, card: Scorecard) -> list[Row]:
    """Give every row of a card, whoever may see it, without places."""
    if card.method == "composite":
        return composed(work, card, all_rows)
    if card.method == "inspection":
        return inspected(work, card)
    rows = deducted(work, card) if card.method == "deduction" else _weighted(work, card)
    return [row if row.subject.special is None else replace(row, score=_of_special(work.formula, row)) for row in rows]


def _weighted(work: Work, card: Scorecard) -> list[Row]:
    keys = card.measured
    leaves, counts = _columns(work, card, list(keys.values()))
    layout = layout_of(work.session, work.actor, card, work.window, work.source, leaves)
    subjects, numbers, pers = layout.fold(leaves, counts)
    targets, decided = targets_of(work, card, subjects), adjustments_of(work, card)
    scored: dict[tuple[Any, ...], Score] = work.formula.known("scores", card.key)
    valued: dict[tuple[Any, ...], dict[str, Value]] = work.formula.known("values", card.key)
    known: dict[tuple[int, ...], Value] = work.formula.known("numbers")
    scale, width = work.formula.scale(card), 2 * WIDTH * len(card.lines)
    rows = []
    for subject, line, per in zip(subjects, numbers, pers, strict=True):
        own, added = targets.get(subject.ref, EMPTY), decided.get(subject.id, ()) if subject.special is None else ()
        held = tuple(own.items())
        whole, judged = (line.tobytes(), per, held), (line[:width].tobytes(), per, held, subject.group, added)
        values = valued.get(whole)
        if values is None:
            values = {
                key: _value(work.formula, indicator, line, number, per, known) for number, (key, indicator) in enumerate(keys.items())
            }
            valued[whole] = values = values | {key: replace(values[key], target=target) for key, target in held}
        # Of thousands of small areas a few hundred differ in what is scored: each of those is scored once.
        made = scored.get(judged)
        if made is None:
            made = scored[judged] = score(card, scale, values, group=subject.group, adjustments=added)
        rows.append(Row(subject, made, values))
    return rows


def _of_special(formula: Formula, row: Row) -> Score:
    """Take place and, from what is no subject, score off a row; the same score gives the same one each time."""
    is_unscored = row.subject.special in UNSCORED
    known, place = formula.known("special"), (id(row.score), is_unscored)
    found = known.get(place)
    if found is None:
        taken = replace(row.score, score=None, grade=None, is_ranked=False) if is_unscored else replace(row.score, is_ranked=False)
        found = known[place] = (row.score, taken)  # with the score, so that no other comes to stand in its place
    made: Score = found[1]
    return made


def _value(formula: Formula, indicator: str, line: Numbers, number: int, per: int | None, known: dict[tuple[int, ...], Value]) -> Value:
    """Make a value of its eight columns; the same numbers are the same value, which most of thousands of small areas share."""
    begin = 2 * number * WIDTH
    if formula.indicators[indicator].of == "ratio":
        return Value(int(line[begin]), int(line[begin + WIDTH]), int(line[begin + WIDTH + 2]))
    counted = line[begin : begin + WIDTH].tolist()
    place = (*counted, per or 0)
    value = known.get(place)
    if value is None:
        value = known[place] = value_of(counted, per)
    return value


def placed(rows: Sequence[Row]) -> list[Row]:
    """Give every row its place among those that it is compared with, best first within each."""
    groups: dict[tuple[str | None, str | None, str | None], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.subject.special, row.subject.level if row.subject.kind == "grid" else None, row.subject.group), []).append(
            row
        )
    found: list[Row] = []
    for group in groups.values():
        places = ranked([row.score for row in group])
        numbered = [Row(row.subject, row.score, row.values, place) for row, place in zip(group, places, strict=True)]
        found += sorted(numbered, key=_order)
    return found


def _order(row: Row) -> tuple[bool, int, bool, Decimal, str]:
    """Ranked ones by place, then those that have a score all the same, then those without; alike by code."""
    reached = row.score.score
    return row.rank is None, row.rank or 0, reached is None, -(reached or Decimal(0)), row.subject.code


def _narrowed(card: Scorecard, rows: Sequence[Row], asked: Asked) -> list[Row]:
    """Leave the rows of a level, and below an area or department: those on its path, and what lies on itself."""
    chosen = list(rows)
    if asked.level is not None:
        if asked.level not in card.subjects.levels:
            known = ", ".join(card.subjects.levels) or "-"
            raise Invalid(msg("scoring.unknown_name", what="level", name=asked.level, known=known), path="level")
        chosen = [row for row in chosen if row.subject.level == asked.level and row.subject.special is None]
    if asked.below is not None:
        path = _path_of(rows, asked.below)
        chosen = [row for row in chosen if _is_below(row.subject, path)]
    return chosen


def _path_of(rows: Iterable[Row], code: str) -> str:
    found = next((row.subject.path for row in rows if row.subject.code == code and row.subject.path is not None), None)
    if found is None:
        raise NotFound(msg("scoring.no_subject", subject=code[:80]))
    return found


def _is_below(subject: Subject, path: str) -> bool:
    if subject.path is None:
        return False
    return subject.path.startswith(path + ".") or (subject.special == OWN and subject.path == path)


def heads_of(formula: Formula, card: Scorecard) -> tuple[tuple[LineHead, ...], tuple[LineHead, ...]]:
    """Give what the lines of a card, and what stands beside them, are called and how they are made."""
    known = formula.known("heads")
    found: tuple[tuple[LineHead, ...], tuple[LineHead, ...]] | None = known.get(card.key)
    if found is None:
        found = known[card.key] = _heads(formula, card)
    return found


def _heads(formula: Formula, card: Scorecard) -> tuple[tuple[LineHead, ...], tuple[LineHead, ...]]:
    lines = tuple(_head(formula.indicators[line.indicator], line.key, line.title, line.weight, line.nature) for line in card.lines)
    parts = tuple(
        LineHead(part.key, part.title or formula.cards[part.scorecard].title, part.scorecard, part.weight, "score", "higher", None)
        for part in card.parts
    )
    return lines + parts, tuple(_head(formula.indicators[one.indicator], one.key, None, None, None) for one in card.also)


def _head(indicator: Indicator, key: str, title: Title | None, weight: Fraction | None, nature: str | None) -> LineHead:
    better = "lower" if indicator.is_better_lower else "higher"
    return LineHead(key, title or indicator.title, indicator.key, weight, indicator.of, better, indicator.unit, indicator.help, nature)


def _columns(work: Work, card: Scorecard, indicators: Sequence[str]) -> tuple[list[int | None], Numbers]:
    """Lay the counts of a card's indicators side by side, by leaf: eight columns each, the second four for what a ratio divides by."""
    found = [[work.counts[LEAF_OF[card.subjects.kind], part.key] for part in parts_of(work.formula, key)] for key in indicators]
    leaves = list(dict.fromkeys(leaf for parts in found for part in parts for leaf in part.leaves))
    places = {leaf: place for place, leaf in enumerate(leaves)}
    counts = np.zeros((len(leaves), 2 * WIDTH * len(indicators)), dtype=np.int64)
    for number, parts in enumerate(found):
        for which, part in enumerate(parts):
            begin = (2 * number + which) * WIDTH
            counts[[places[leaf] for leaf in part.leaves], begin : begin + WIDTH] = part.counts
    return leaves, counts
