"""The rows that stayed out, as a file to mend: each as it stood, and behind it row, column and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.ledgers.exchange.mapping import targets_of
from core.ledgers.exchange.writing import csv_pieces, xlsx_pieces
from core.ledgers.models import ImportJob, ImportProblem
from core.ledgers.surroundings import Surroundings
from core.ledgers.types import FileFormat
from core.lib.text import Message, msg, say


def report_pieces(
    problems: Iterable[ImportProblem], job: ImportJob, around: Surroundings, *, locale: str, file_format: FileFormat
) -> Iterator[bytes]:
    """Yield the report as CSV or XLSX.

    Its first columns are the file's own, so that it can be mended and imported
    again: the columns behind them have names that no mapping takes.
    """
    headings = [heading for heading in job.mapping if not heading.startswith("$")]
    by_target = {target: heading for heading, target in job.mapping.items() if target != "-"}
    titles = {target.name: say(target.title, locale) for target in targets_of(around.ledger, around.form.definition)}
    extra = [msg(f"ledgers.report_{name}").text(locale) for name in ("row", "problem")]
    rows = (_cells(problem, headings, by_target, titles, locale) for problem in problems)
    if file_format is FileFormat.XLSX:
        return xlsx_pieces([*headings, *extra], rows)
    return csv_pieces([[*headings, *extra]], rows)


def _cells(problem: ImportProblem, headings: list[str], by_target: Mapping[str, str], titles: Mapping[str, str], locale: str) -> list[str]:
    told = []
    for one in problem.problems:
        place = by_target.get(one["target"]) or titles.get(one["target"], one["target"])
        sentence = message_of(one).text(locale)
        told.append(f"{place}: {sentence}" if place else sentence)
    return [*(_text(problem.cells.get(heading)) for heading in headings), str(problem.row), "\n".join(told)]


def message_of(stored: Mapping[str, Any]) -> Message:
    """Read a stored message back, messages among its parameters included."""
    params = {
        name: message_of(value) if isinstance(value, dict) and set(value) == {"key", "params"} else value
        for name, value in stored["params"].items()
    }
    return Message(stored["key"], params)


def _text(cell: Any) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else str(cell)
