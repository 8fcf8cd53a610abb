"""How a ledger makes its codes: segments in a row, the last of which may be a serial.

    code:
      segments:
        - {from: agency.county, digits: 6}     # a setting of the agency
        - {from: field.kind, digits: 4, skip: 1}  # a field of the form; skip leaves out leading characters
        - {serial: 6}

Other sources are ``{text: "X-"}`` and ``{from: grid.code, digits: 9}`` (the first
characters of the code of the grid it lies in). Serials are counted per prefix.
Pure: who draws the next serial is the service's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.lib.errors import FieldError, Invalid
from core.lib.text import msg

MAX_CODE = 64
_SOURCE = re.compile(r"(agency|field|grid)\.([a-z][a-z0-9_]*)")
_CODE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._/-]{0,62}[0-9A-Za-z])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a code: fixed text, or the value of a source with a fixed number of characters."""

    text: str = ""
    source: str = ""
    name: str = ""
    digits: int = 0
    skip: int = 0


@dataclass(frozen=True)
class CodeLayout:
    """The segments before the serial, and the serial's length (0: no serial)."""

    segments: tuple[Segment, ...]
    serial_digits: int

    @property
    def length(self) -> int:
        """How long every code is."""
        return sum(len(segment.text) + segment.digits for segment in self.segments) + self.serial_digits

    @property
    def fields(self) -> frozenset[str]:
        """The form fields that codes are made of."""
        return frozenset(segment.name for segment in self.segments if segment.source == "field")

    @property
    def reads_grid(self) -> bool:
        """Whether codes depend on the grid."""
        return any(segment.source == "grid" for segment in self.segments)

    def prefix(self, *, agency: Mapping[str, Any], fields: Mapping[str, Any], grid_code: str | None) -> str:
        """Put the segments before the serial together; raises Invalid naming the source that does not fit."""
        return "".join(_value(segment, agency, fields, grid_code) for segment in self.segments)

    def code(self, prefix: str, serial: int) -> str:
        """Give the code of one serial; raises Invalid when the serials of the prefix are used up."""
        if not self.serial_digits:
            return prefix
        digits = str(serial)
        if len(digits) > self.serial_digits:
            raise Invalid(msg("ledgers.serials_used_up", prefix=prefix), path="code")
        return prefix + digits.zfill(self.serial_digits)

    def serial_of(self, code: str) -> tuple[str, int] | None:
        """Split a code that fits the layout into prefix and serial; None for one that does not fit or has no serial."""
        if not self.serial_digits or len(code) != self.length:
            return None
        prefix, digits = code[: -self.serial_digits], code[-self.serial_digits :]
        return (prefix, int(digits)) if digits.isascii() and digits.isdigit() else None

    def fits(self, code: str) -> bool:
        """Say whether a code that came from outside has this layout's length and serial."""
        return len(code) == self.length and (not self.serial_digits or self.serial_of(code) is not None)


def is_code(text: str) -> bool:
    """Say whether a text may be the code of a record at all."""
    return _CODE.fullmatch(text) is not None


def compile_layout(content: Mapping[str, Any]) -> CodeLayout:
    """Compile the ``code`` of a ledger; raises Invalid with the path of the segment."""
    segments: list[Segment] = []
    serial = 0
    raw_segments = content.get("segments")
    if not isinstance(raw_segments, list) or not raw_segments or set(content) != {"segments"}:
        raise Invalid.many([FieldError("code.segments", msg("ledgers.layout_without_segments"))])
    for index, raw in enumerate(raw_segments):
        path = f"code.segments[{index}]"
        if serial:
            raise Invalid.many([FieldError(path, msg("ledgers.layout_after_serial"))])
        if isinstance(raw, Mapping) and set(raw) == {"serial"}:
            serial = _whole(raw["serial"], f"{path}.serial", 1, 15)
        else:
            segments.append(_segment(raw, path))
    layout = CodeLayout(tuple(segments), serial)
    if layout.length > MAX_CODE:
        raise Invalid.many([FieldError("code.segments", msg("ledgers.layout_too_long", limit=MAX_CODE))])
    return layout


def _segment(raw: Any, path: str) -> Segment:
    if isinstance(raw, Mapping) and set(raw) == {"text"} and isinstance(raw["text"], str) and raw["text"]:
        return Segment(text=raw["text"])
    if isinstance(raw, Mapping) and {"from", "digits"} <= set(raw) <= {"from", "digits", "skip"}:
        match = _SOURCE.fullmatch(str(raw["from"]))
        if match and (match[1] != "grid" or match[2] == "code"):
            skip = _whole(raw.get("skip", 0), f"{path}.skip", 0, MAX_CODE)
            return Segment(source=match[1], name=match[2], digits=_whole(raw["digits"], f"{path}.digits", 1, MAX_CODE), skip=skip)
    raise Invalid.many([FieldError(path, msg("ledgers.layout_segment"))])


def _whole(value: Any, path: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise Invalid.many([FieldError(path, msg("ledgers.layout_number", low=low, high=high))])
    return value


def _value(segment: Segment, agency: Mapping[str, Any], fields: Mapping[str, Any], grid_code: str | None) -> str:
    if segment.text:
        return segment.text
    if segment.source == "grid":
        text, name = (grid_code or "")[segment.skip : segment.skip + segment.digits], "grid.code"
    else:
        found = (agency if segment.source == "agency" else fields).get(segment.name)
        text, name = "" if found is None else str(found)[segment.skip :], f"{segment.source}.{segment.name}"
    if len(text) != segment.digits or not (text.isascii() and text.isalnum()):
        raise Invalid(msg("ledgers.code_source", source=name, digits=segment.digits, found=text), path="code")
    return text
