"""Opening a file by its kind."""

from __future__ import annotations

from typing import IO

from core.ledgers.exchange.reading_csv import open_csv
from core.ledgers.exchange.reading_geojson import open_geojson
from core.ledgers.exchange.reading_xlsx import open_xlsx
from core.ledgers.exchange.tables import Table
from core.ledgers.types import FileFormat
from core.lib.errors import Invalid
from core.lib.text import msg

_SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".txt": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".xlsx": FileFormat.XLSX,
    ".geojson": FileFormat.GEOJSON,
    ".json": FileFormat.GEOJSON,
}


def format_of(file_name: str) -> FileFormat:
    """Tell the format by the file's name; raises Invalid naming the formats that are read."""
    name = file_name.lower()
    for suffix, found in _SUFFIXES.items():
        if name.endswith(suffix):
            return found
    raise Invalid(msg("ledgers.unknown_format", known="CSV, XLSX, GeoJSON"), path="file")


def open_table(stream: IO[bytes], file_format: FileFormat, *, chunk_rows: int) -> Table:
    """Open a file as headings and chunks of columns; raises Malformed or TooLarge for one that cannot be read."""
    if file_format is FileFormat.CSV:
        return open_csv(stream, chunk_rows=chunk_rows)
    if file_format is FileFormat.XLSX:
        return open_xlsx(stream, chunk_rows=chunk_rows)
    return open_geojson(stream, chunk_rows=chunk_rows)
