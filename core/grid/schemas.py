"""What goes in and out over HTTP."""

from __future__ import annotations

import re

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from core.grid.types import FindingKind, ProblemKind
from core.http.paging import PageQuery, page_schema
from core.lib.crs import Crs
from core.lib.text import LOCALES

_KEY = validate.Regexp(r"^[a-z][a-z0-9_]{0,39}\Z")
_CODE = validate.Regexp(r"^[0-9A-Za-z_]{1,40}\Z")
_TEXT = (validate.Length(1, 120), validate.Regexp(r"^[^\x00-\x1f]*\S[^\x00-\x1f]*\Z"))
_REASON = (validate.Length(1, 500), validate.Regexp(r"^[^\x00]*\S[^\x00]*\Z"))
_BOX = re.compile(r"^-?\d{1,3}(\.\d{1,15})?(,-?\d{1,3}(\.\d{1,15})?){3}\Z")
_LON, _LAT = validate.Range(-180, 180), validate.Range(-90, 90)
_CRS = validate.OneOf([str(one) for one in Crs])


def _title(value: dict[str, str]) -> None:
    if not value.get("zh_CN"):
        raise ValidationError("Missing data for required field.", "zh_CN")


def _title_field() -> fields.Dict:
    keys, values = fields.String(validate=validate.OneOf(LOCALES)), fields.String(validate=_TEXT)
    return fields.Dict(keys=keys, values=values, required=True, validate=_title, metadata={"description": "Texts by language."})


def _flag(description: str) -> fields.Boolean:
    return fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"}, metadata={"description": description})


class SchemeQuery(Schema):
    """Which scheme is meant."""

    scheme = fields.String(
        load_default=None, validate=_KEY, metadata={"description": "Key of the scheme; your agency's own choice when left out."}
    )


class GridQuery(SchemeQuery, PageQuery):
    """Which grids to list."""

    level = fields.String(load_default=None, validate=_KEY)
    below = fields.String(load_default=None, validate=_CODE, metadata={"description": "Only what lies below the grid with this code."})
    q = fields.String(
        load_default=None,
        validate=(validate.Length(1, 60), validate.Regexp(r"^[^\x00]*\Z")),
        metadata={"description": "Part of a code, a name, or a name's pinyin or initials."},
    )
    retired = _flag("Retired grids instead of those in force.")


class ChildrenQuery(SchemeQuery, PageQuery):
    """A page of the children of a grid."""


class LocateQuery(SchemeQuery):
    """A position."""

    lon = fields.Float(required=True, validate=_LON)
    lat = fields.Float(required=True, validate=_LAT)
    crs = fields.String(load_default=str(Crs.WGS84), validate=_CRS)


class MapQuery(SchemeQuery):
    """What a map shows."""

    level = fields.String(required=True, validate=_KEY)
    bbox = fields.String(load_default=None, validate=validate.Regexp(_BOX), metadata={"description": "west,south,east,north in degrees."})


class ImportQuery(Schema):
    """How to import."""

    crs = fields.String(load_default=str(Crs.WGS84), validate=_CRS)
    make_valid = _flag("Mend broken polygons, and say which.")
    dry_run = _flag("Say what would happen and store nothing.")


class DivisionsQuery(Schema):
    """How to import divisions."""

    dry_run = _flag("Say what would happen and store nothing.")


class NewLevelSchema(Schema):
    """One level of a new scheme, from the root down."""

    key = fields.String(required=True, validate=_KEY)
    title = _title_field()
    code_digits = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 40))
    code_within = fields.String(
        load_default=None, allow_none=True, validate=_KEY, metadata={"description": "The level above whose code begins this level's codes."}
    )


class NewSchemeSchema(Schema):
    """A scheme to be made."""

    key = fields.String(required=True, validate=_KEY)
    title = _title_field()
    origin_lon = fields.Float(required=True, validate=_LON)
    origin_lat = fields.Float(required=True, validate=_LAT)
    levels = fields.List(fields.Nested(NewLevelSchema), required=True, validate=validate.Length(1, 12))


class LevelSchema(Schema):
    """One level of a scheme."""

    key = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    code_digits = fields.Integer(required=True, allow_none=True)
    code_within = fields.String(required=True, allow_none=True)


class GridSchemeSchema(Schema):
    """One scheme."""

    key = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    owned = fields.Boolean(required=True, metadata={"description": "Whether your agency owns it and may change it."})
    origin_lon = fields.Float(required=True)
    origin_lat = fields.Float(required=True)
    levels = fields.List(fields.Nested(LevelSchema), required=True)


class GridSchemeListSchema(Schema):
    """Every scheme that your agency owns or shares."""

    items = fields.List(fields.Nested(GridSchemeSchema), required=True)


class GridSchema(Schema):
    """One grid, as lists give it."""

    uuid = fields.UUID(required=True)
    scheme = fields.String(required=True)
    level = fields.String(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    name_pinyin = fields.String(required=True)
    parent = fields.String(required=True, allow_none=True, metadata={"description": "The parent's code."})
    path = fields.String(required=True)
    area_m2 = fields.Float(required=True, allow_none=True)
    lon = fields.Float(required=True, allow_none=True, metadata={"description": "A point inside, for a label."})
    lat = fields.Float(required=True, allow_none=True)
    bbox = fields.List(fields.Float(), required=True, allow_none=True)
    valid_from = fields.DateTime(required=True)
    valid_to = fields.DateTime(required=True, allow_none=True)
    retired_reason = fields.String(required=True, allow_none=True)


class SuccessionSchema(Schema):
    """One grid that this one came from, or that came from it."""

    code = fields.String(required=True)
    is_successor = fields.Boolean(required=True)
    kind = fields.String(required=True, metadata={"enum": ["split", "merge"]})
    at = fields.DateTime(required=True)
    reason = fields.String(required=True)


class GridDetailSchema(GridSchema):
    """One grid with its land and its history."""

    polygon = fields.Dict(required=True, allow_none=True, metadata={"description": "GeoJSON geometry in WGS84."})
    attributes = fields.Dict(required=True)
    history = fields.List(fields.Nested(SuccessionSchema), required=True)


GridPageSchema = page_schema(GridSchema, "GridPageSchema")


class NeighbourSchema(Schema):
    """A unit close to a position."""

    code = fields.String(required=True)
    path = fields.String(required=True)
    distance_m = fields.Float(required=True)


class PlaceSchema(Schema):
    """Where a position is."""

    located = fields.String(required=True, metadata={"enum": ["inside", "near", "outside"]})
    code = fields.String(required=True, allow_none=True)
    path = fields.String(required=True, allow_none=True)
    border_m = fields.Float(required=True, allow_none=True, metadata={"description": "Distance to the border when it is less than 10 m."})
    neighbours = fields.List(fields.Nested(NeighbourSchema), required=True)
    lon = fields.Float(required=True, metadata={"description": "In WGS84."})
    lat = fields.Float(required=True)


class FindingSchema(Schema):
    """One fault of the division."""

    kind = fields.String(required=True, metadata={"enum": [str(one) for one in FindingKind]})
    codes = fields.List(fields.String(), required=True)
    area_m2 = fields.Float(required=True, allow_none=True)
    detail = fields.Dict(required=True)
    geometry = fields.Dict(required=True, allow_none=True, metadata={"description": "The spot, as GeoJSON."})


class CheckSchema(Schema):
    """Every fault of the division of a scheme."""

    items = fields.List(fields.Nested(FindingSchema), required=True)


class FeatureCollectionSchema(Schema):
    """A GeoJSON FeatureCollection; each feature has the properties code, name, level and parent."""

    class Meta:
        """GeoJSON allows foreign members."""

        unknown = EXCLUDE

    type = fields.String(required=True, validate=validate.Equal("FeatureCollection"))
    features = fields.List(fields.Dict(), required=True)


class DivisionsSchema(Schema):
    """A district with streets, each with communities: code and name of each."""

    class Meta:
        """Published lists name their source beside the data."""

        unknown = EXCLUDE

    code = fields.String(required=True)
    name = fields.String(required=True)
    streets = fields.List(fields.Dict(), required=True)


class ImportProblemSchema(Schema):
    """One fault of the file."""

    path = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": [str(one) for one in ProblemKind]})
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ImportReportSchema(Schema):
    """What the import did, or in a dry run would do."""

    dry_run = fields.Boolean(required=True)
    created = fields.List(fields.String(), required=True)
    updated = fields.List(fields.String(), required=True)
    unchanged = fields.List(fields.String(), required=True)
    mended = fields.List(fields.String(), required=True)
    problems = fields.List(fields.Nested(ImportProblemSchema), required=True)


class PartSchema(Schema):
    """One part of a split."""

    name = fields.String(required=True, validate=_TEXT)
    code = fields.String(load_default=None, allow_none=True, validate=_CODE, metadata={"description": "The next free code when left out."})
    polygon = fields.Dict(required=True, metadata={"description": "GeoJSON Polygon or MultiPolygon in WGS84."})


class SplitSchema(Schema):
    """Which grid to split into what."""

    scheme = fields.String(load_default=None, allow_none=True, validate=_KEY)
    code = fields.String(required=True, validate=_CODE)
    parts = fields.List(fields.Nested(PartSchema), required=True, validate=validate.Length(2, 50))
    reason = fields.String(required=True, validate=_REASON)


class MergeSchema(Schema):
    """Which grids to merge into what."""

    scheme = fields.String(load_default=None, allow_none=True, validate=_KEY)
    codes = fields.List(fields.String(validate=_CODE), required=True, validate=validate.Length(2, 50))
    name = fields.String(required=True, validate=_TEXT)
    code = fields.String(load_default=None, allow_none=True, validate=_CODE, metadata={"description": "The next free code when left out."})
    reason = fields.String(required=True, validate=_REASON)


class GridListSchema(Schema):
    """The grids that a split made."""

    items = fields.List(fields.Nested(GridSchema), required=True)


class WaitingSchema(Schema):
    """One kind of thing that stands on grids."""

    kind = fields.String(required=True, metadata={"description": "What stands on grids: responsibilities, assignments, records, cases."})
    waiting = fields.Integer(required=True, metadata={"description": "How many still stand on retired grids that have heirs."})


class WaitingListSchema(Schema):
    """How far everything has followed the splits and merges of its land."""

    items = fields.List(fields.Nested(WaitingSchema), required=True)
