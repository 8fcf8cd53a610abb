"""A position on the ground."""

from __future__ import annotations

import math
from typing import Any

from core.forms.definition import FieldDefinition
from core.forms.fields.base import Check, FieldType, Moment, Schema, bilingual, refuse, shown
from core.lib.crs import convert

_KEYS = frozenset({"lon", "lat", "accuracy", "crs"})
_SYSTEMS = ("wgs84", "cgcs2000", "gcj02", "bd09")
_DIGITS = 7
"""A hundredth of a metre."""

PARTS = ("lon", "lat", "accuracy")
"""What a rule may read of a point."""


class Point(FieldType):
    """A position; stored as WGS84, whatever system it came in."""

    name = "point"
    title = bilingual("位置", "Point")
    summary = bilingual("位置 {lon, lat, accuracy?, crs?}，换算成 WGS84 保存。", "A position {lon, lat, accuracy?, crs?}, stored as WGS84.")
    common = ("help", "required", "visible", "personal", "sensitive")

    def checker(self, field: FieldDefinition) -> Check:  # noqa: ARG002
        """Make the check; a position in GCJ-02 or BD-09 is converted."""

        def check(value: Any, _moment: Moment) -> dict[str, float]:
            if type(value) is not dict or not _KEYS.issuperset(value):
                raise refuse("not_point", found=shown(value))
            lon, lat = _number(value.get("lon"), 180.0, "lon"), _number(value.get("lat"), 90.0, "lat")
            crs = "wgs84" if value.get("crs") is None else value["crs"]
            if type(crs) is not str or crs not in _SYSTEMS:
                raise refuse("unknown_crs", found=shown(crs), known=", ".join(_SYSTEMS))
            if crs not in ("wgs84", "cgcs2000"):
                lon, lat = convert(lon, lat, crs)
            point = {"lon": round(lon, _DIGITS), "lat": round(lat, _DIGITS)}
            if value.get("accuracy") is not None:
                point["accuracy"] = round(_accuracy(value["accuracy"]), 1)
            return point

        return check

    def json_schema(self, field: FieldDefinition, inner: Schema) -> Schema:  # noqa: ARG002
        """Describe the position."""
        return {
            "type": "object",
            "properties": {
                "lon": {"type": "number", "minimum": -180, "maximum": 180},
                "lat": {"type": "number", "minimum": -90, "maximum": 90},
                "accuracy": {"type": ["number", "null"], "minimum": 0, "maximum": 100_000, "description": "metres"},
                "crs": {"enum": [*_SYSTEMS, None]},
            },
            "required": ["lon", "lat"],
            "additionalProperties": False,
        }

    def example(self, field: FieldDefinition, inner: dict[str, Any]) -> Any:  # noqa: ARG002
        """Give a position in Dongcheng."""
        return {"lon": 116.4177, "lat": 39.9289, "accuracy": 8.0}

    def export_text(self, field: FieldDefinition, value: Any, locale: str) -> str:  # noqa: ARG002
        """Write longitude and latitude."""
        return "" if value is None else f"{value['lon']},{value['lat']}"

    def from_text(self, field: FieldDefinition, text: str) -> Any:  # noqa: ARG002
        """Read longitude and latitude in WGS84, in this order."""
        parts = text.replace("，", ",").split(",")
        try:
            return {"lon": float(parts[0]), "lat": float(parts[1])} if len(parts) == 2 else None
        except ValueError:
            raise refuse("not_point", found=shown(text)) from None


def _number(value: Any, limit: float, part: str) -> float:
    if type(value) not in (int, float) or not -limit <= value <= limit:
        raise refuse("point_out_of_bounds", part=part, limit=int(limit), found=shown(value))
    return float(value)


def _accuracy(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 100_000 or math.isnan(value):
        raise refuse("bad_accuracy", found=shown(value))
    return float(value)
