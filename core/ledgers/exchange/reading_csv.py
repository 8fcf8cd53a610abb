"""CSV in: the encoding is found out and said, and cells neutralised by an export are given back their first character."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Generator
from typing import IO, Any

from core.ledgers.exchange.tables import MAX_CELL, Table, check_headings, rows_to_chunks
from core.lib.errors import Malformed
from core.lib.text import msg

_BLOCK = 1 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

RISKY = frozenset("=+-@\t\r＝＋－＠")
"""First characters that make a spreadsheet take a text for a formula."""
_ESCAPED = RISKY | {"'"}


def neutral(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run, or that has one; ``original`` takes it off again."""
    return "'" + text if text and text[0] in _ESCAPED else text


def original(text: str) -> str:
    """Take off the apostrophe that ``neutral`` put on; a plain leading apostrophe stays."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in _ESCAPED else text


def open_csv(stream: IO[bytes], *, chunk_rows: int, encoding: str | None = None) -> Table:
    """Read a CSV file of UTF-8 (with or without BOM), UTF-16 or GB18030 (GBK); comma, semicolon or tab between cells.

    Raises Malformed for a file that is none of these, or has NUL characters.
    """
    found = encoding or detect_encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=found, errors="strict", newline="")
    rows = _rows(text)
    try:
        _, cells = next(rows, (0, []))
        headings = check_headings([original(cell) for cell in cells])
    except Malformed:
        rows.close()
        raise
    return Table(headings, rows_to_chunks(headings, rows, chunk_rows), encoding={"utf-8-sig": "utf-8"}.get(found, found))


def detect_encoding(stream: IO[bytes]) -> str:
    """Find the encoding by reading the whole file once, in blocks; a file of plain ASCII is UTF-8."""
    stream.seek(0)
    head = stream.read(4)
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    for name in ("utf-8", "gb18030"):
        if _decodes(stream, name):
            return name
    raise Malformed(msg("ledgers.unknown_encoding"))


def _decodes(stream: IO[bytes], name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)("strict")
    stream.seek(0)
    try:
        while block := stream.read(_BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _rows(text: io.TextIOWrapper) -> Generator[tuple[int, list[str]], None, None]:
    encoding = text.encoding
    sample = text.readline(1 << 16)
    text.seek(0)
    csv.field_size_limit(MAX_CELL * 4)
    reader: Any = csv.reader(text, delimiter=_delimiter(sample), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            # One pass in C over the row decides whether any cell needs a closer look.
            joined = "\n".join(cells)
            if "\0" in joined:
                raise Malformed(msg("ledgers.nul_character", row=number))
            if "'" in joined:
                cells = [original(cell) for cell in cells]  # noqa: PLW2901
            yield number, cells
    except csv.Error as error:
        raise Malformed(msg("ledgers.broken_csv", row=number + 1, reason=str(error))) from None
    except UnicodeDecodeError:
        raise Malformed(msg("ledgers.wrong_encoding", row=number + 1, encoding=encoding)) from None
    finally:
        # The stream is its opener's to close.
        if not text.closed:
            text.detach()


def _delimiter(heading_line: str) -> str:
    """Choose what stands most often outside quotes in the heading line."""
    plain = "".join(heading_line.split('"')[::2])
    return max(",", ";", "\t", key=plain.count)
