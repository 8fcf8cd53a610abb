"""A file as the import sees it: headings, and chunks of columns. No kind of file is known here."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from core.lib.errors import Malformed
from core.lib.text import Message, msg

MAX_COLUMNS = 300
MAX_ROWS = 2_000_000
MAX_CELL = 20_000
_WHOLE = 1e15


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that cannot be a value, whatever its column: a formula, an error of the spreadsheet, lost digits."""

    message: Message
    shown: str


@dataclass(slots=True)
class Chunk:
    """Some rows, as columns: ``rows`` are the row numbers that a person sees in the file."""

    rows: list[int]
    columns: dict[str, list[Any]]
    spoilt: dict[int, Message] = field(default_factory=dict)
    """Rows (by index in the chunk) that have no shape at all."""
    polygons: list[Any] | None = None
    """Geometries of a GeoJSON file, one a row; None where there is none."""

    def __len__(self) -> int:
        return len(self.rows)

    def split(self, at: int) -> tuple[Chunk, Chunk]:
        """Give the rows before ``at`` and those from there on."""
        halves = []
        for part in (slice(0, at), slice(at, None)):
            start = part.start
            spoilt = {index - start: message for index, message in self.spoilt.items() if (index < at) == (start == 0)}
            columns = {name: column[part] for name, column in self.columns.items()}
            halves.append(Chunk(self.rows[part], columns, spoilt, None if self.polygons is None else self.polygons[part]))
        return halves[0], halves[1]


@dataclass
class Table:
    """An opened file: its headings, and its chunks, which can be read once."""

    headings: Sequence[str]
    chunks: Generator[Chunk, None, None]
    encoding: str | None = None
    has_positions: bool = False
    """Whether positions come with the rows (GeoJSON), in columns ``$lon`` and ``$lat``."""


def check_headings(cells: Sequence[Any]) -> list[str]:
    """Read the heading row; raises Malformed when it cannot tell columns apart."""
    headings = [str(cell).strip() if cell is not None else "" for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if not headings:
        raise Malformed(msg("ledgers.no_headings"))
    if len(headings) > MAX_COLUMNS:
        raise Malformed(msg("ledgers.too_many_columns", limit=MAX_COLUMNS))
    check_storable(headings)
    seen: set[str] = set()
    for number, heading in enumerate(headings, start=1):
        if not heading:
            raise Malformed(msg("ledgers.empty_heading", column=number))
        if heading in seen:
            raise Malformed(msg("ledgers.repeated_heading", heading=heading[:60]))
        seen.add(heading)
    return headings


def check_storable(headings: Sequence[str]) -> None:
    """Raise Malformed for a heading with NUL or half a character, which no database keeps."""
    text = "\n".join(headings)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Malformed(msg("ledgers.broken_heading"))


def rows_to_chunks(headings: Sequence[str], rows: Iterator[tuple[int, Sequence[Any]]], size: int) -> Generator[Chunk, None, None]:
    """Turn numbered rows into chunks of columns; a row of another width is spoilt, an empty one is passed over."""
    width = len(headings)
    numbers: list[int] = []
    taken: list[Sequence[Any]] = []
    spoilt: dict[int, Message] = {}
    for number, cells in rows:
        count = len(cells)
        if count != width:
            if count > width and any(cell not in (None, "") for cell in cells[width:]):
                spoilt[len(numbers)] = msg("ledgers.too_many_cells", expected=width, found=count)
            cells = [*cells[:width], *[None] * (width - count)]  # noqa: PLW2901  # the row brought to the width of the table
        if not any(cells) and all(cell in (None, "") for cell in cells):
            continue
        if number > MAX_ROWS:
            raise Malformed(msg("ledgers.too_many_rows", limit=MAX_ROWS))
        numbers.append(number)
        taken.append(cells)
        if len(numbers) == size:
            yield _chunk(headings, numbers, taken, spoilt)
            numbers, taken, spoilt = [], [], {}
    if numbers:
        yield _chunk(headings, numbers, taken, spoilt)


def _chunk(headings: Sequence[str], numbers: list[int], taken: list[Sequence[Any]], spoilt: dict[int, Message]) -> Chunk:
    columns = {heading: list(column) for heading, column in zip(headings, zip(*taken, strict=True), strict=True)}
    return Chunk(numbers, columns, spoilt)


def cell_text(cell: Any) -> str:
    """Write a typed cell as the text that a person would have typed; only cells, never lists, come here."""
    if type(cell) is str:
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _WHOLE:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return repr(cell) if isinstance(cell, float) else str(cell)
