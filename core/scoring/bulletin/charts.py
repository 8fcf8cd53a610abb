"""Charts as SVG, drawn here so that a page needs no script: bars with what they stand for and their value.

Colours and sizes are attributes, not styles, which the page's own policy would refuse.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

_SVG = "http://www.w3.org/2000/svg"
_ROW, _BAR, _WIDTH, _GAP = 22, 14, 720, 8
_WIDE, _NARROW = 13.0, 7.2
_MOST_LABEL = 210.0
_VALUE = 84.0
_INK, _LINE = "#212121", "#cfd8dc"


@dataclass(frozen=True)
class Bar:
    """One bar: its name, how long it is, what is written at its end, and its colour."""

    label: str
    value: float
    text: str
    colour: str


def bars(title: str, found: Sequence[Bar], *, full: float) -> Element:
    """Draw horizontal bars, the longest possible one standing for ``full``; the title is read out to who cannot see them."""
    left = min(_MOST_LABEL, max((width(bar.label) for bar in found), default=0.0)) + _GAP
    room = _WIDTH - left - _VALUE
    height = _ROW * len(found) + _GAP
    drawing = Element(
        "svg", {"viewBox": f"0 0 {_WIDTH} {height}", "width": str(_WIDTH), "height": str(height), "role": "img", "xmlns": _SVG}
    )
    SubElement(drawing, "title").text = title
    SubElement(drawing, "line", _attributes(x1=left, y1=0, x2=left, y2=height, stroke=_LINE))
    for number, bar in enumerate(found):
        _draw(drawing, bar, top=_ROW * number + _GAP / 2, left=left, room=room, full=full)
    return drawing


def _draw(drawing: Element, bar: Bar, *, top: float, left: float, room: float, full: float) -> None:
    share = min(max(bar.value / full, 0.0), 1.0) if full > 0 else 0.0
    middle = top + _ROW / 2
    group = SubElement(drawing, "g")
    SubElement(group, "title").text = f"{bar.label} {bar.text}"
    label = SubElement(group, "text", _attributes(x=left - _GAP, y=middle, fill=_INK) | _TEXT | {"text-anchor": "end"})
    label.text = shortened(bar.label, _MOST_LABEL)
    SubElement(group, "rect", _attributes(x=left, y=middle - _BAR / 2, width=room * share, height=_BAR, fill=bar.colour))
    value = SubElement(group, "text", _attributes(x=left + room * share + _GAP, y=middle, fill=_INK) | _TEXT)
    value.text = bar.text


_TEXT = {"font-size": "13", "dominant-baseline": "central"}


def width(text: str) -> float:
    """Say about how wide a text is drawn: a Chinese character takes the room of two others."""
    return sum(_WIDE if unicodedata.east_asian_width(character) in "WF" else _NARROW for character in text)


def shortened(text: str, most: float) -> str:
    """Cut a text that would not fit and end it with an ellipsis; its whole stands in the title of its bar."""
    if width(text) <= most:
        return text
    kept = text
    while kept and width(kept) + _WIDE > most:
        kept = kept[:-1]
    return f"{kept}…"


def _attributes(**given: float | str) -> dict[str, str]:
    return {name: value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0") for name, value in given.items()}
