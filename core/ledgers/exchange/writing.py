"""Records out, as CSV, XLSX or GeoJSON: row by row, with the headings that an import maps by itself.

What a person wrote can never run in the reader's spreadsheet: in CSV a risky
beginning gets an apostrophe, which the import takes off again; in XLSX every
text is stored as text.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import xlsxwriter

from core.forms.fields import type_of
from core.forms.types import joined
from core.ledgers.exchange.mapping import Target, headings_of, targets_of
from core.ledgers.exchange.reading_csv import neutral
from core.ledgers.service.finding import Found
from core.ledgers.surroundings import Surroundings
from core.ledgers.types import FileFormat
from core.lib.errors import TooLarge
from core.lib.text import msg, say

CONTENT_TYPES: Mapping[FileFormat, str] = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.GEOJSON: "application/geo+json",
}
_BLOCK_ROWS = 500
_BYTES = 1 << 18
_MAX_CELL = 32_767
_MAX_SHEET_ROWS = 1_048_575


@dataclass(frozen=True)
class Layout:
    """The columns of an export: targets without the personal ones unless they are wanted."""

    around: Surroundings
    targets: Sequence[Target]
    locale: str

    @classmethod
    def of(cls, around: Surroundings, locale: str, *, personal: bool) -> Layout:
        """Choose the columns."""
        every = targets_of(around.ledger, around.form.definition)
        return cls(around, [target for target in every if personal or target.field is None or not target.field.is_personal], locale)

    def texts(self, row: Found) -> list[str]:
        """Write one record as cells of text."""
        whole = joined(row.data, row.personal or {})
        return [self._text(row, whole, target) for target in self.targets]

    def _text(self, row: Found, whole: Mapping[str, Any], target: Target) -> str:
        if target.field is None:
            value = own_value(self.around, row, target.name)
            if target.name == "state" and value in self.around.ledger.states:
                return self._state(str(value))
            return "" if value is None else repr(value) if isinstance(value, float) else str(value)
        value = value_at(whole, target.path)
        if value is None:
            return ""
        kind = type_of(target.field.type)
        text = kind.export_text(target.field, value, self.locale)
        return text if _reads_back(kind.from_text, target, text, value) else _as_stored(value)

    def _state(self, key: str) -> str:
        states = self.around.ledger.states
        title = say(states[key].title, self.locale)
        alike = [state for state in states.values() if title in (state.key, *state.title.values())]
        return title if len(alike) == 1 else key


def _reads_back(from_text: Callable[..., Any], target: Target, text: str, value: Any) -> bool:
    """Say whether an import would read the text as the same value: two options may have one label."""
    try:
        return bool(from_text(target.field, text) == value)
    except Exception:  # noqa: BLE001  # a text that cannot be read back, for whatever reason, is not the one to write
        return False


def _as_stored(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def own_value(around: Surroundings, row: Found, name: str) -> Any:
    """Give one of the record's own values by its target name."""
    if name == "grid":
        grid = around.grids.by_id.get(row.grid_id or 0)
        return grid.code if grid else None
    if name.startswith("department."):
        department = around.departments.by_id.get(row.departments.get(name.removeprefix("department."), 0))
        return department.code if department else None
    if name == "source_key":
        # A key made here of a row's content means nothing elsewhere.
        return None if row.source_key is None or row.source_key.startswith("row:") else row.source_key
    return getattr(row, name)


def value_at(data: Any, path: Sequence[str]) -> Any:
    """Give the value at a path of groups, or None."""
    for step in path:
        data = data.get(step) if isinstance(data, Mapping) else None
    return data


def write_records(rows: Iterable[Found], layout: Layout, file_format: FileFormat) -> Iterator[bytes]:
    """Yield the file in pieces; raises TooLarge for what an XLSX cannot hold."""
    if file_format is FileFormat.GEOJSON:
        return _geojson(rows, layout)
    headings = headings_of(layout.targets, layout.locale)
    cells = (layout.texts(row) for row in rows)
    return csv_pieces([headings], cells) if file_format is FileFormat.CSV else xlsx_pieces(headings, cells)


def csv_pieces(head: Iterable[Sequence[str]], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a CSV that Excel opens as UTF-8, every risky text neutralised."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    for source in (head, rows):
        for number, cells in enumerate(source, start=1):
            writer.writerow([neutral(cell) for cell in cells])
            if number % _BLOCK_ROWS == 0:
                yield _drained(buffer)
    yield _drained(buffer)


def xlsx_pieces(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield a workbook of one sheet, written in constant memory; every cell is text and no text is a formula or a link."""
    with tempfile.TemporaryFile() as file:
        book = xlsxwriter.Workbook(
            file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        )
        try:
            _fill_sheet(book, headings, rows)
        finally:
            # Closed even when it stays unfinished: the rows lie in a temporary file of its own.
            book.close()
        file.seek(0)
        while block := file.read(_BYTES):
            yield block


def _fill_sheet(book: Any, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    for number, cells in enumerate(rows, start=1):
        if number > _MAX_SHEET_ROWS:
            raise TooLarge(msg("ledgers.export_too_many_rows"))
        for column, text in enumerate(cells):
            if len(text) > _MAX_CELL:
                raise TooLarge(msg("ledgers.export_cell_too_long", heading=headings[column], code=cells[0]))
            if text:
                sheet.write_string(number, column, text)


def _geojson(rows: Iterable[Found], layout: Layout) -> Iterator[bytes]:
    yield b'{"type":"FeatureCollection","features":['
    own = {target.name for target in layout.targets if target.field is None}
    pending: list[bytes] = []
    first = True
    for row in rows:
        whole = joined(row.data, row.personal or {})
        properties = {}
        for target in layout.targets:
            if target.name in {"lon", "lat"}:
                continue
            value = own_value(layout.around, row, target.name) if target.field is None else value_at(whole, target.path)
            if value is not None:
                # A field that is called as one of the record's own columns keeps its `data.` to tell them apart.
                properties[target.name if target.plain in own else target.plain] = value
        feature = {"type": "Feature", "id": row.code, "geometry": geometry_of(row), "properties": properties}
        pending.append(orjson.dumps(feature))
        if len(pending) == _BLOCK_ROWS:
            yield (b"" if first else b",") + b",".join(pending)
            pending, first = [], False
    if pending:
        yield (b"" if first else b",") + b",".join(pending)
    yield b"]}"


def geometry_of(row: Found) -> dict[str, Any] | None:
    """Give a record's geometry in WGS84: its polygon, else its point."""
    if row.polygon is not None:
        return dict(row.polygon)
    return None if row.lon is None else {"type": "Point", "coordinates": [row.lon, row.lat]}


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
