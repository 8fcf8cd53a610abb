"""Scoring: values become points, points a score, a score its grade. Plain arithmetic, exact until it is shown.

Nothing here knows a database or a subject's name; the numbers of the field's
rule book are worked by hand in the tests of this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from core.scoring.definition import (
    HUNDRED,
    CardPart,
    Deduction,
    Inspection,
    InspectionItem,
    Line,
    Points,
    Scale,
    Scorecard,
    Veto,
)
from core.scoring.types import NOTHING, Adjustment, LineScore, Score, Taking, Value

ZERO = Fraction(0)


def score(
    card: Scorecard, scale: Scale, values: Mapping[str, Value], *, group: str | None = None, adjustments: Sequence[Adjustment] = ()
) -> Score:
    """Score one subject by a weighted card.

    A line with nothing to judge gives its weight to the others in proportion;
    with no line to judge there is no score. Rounded once, half up; the grade
    is of the rounded score.
    """
    lines = weighed([_judge(line, values.get(line.key, NOTHING), group) for line in card.lines])
    volume = _volume(card, values)
    is_ranked = card.volume_line is None or (volume or 0) >= card.least_volume
    return _finished(card, scale, _mean(lines), lines=lines, volume=volume, is_ranked=is_ranked, adjustments=tuple(adjustments))


def value_of(of: str, value: Value, *, per: bool = False) -> Fraction | None:
    """Give what a value comes to: a count, a sum, a share, a mean; None when there is nothing to divide by."""
    if of == "count":
        return Fraction(value.counted, value.per or 1) if per else Fraction(value.counted)
    if of == "sum":
        return value.total
    if of == "mean":
        return value.total / value.counted if value.counted else None
    return Fraction(value.counted, value.base) if value.base else None


def weighed(judged: Iterable[LineScore]) -> tuple[LineScore, ...]:
    """Share the weight of the lines without points among those that have some, in proportion; together they are 100 again."""
    lines = tuple(judged)
    if all(line.points is not None for line in lines) and all(line.effective == line.weight for line in lines):
        return lines  # nothing was empty, so each weighs what it says
    whole = sum((line.weight for line in lines if line.points is not None), ZERO)
    return tuple(
        LineScore(
            line.key, line.counted, line.base, line.exempted, line.value, line.points, line.weight,
            line.weight * HUNDRED / whole if whole and line.points is not None else ZERO, line.per, line.target,
        )
        for line in lines
    )  # fmt: skip


def compose(card: Scorecard, scale: Scale, scores: Mapping[str, Score | None], *, role: str | None = None) -> Score:
    """Score one subject by a composite card from the scores of its parts; a part without a score gives its weight to the others.

    ``role`` is the subject's part in its team, for parts whose weight goes by it.
    """
    weights = part_weights(card.parts, role)
    lines = []
    for part in card.parts:
        made = scores.get(part.key)
        reached = None if made is None or made.score is None else Fraction(made.score)
        lines.append(LineScore(part.key, 0, 0, 0, reached, reached, weights[part.key], ZERO))
    given = {key: made for key, made in scores.items() if made is not None and made.score is not None}
    small = tuple(part.key for part in card.parts if part.key in given and not given[part.key].is_ranked)
    shared = weighed(lines)
    return _finished(card, scale, _mean(shared), lines=shared, is_ranked=bool(given) and not small, small=small)


def mean_of(scores: Sequence[Score]) -> Score | None:
    """Give the mean of the scores of several bodies that somebody belongs to; None when none of them has one."""
    reached = [Fraction(one.score) for one in scores if one.score is not None]
    if not reached:
        return None
    mean = shown(sum(reached, ZERO) / len(reached), 4)
    return Score(mean, None, is_ranked=any(one.is_ranked for one in scores))


def part_weights(parts: Sequence[CardPart], role: str | None) -> dict[str, Fraction]:
    """Give the weight of each part: its own, that of the subject's role in the team, or what the others leave of 100."""
    given = {part.key: part.by_team_role.get(role or "", part.weight or ZERO) for part in parts if not part.takes_rest}
    rest = HUNDRED - sum(given.values(), ZERO)
    return {part.key: rest if part.takes_rest else given[part.key] for part in parts}


def deduct(
    card: Scorecard,
    scale: Scale,
    findings: Mapping[str, tuple[int, Fraction]],
    *,
    vetoes: Iterable[str] = (),
    adjustments: Sequence[Adjustment] = (),
) -> Score:
    """Score one sheet from which findings took points: by the key of the limit on them, how many there were and what they take."""
    sheet = _deduction(card)
    takings = tuple(
        Taking(key, number, points, points if sheet.most_points is None else min(points, sheet.most_points))
        for key, (number, points) in sorted(findings.items())
    )
    reached = max(sheet.floor, sheet.start - sum((taking.taken for taking in takings), ZERO))
    held = tuple(vetoes)
    return _finished(
        card,
        scale,
        vetoed(reached, [veto for veto in sheet.vetoes if veto.key in held]),
        volume=sum(number for number, _ in findings.values()),
        takings=takings,
        vetoes=held,
        adjustments=tuple(adjustments),
    )


def sheets_of(card: Scorecard, scale: Scale, parts: Sequence[Score]) -> Score:
    """Score a larger area from the sheets below it, as the card says: their mean, their least, or all that was taken together."""
    sheet = _deduction(card)
    reached = [Fraction(part.score) for part in parts if part.score is not None]
    if not reached:
        return Score(None, None, is_ranked=False)
    if sheet.larger_take == "least":
        whole = min(reached)
    elif sheet.larger_take == "sum":
        whole = max(sheet.floor, sheet.start - sum((sheet.start - one for one in reached), ZERO))
    else:
        whole = sum(reached, ZERO) / len(reached)
    return _finished(card, scale, whole, volume=sum(part.volume or 0 for part in parts))


def inspect(card: Scorecard, scale: Scale, form: Mapping[str, Any]) -> Score:
    """Score one record from the form of its inspection: each item's points, groups together 100, then the vetoes."""
    sheet = _inspection(card)
    data = {"form": form}
    lines = []
    for group in sheet.groups:
        reached = sum((_item_points(item, data) for item in group.items), ZERO)
        points = reached * HUNDRED / group.points if group.points else HUNDRED
        lines.append(LineScore(group.key, 0, 0, 0, reached, points, group.points, group.points))
    held = [veto for veto in sheet.vetoes if veto.rule.truthy(data)]
    reached = vetoed(sum((line.value or ZERO for line in lines), ZERO), held)
    return _finished(card, scale, reached, lines=tuple(lines), vetoes=tuple(veto.key for veto in held))


def vetoed(reached: Fraction, held: Iterable[Veto]) -> Fraction:
    """Give what the vetoes that hold leave of a result: the lowest that any of them sets or allows."""
    for veto in held:
        if veto.result is not None:
            reached = min(reached, veto.result)
        if veto.at_most is not None:
            reached = min(reached, veto.at_most)
    return reached


def ranked(scores: Sequence[Score]) -> list[int | None]:
    """Give the place of each: 1, 2, 2, 4; whoever is not ranked has none."""
    reached = sorted((one.score for one in scores if one.is_ranked and one.score is not None), reverse=True)
    places: dict[Decimal, int] = {}
    for place, one in enumerate(reached, 1):
        places.setdefault(one, place)
    return [places[one.score] if one.is_ranked and one.score is not None else None for one in scores]


def shown(number: Fraction, decimals: int = 2) -> Decimal:
    """Round half up to what is shown."""
    unit = 10**decimals
    doubled = abs(number) * unit * 2
    whole = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return Decimal(-whole if number < 0 else whole).scaleb(-decimals).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _judge(line: Line, value: Value, group: str | None) -> LineScore:
    reached = value_of(line.of, value, per=line.per_grid is not None)
    if reached is not None and line.of == "rate" and line.points.kind == "rate" and line.points.at_most >= line.points.factor:
        # A share lies between nothing and all, so its points need no bounds.
        part = value.base - value.counted if line.is_better_lower else value.counted
        points: Fraction | None = line.points.factor * part / value.base
    else:
        points = None if reached is None else _points(line, line.points, reached, value.target, group)
    if points is None and line.empty != "shared":
        points = HUNDRED if line.empty == "full" else ZERO
    return LineScore(
        line.key, value.counted, value.base, value.exempted, reached, points, line.weight, line.weight if points is not None else ZERO,
        value.per if line.per_grid is not None else None, value.target,
    )  # fmt: skip


def _points(line: Line, how: Points, reached: Fraction, target: Fraction | None, group: str | None) -> Fraction | None:
    if how.kind == "steps":
        table = how.groups.get(group or "", how.steps)
        return None if table is None else table.points_at(reached)
    if how.kind == "attainment":
        if not target:
            return None
        return _between(ZERO, how.factor * reached / target, how.at_most)
    share = reached if how.kind == "rate" else reached / how.factor
    share = 1 - share if line.is_better_lower else share
    return _between(ZERO, share * (how.factor if how.kind == "rate" else HUNDRED), how.at_most)


def _volume(card: Scorecard, values: Mapping[str, Value]) -> int | None:
    if card.volume_line is None:
        return None
    value = values.get(card.volume_line, NOTHING)
    line = next(line for line in card.lines if line.key == card.volume_line)
    return value.counted if line.of in {"count", "mean"} else value.base


def _mean(lines: Iterable[LineScore]) -> Fraction | None:
    """Give the mean of the points by weight, exactly; in whole numbers, reduced once at the end: it is made for thousands of rows."""
    above, below, whole = 0, 1, ZERO
    for line in lines:
        if line.points is None:
            continue
        (points, of_points), (weight, of_weight) = line.points.as_integer_ratio(), line.weight.as_integer_ratio()
        above = above * of_points * of_weight + points * weight * below
        below *= of_points * of_weight
        whole += line.weight
    return Fraction(above * whole.denominator, below * whole.numerator) if whole else None


def _finished(card: Scorecard, scale: Scale, reached: Fraction | None, **more: Any) -> Score:
    if reached is None:
        return Score(None, None, **{**more, "is_ranked": False})
    added = sum((one.points for one in more.get("adjustments", ())), ZERO)
    if card.adjustments is not None:
        least, most = card.adjustments.least, card.adjustments.most
        added = added if least is None else max(added, least)
        added = added if most is None else min(added, most)
    rounded = shown(_between(ZERO, reached + added, HUNDRED), card.decimals)
    return Score(rounded, scale.grade_of(rounded).code, **more)


def _item_points(item: InspectionItem, data: Mapping[str, Any]) -> Fraction:
    if item.when is not None:
        return item.points if item.when.truthy(data) else ZERO
    assert item.share is not None
    share = item.share.evaluate(data)
    if isinstance(share, bool) or not isinstance(share, int | float):
        return ZERO
    return item.points * _between(ZERO, Fraction(str(share)), Fraction(1))


def _between(least: Fraction, number: Fraction, most: Fraction) -> Fraction:
    return max(least, min(number, most))


def _deduction(card: Scorecard) -> Deduction:
    assert card.deduction is not None, card.key
    return card.deduction


def _inspection(card: Scorecard) -> Inspection:
    assert card.inspection is not None, card.key
    return card.inspection
