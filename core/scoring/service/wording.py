"""Rows in words: each value with the counts it is made of, and a sentence for everything that needs one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from core.lib.text import listed, msg
from core.scoring.engine import shown, value_of
from core.scoring.service.faces import Face
from core.scoring.types import FINDINGS, NOBODY, NOTHING, OUTSIDE, OWN, UNSCORED, WHOLE, LineHead, LineScore, Row, Score, Subject, Value

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SPECIAL = {NOBODY: "scoring.subject_nobody", OUTSIDE: "scoring.subject_outside", WHOLE: "scoring.subject_whole"}


def row_shown(row: Row, face: Face, refs: Mapping[int, str]) -> dict[str, Any]:
    """Write a row as the screens and the bulletin show it; ``refs`` name the areas and departments by id."""
    score = row.score
    cells, also = _cells(row, face)
    return {
        "subject": subject_shown(row.subject, face.locale, refs),
        "score": None if score.score is None else float(score.score),
        "grade": score.grade,
        "rank": row.rank,
        "is_ranked": score.is_ranked,
        "volume": score.volume,
        "cells": cells,
        "also": also,
        "notes": _once(face, (score,), lambda: list(_notes(row, face))),
    }


def _cells(row: Row, face: Face) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Write a row's numbers; thousands of small areas share their scores and values, and what is shared is written once."""
    own = (row.values.get(head.key) for head in face.heads)
    cells = _once(face, (row.score, *own), lambda: _scored(row, face))
    also = [_also(head, row.values.get(head.key, NOTHING), face) for head in face.also]
    return cells, also


def _scored(row: Row, face: Face) -> list[dict[str, Any]]:
    lines = {line.key: line for line in row.score.lines}
    return [_cell(head, lines.get(head.key), row, face) for head in face.heads]


def _also(head: LineHead, value: Value, face: Face) -> dict[str, Any]:
    found: dict[str, Any] = _once(face, (head, value), lambda: _beside(head, value, face))
    return found


def _once(face: Face, of: tuple[Any, ...], write: Callable[[], Any]) -> Any:
    """Write something once for the same objects, which are kept so that no others come to stand in their place."""
    place = tuple(map(id, of))
    found = face.written.get(place)
    if found is None:
        found = face.written[place] = (of, write())
    return found[1]


def refs_of(rows: Iterable[Row]) -> dict[int, str]:
    """Name the subjects of rows by their ids, for what lies below them."""
    return {row.subject.id: row.subject.ref for row in rows if row.subject.id is not None and row.subject.special is None}


def subject_shown(subject: Subject, locale: str, refs: Mapping[int, str]) -> dict[str, Any]:
    """Write a subject."""
    return {
        "key": subject.ref,
        "kind": subject.kind,
        "code": subject.code or None,
        "name": subject_name(subject, locale),
        "level": subject.level,
        "parent": None if subject.parent is None else refs.get(subject.parent),
        "note": _subject_note(subject, locale),
    }


def subject_name(subject: Subject, locale: str) -> str:
    """Name a subject, and what is no subject of its own."""
    if subject.special in _SPECIAL:
        return msg(_SPECIAL[subject.special]).text(locale)
    if subject.special == OWN:
        return msg("scoring.subject_own", name=subject.name).text(locale)
    if subject.kind == "person" and not subject.name:
        return msg("scoring.subject_erased").text(locale)
    return subject.name


def _subject_note(subject: Subject, locale: str) -> str | None:
    if not subject.is_retired:
        return None
    if subject.heirs:
        return msg("scoring.subject_gone", heirs=listed(subject.heirs, locale)).text(locale)
    return msg("scoring.subject_left" if subject.kind == "person" else "scoring.subject_retired").text(locale)


def _cell(head: LineHead, line: LineScore | None, row: Row, face: Face) -> dict[str, Any]:
    if head.key == FINDINGS and face.card.deduction is not None:
        return _deducted(row.score, face.locale)
    if line is None:
        line = LineScore(head.key, 0, 0, 0, None, None, head.weight or Fraction(0), Fraction(0))
    value = row.values.get(head.key) or Value(line.counted, line.base, line.exempted)
    return {
        **_counts(head, value),
        "value": _number(head, line.value),
        "text": _text(head, line.value, value, line.per, face.locale),
        "points": None if line.points is None else float(line.points),
        "weight": float(line.weight),
        "effective": float(line.effective),
    }


def _beside(head: LineHead, value: Value, face: Face) -> dict[str, Any]:
    reached = value_of(head.of, value)
    told = {"value": _number(head, reached), "text": _text(head, reached, value, None, face.locale)}
    return {**_counts(head, value), **told, "points": None, "weight": None, "effective": None}


def value_shown(head: LineHead, value: Value, locale: str) -> tuple[float | None, str]:
    """Give a value as a number and as people read it, with its counts."""
    reached = value_of(head.of, value)
    return _number(head, reached), _text(head, reached, value, None, locale)


def _counts(head: LineHead, value: Value) -> dict[str, Any]:
    return {"key": head.key, "counted": value.counted, "base": value.base, "exempted": value.exempted}


def _deducted(score: Score, locale: str) -> dict[str, Any]:
    findings = sum(one.findings for one in score.takings)
    taken = sum((one.taken for one in score.takings), Fraction(0))
    text = msg("scoring.shown_taken", points=_rounded(taken), count=findings).text(locale)
    return {
        "key": FINDINGS, "counted": findings, "base": findings, "exempted": 0, "value": float(taken), "text": text,
        "points": None if score.score is None else float(score.score), "weight": 100.0, "effective": 100.0,
    }  # fmt: skip


def _number(head: LineHead, value: Fraction | None) -> float | None:
    return None if value is None else float(_in_unit(head, value))


def _in_unit(head: LineHead, value: Fraction) -> Fraction:
    if head.of == "rate":
        return value * 100
    return value / _SECONDS.get(head.unit or "", 1) if head.of in {"mean", "sum"} else value


def _text(head: LineHead, value: Fraction | None, counts: Value, per: int | None, locale: str) -> str:
    if value is None:
        return msg("scoring.no_data").text(locale)
    number = _in_unit(head, value)
    if head.of == "count" and per is None:
        return str(counts.counted)
    if head.of == "count":
        return msg("scoring.shown_counts", value=_rounded(number), above=counts.counted, below=per).text(locale)
    if head.of == "rate":
        return msg("scoring.shown_rate", value=_rounded(number), above=counts.counted, below=counts.base).text(locale)
    if head.of == "ratio":
        return msg("scoring.shown_counts", value=_rounded(number), above=counts.counted, below=counts.base).text(locale)
    unit = msg(f"scoring.unit_{head.unit}").text(locale) if head.unit and head.unit != "one" else ""
    if head.of == "mean":
        return msg("scoring.shown_mean", value=_rounded(number), unit=unit, count=counts.counted).text(locale)
    return f"{_rounded(number)} {unit}".strip()


def _rounded(number: Fraction) -> str:
    return str(shown(number))


def _notes(row: Row, face: Face) -> Iterable[str]:
    if row.subject.special in UNSCORED:
        return
    score, locale = row.score, face.locale
    if score.score is None:
        yield msg("scoring.note_no_data").text(locale)
        return
    for line in score.lines:
        if line.is_empty and line.weight:
            title = face.title_of(line.key)
            yield msg("scoring.note_empty_shared", title=title, weight=f"{float(line.weight):g}").text(locale)
    least = face.card.least_volume
    if face.card.volume_line is not None and score.volume is not None and score.volume < least:
        yield msg("scoring.note_small", volume=score.volume, least=least).text(locale)
    if score.small:
        parts = listed((face.title_of(key) for key in score.small), locale)
        yield msg("scoring.note_small_part", parts=parts).text(locale)
    for veto in score.vetoes:
        yield msg("scoring.note_veto", title=face.title_of(veto)).text(locale)
    for one in score.adjustments:
        yield msg("scoring.note_adjustment", title=one.title, points=f"{float(one.points):+g}").text(locale)
