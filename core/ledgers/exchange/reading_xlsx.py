"""XLSX in: the first sheet, read as a stream; what could blow up is refused before it is unpacked, and no formula is ever run."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from core.ledgers.exchange.tables import BadCell, Table, check_headings, rows_to_chunks
from core.lib.errors import Malformed, TooLarge
from core.lib.text import msg

MAX_UNPACKED = 1_500_000_000
MAX_RATIO = 100
_SMALL = 20_000_000
MAX_PARTS = 5_000
MAX_SHARED_STRINGS = 300_000_000
MAX_CELLS = 40_000_000
_EXACT = 1e15


def open_xlsx(stream: IO[bytes], *, chunk_rows: int) -> Table:
    """Read the first sheet of a workbook.

    Raises TooLarge for a file that unpacks to far more than it is, Malformed for
    one that is no workbook. A formula, a spreadsheet error or a number that has
    lost digits becomes a BadCell, told with its row and column.
    """
    guard_archive(stream)
    stream.seek(0)
    try:
        book = load_workbook(stream, read_only=True, data_only=False, keep_links=False)
        if not book.worksheets:
            raise Malformed(msg("ledgers.not_xlsx"))
        sheet = book.worksheets[0]
        # What a file claims of its size is not believed: openpyxl would fill up to it.
        sheet.reset_dimensions()
        rows = _rows(sheet)
        first = next(rows, None)
    except (InvalidFileException, KeyError, ValueError, ParseError, OSError, zipfile.BadZipFile) as error:
        raise Malformed(msg("ledgers.not_xlsx")) from error
    if first is None:
        raise Malformed(msg("ledgers.no_headings"))
    headings = check_headings([cell.shown if isinstance(cell, BadCell) else cell for cell in first[1]])
    return Table(headings, rows_to_chunks(headings, rows, chunk_rows))


def guard_archive(stream: IO[bytes]) -> None:
    """Refuse an archive by its directory alone: too many parts, too much unpacked, or too well packed."""
    stream.seek(0, 2)
    packed = stream.tell()
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Malformed(msg("ledgers.not_xlsx")) from error
    unpacked = sum(part.file_size for part in parts)
    shared = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    if (
        len(parts) > MAX_PARTS
        or unpacked > MAX_UNPACKED
        or shared > MAX_SHARED_STRINGS
        or (unpacked > _SMALL and unpacked > MAX_RATIO * max(packed, 1))
    ):
        raise TooLarge(msg("ledgers.archive_bomb", packed=packed, unpacked=unpacked))
    if any(part.flag_bits & 0x1 for part in parts):
        raise Malformed(msg("ledgers.encrypted_xlsx"))


def _rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    cells_read = 0
    number = 0
    try:
        for number, row in enumerate(sheet.iter_rows(), start=1):
            cells_read += len(row)
            if cells_read > MAX_CELLS:
                raise TooLarge(msg("ledgers.too_many_cells_in_file", limit=MAX_CELLS))
            yield number, [_cell(cell) for cell in row]
    except (ParseError, KeyError, ValueError, IndexError, EOFError, zipfile.BadZipFile, OSError) as error:
        raise Malformed(msg("ledgers.broken_xlsx", row=number + 1)) from error


def _cell(cell: Any) -> Any:
    value = cell.value
    if value is None or (type(value) is str and cell.data_type not in {"f", "e"}):
        if type(value) is str and "\0" in value:
            return BadCell(msg("ledgers.nul_in_cell"), value.replace("\0", "\N{REPLACEMENT CHARACTER}"))
        return value
    if cell.data_type == "f":
        return BadCell(msg("ledgers.formula_cell"), str(getattr(value, "text", value))[:200])
    if cell.data_type == "e":
        return BadCell(msg("ledgers.error_cell", found=str(value)[:20]), str(value)[:20])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= _EXACT:
        return BadCell(msg("ledgers.digits_lost", found=str(value)[:40]), str(value)[:40])
    return value
