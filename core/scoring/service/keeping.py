"""A row of a board as it is kept with a publication, and back: numbers that are no whole ones are fractions in text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from core.scoring.models import PublicationResult
from core.scoring.types import Adjustment, LineScore, Row, Score, Subject, Taking, Value


def kept(row: Row, position: int) -> dict[str, Any]:
    """Give the columns in which a publication keeps a row."""
    subject, score = row.subject, row.score
    of_lines = {line.key for line in score.lines}
    return {
        "position": position,
        "subject": subject.ref,
        "subject_kind": subject.kind,
        "subject_id": subject.id,
        "subject_code": subject.code,
        "subject_name": subject.name,
        "special": subject.special,
        "level": subject.level,
        "path": subject.path,
        "department_path": subject.department_path,
        "parent_id": subject.parent,
        "compared_within": subject.group,
        "heirs": list(subject.heirs) if subject.is_retired else None,
        "lines": [_kept_line(line, row.values.get(line.key)) for line in score.lines],
        "also": [{"key": key} | _kept_value(value) for key, value in row.values.items() if key not in of_lines],
        "details": _kept_details(score),
        "score": score.score,
        "grade": score.grade,
        "rank": row.rank,
        "is_ranked": score.is_ranked,
        "volume": score.volume,
    }


def row_of(result: PublicationResult) -> Row:
    """Give a kept row back as it was on the board."""
    subject = Subject(
        kind=result.subject_kind,
        id=result.subject_id,
        code=result.subject_code,
        name=result.subject_name or "",
        level=result.level,
        path=result.path,
        parent=result.parent_id,
        group=result.compared_within,
        special=result.special,
        is_retired=result.heirs is not None,
        heirs=tuple(result.heirs or ()),
        department_path=result.department_path,
    )
    values = {one["key"]: _value(one) for one in [*result.lines, *result.also] if "total" in one}
    return Row(subject, _score(result), values, result.rank)


def _kept_line(line: LineScore, value: Value | None) -> dict[str, Any]:
    kept = {
        "key": line.key,
        "value": _text(line.value),
        "points": _text(line.points),
        "weight": _text(line.weight),
        "effective": _text(line.effective),
    }
    if value is not None:
        return kept | _kept_value(value) | {"per": line.per, "target": _text(line.target)}
    counts = {"counted": line.counted, "base": line.base, "exempted": line.exempted}
    return kept | counts | {"per": line.per, "target": _text(line.target)}


def _kept_value(value: Value) -> dict[str, Any]:
    return {
        "counted": value.counted,
        "base": value.base,
        "exempted": value.exempted,
        "total": _text(value.total),
        "per": value.per,
        "target": _text(value.target),
    }


def _kept_details(score: Score) -> dict[str, Any]:
    found: dict[str, Any] = {
        "takings": [
            {"key": one.key, "findings": one.findings, "points": _text(one.points), "taken": _text(one.taken)} for one in score.takings
        ],
        "vetoes": list(score.vetoes),
        "small": list(score.small),
        "adjustments": [{"title": one.title, "points": _text(one.points), "record_id": one.record_id} for one in score.adjustments],
    }
    return {name: value for name, value in found.items() if value}


def _score(result: PublicationResult) -> Score:
    details = result.details
    return Score(
        score=None if result.score is None else Decimal(result.score),
        grade=result.grade,
        lines=tuple(_line(one) for one in result.lines),
        is_ranked=result.is_ranked,
        volume=result.volume,
        takings=tuple(
            Taking(one["key"], one["findings"], Fraction(one["points"]), Fraction(one["taken"])) for one in details.get("takings", ())
        ),
        vetoes=tuple(details.get("vetoes", ())),
        small=tuple(details.get("small", ())),
        adjustments=tuple(Adjustment(one["title"], Fraction(one["points"]), one["record_id"]) for one in details.get("adjustments", ())),
    )


def _line(one: Mapping[str, Any]) -> LineScore:
    return LineScore(
        key=one["key"],
        counted=one["counted"],
        base=one["base"],
        exempted=one["exempted"],
        value=_fraction(one["value"]),
        points=_fraction(one["points"]),
        weight=Fraction(one["weight"]),
        effective=Fraction(one["effective"]),
        per=one["per"],
        target=_fraction(one["target"]),
    )


def _value(one: Mapping[str, Any]) -> Value:
    return Value(one["counted"], one["base"], one["exempted"], Fraction(one["total"]), one["per"], _fraction(one["target"]))


def _text(number: Fraction | None) -> str | None:
    return None if number is None else str(number)


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
