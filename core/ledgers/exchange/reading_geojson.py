"""GeoJSON in: features are read one by one, so that the file never stands in memory as a whole."""

from __future__ import annotations

import codecs
import json
from collections.abc import Generator, Iterator
from typing import IO, Any, NoReturn

from shapely.errors import ShapelyError
from shapely.geometry import shape

from core.ledgers.exchange.tables import MAX_COLUMNS, Chunk, Table, check_storable
from core.lib.errors import Malformed
from core.lib.text import Message, msg

LON, LAT = "$lon", "$lat"
_BLOCK = 1 << 18
_MAX_FEATURE = 4_000_000
_SPACES = " \t\r\n"


def open_geojson(stream: IO[bytes], *, chunk_rows: int) -> Table:
    """Read a FeatureCollection of points or polygons; a polygon's position is a point on its surface.

    Features are numbered from 1. The file is read twice: once for the names of
    the properties, which may differ from feature to feature.
    """
    headings: dict[str, None] = {}
    for feature in read_features(stream):
        properties = feature.get("properties")
        if isinstance(properties, dict):
            headings.update(dict.fromkeys(properties))
        if len(headings) > MAX_COLUMNS:
            raise Malformed(msg("ledgers.too_many_columns", limit=MAX_COLUMNS))
    check_storable(list(headings))
    return Table(list(headings), _chunks(read_features(stream), list(headings), chunk_rows), encoding="utf-8", has_positions=True)


def read_features(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the members of ``features``; raises Malformed where the JSON breaks, and for anything but a FeatureCollection."""
    stream.seek(0)
    reader = _Reader(stream)
    reader.expect("{")
    found = False
    while True:
        name = reader.value()
        reader.expect(":")
        if name == "features":
            found = True
            yield from reader.items()
        else:
            value = reader.value()
            if name == "type" and value != "FeatureCollection":
                raise Malformed(msg("ledgers.not_feature_collection"))
        if reader.either(",", "}") == "}":
            break
    if not found:
        raise Malformed(msg("ledgers.not_feature_collection"))


class _Reader:
    """Decodes one JSON value at a time from a stream of bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("strict")
        self._json = json.JSONDecoder(parse_constant=_refuse_constant)
        self._text = ""
        self._at = 0
        self._ended = False

    def expect(self, sign: str) -> None:
        if self._sign() != sign:
            self._broken()

    def either(self, one: str, other: str) -> str:
        sign = self._sign()
        if sign not in (one, other):
            self._broken()
        return sign

    def items(self) -> Iterator[dict[str, Any]]:
        self.expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            value = self.value()
            yield value if isinstance(value, dict) else {}
            if self.either(",", "]") == "]":
                return

    def value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if self._ended or isinstance(error, RecursionError):
                    self._broken()
            else:
                # A number at the very end of what was read may go on in the next block.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            if len(self._text) - self._at > _MAX_FEATURE:
                raise Malformed(msg("ledgers.feature_too_large", limit=_MAX_FEATURE))
            self._more()

    def _sign(self) -> str:
        sign = self._peek()
        self._at += 1
        return sign

    def _peek(self) -> str:
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACES:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                self._broken()
            self._more()

    def _more(self) -> None:
        block = self._stream.read(max(_BLOCK, 2 * (len(self._text) - self._at)))
        self._ended = not block
        try:
            self._text = self._text[self._at :] + self._decode.decode(block, final=self._ended)
        except UnicodeDecodeError:
            raise Malformed(msg("ledgers.geojson_not_utf8")) from None
        self._at = 0

    def _broken(self) -> NoReturn:
        raise Malformed(msg("ledgers.broken_geojson", near=self._text[self._at : self._at + 40]))


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(msg("ledgers.broken_geojson", near=name))


def _chunks(features: Iterator[dict[str, Any]], headings: list[str], size: int) -> Generator[Chunk, None, None]:
    chunk = _empty(headings)
    for number, feature in enumerate(features, start=1):
        _add(chunk, number, feature, headings)
        if len(chunk) == size:
            yield chunk
            chunk = _empty(headings)
    if len(chunk):
        yield chunk


def _empty(headings: list[str]) -> Chunk:
    return Chunk([], {name: [] for name in (*headings, LON, LAT)}, polygons=[])


def _add(chunk: Chunk, number: int, feature: dict[str, Any], headings: list[str]) -> None:
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    index = len(chunk.rows)
    chunk.rows.append(number)
    for name in headings:
        chunk.columns[name].append(properties.get(name))
    lon = lat = polygon = None
    found = _position(feature.get("geometry"))
    if isinstance(found, Message):
        chunk.spoilt[index] = found
    else:
        lon, lat, polygon = found
    chunk.columns[LON].append(lon)
    chunk.columns[LAT].append(lat)
    assert chunk.polygons is not None
    chunk.polygons.append(polygon)


def _position(geometry: Any) -> tuple[Any, Any, Any] | Message:
    if geometry is None:
        return None, None, None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    try:
        if kind == "Point":
            lon, lat = geometry["coordinates"][:2]
            return lon, lat, None
        if kind in {"Polygon", "MultiPolygon"}:
            polygon = shape(geometry)
            if polygon.is_empty or not polygon.is_valid:
                return msg("ledgers.broken_polygon")
            middle = polygon.representative_point()
            return middle.x, middle.y, {"type": kind, "coordinates": geometry["coordinates"]}
    except (ShapelyError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        return msg("ledgers.broken_geometry")
    return msg("ledgers.geometry_kind", found=str(kind)[:40])
