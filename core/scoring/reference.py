"""Print what indicators may read, and a plugin's indicators and scorecards, as tables.

``docs/reference/scorecards.md`` is made with it and checked for drift.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from core.definitions.load import load_folder
from core.lib.text import Title
from core.rules import Tree, unparse
from core.scoring.cards import compile_scorecard
from core.scoring.compiler import compile_indicators
from core.scoring.definition import INSTANTS, Indicator, Line, Points, Scorecard, Steps
from core.scoring.names import INSTANTS_ARE, NAMES, OPEN_NAMES


def names() -> str:
    """Print what rules may read, a table for each grain."""
    return "\n\n".join(_grain(grain) for grain in INSTANTS)


def indicators(folder: str | Path) -> str:
    """Print every indicator in a plugin's folder; raises Invalid when one is wrong."""
    loaded = load_folder(Path(folder), origin=str(folder))
    files = [compile_indicators(document.content) for document in loaded.documents if document.kind == "indicator"]
    rows = [_indicator(one) for file in files for one in file.indicators.values()]
    return _table(("indicator", "title", "is", "in the period by", "of", "counted", "left out"), rows)


def scorecards(folder: str | Path) -> str:
    """Print every scorecard in a plugin's folder, line by line; raises Invalid when one is wrong."""
    loaded = load_folder(Path(folder), origin=str(folder))
    cards = [compile_scorecard(document.content) for document in loaded.documents if document.kind == "scorecard"]
    return "\n\n".join(_card(card) for card in cards)


def _grain(grain: str) -> str:
    instants = "; ".join(f"`{name}` {INSTANTS_ARE[name]}" for name in INSTANTS[grain])
    closed = [(f"`{name}`", says) for name, says in NAMES[grain].items()]
    opened = [(f"`{begin}<name>`", says) for begin, says in OPEN_NAMES[grain].items()]
    return f"### `{grain}`\n\nInstants (`at`): {instants}.\n\n{_table(('name', 'is'), [*closed, *opened])}"


def _indicator(one: Indicator) -> tuple[str, ...]:
    counted = f"`{one.above}` ÷ `{one.below}`" if one.of == "ratio" else _rule(one.numerator if one.value is None else one.value)
    better = ", fewer is better" if one.is_better_lower else ""
    left_out = "、".join(exemption.title["zh_CN"] for exemption in one.exemptions if not exemption.is_silent)
    return (
        f"`{one.key}`",
        _both(one.title),
        f"{one.of}{better}",
        f"`{one.at}`" if one.at else "–",
        _rule(one.filter),
        counted,
        left_out or "–",
    )


def _card(card: Scorecard) -> str:
    whom = ", ".join(f"`{level}`" for level in card.subjects.levels) or f"`{card.subjects.kind}`"
    lines = [(f"`{line.key}`", f"`{line.indicator}`", f"{float(line.weight):g} %", _points(line)) for line in card.lines]
    parts = [
        (f"`{part.key}`", f"`{part.scorecard}`", "the rest" if part.weight is None else f"{float(part.weight):g} %", "its score")
        for part in card.parts
    ]
    return f"### `{card.key}` {_both(card.title)}\n\n{card.method}, for {whom}\n\n{_table(('line', 'made of', 'weight', 'points'), [*lines, *parts])}"


def _points(line: Line) -> str:
    divided = f" by number of `{line.per_grid}`" if line.per_grid else ""
    return _steps(line.points.steps) + divided if line.points.steps is not None else _factor(line.points)


def _factor(points: Points) -> str:
    return f"{points.kind} × {float(points.factor):g}" if points.kind != "value" else f"value ÷ {float(points.factor):g} × 100"


def _steps(steps: Steps) -> str:
    bound = "from" if steps.is_from_below else "≤"
    return ", ".join(
        f"{bound} {float(one.bound):g}: {float(one.points):g}" if one.bound is not None else f"else {float(one.points):g}"
        for one in steps.steps
    )


def _rule(tree: Tree | None) -> str:
    return "all" if tree is None else f"`{unparse(tree)}`".replace("|", "\\|")


def _both(title: Title) -> str:
    return f"{title['zh_CN']} {title['en']}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = tuple(head)
    return "\n".join(_lines([heads, ("---",) * len(heads), *rows]))


def _lines(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    return (f"| {' | '.join(row)} |" for row in rows)
