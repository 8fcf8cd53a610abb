"""What goes over the wire: records, queries, imports."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from core.http.paging import PageQuery, page_schema
from core.ledgers.types import FileFormat, ImportMode, Location
from core.lib.crs import Crs

_CODE = validate.Length(1, 64)
_CRS = validate.OneOf([one.value for one in Crs])


class PositionSchema(Schema):
    """A position; WGS84 unless ``crs`` says otherwise."""

    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    crs = fields.String(load_default="wgs84", validate=_CRS)


class RecordDepartmentSchema(Schema):
    """A department in one part for a record."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class RecordSchema(Schema):
    """One record of a ledger."""

    uuid = fields.UUID(required=True)
    ledger = fields.String(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    state = fields.String(required=True)
    location = fields.String(required=True, validate=validate.OneOf([one.value for one in Location]))
    grid = fields.String(required=True, allow_none=True, metadata={"description": "Code of the grid it lies in or was assigned to."})
    geometry = fields.Dict(required=True, allow_none=True, metadata={"description": "GeoJSON geometry in WGS84."})
    departments = fields.Dict(keys=fields.String(), values=fields.Nested(RecordDepartmentSchema), required=True)
    data = fields.Dict(required=True, metadata={"description": "Values of the form's fields by id; personal ones are not among them."})
    personal = fields.Dict(
        metadata={"description": "Personal values by path, masked unless asked for with the right; on a single record only."}
    )
    form_version = fields.Integer(required=True)
    version = fields.Integer(required=True)
    retired_at = fields.AwareDateTime(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class NearRecordSchema(RecordSchema):
    """A record and how far it is."""

    distance_m = fields.Float(required=True)


class NearRecordListSchema(Schema):
    """Records around a position, nearest first."""

    items = fields.List(fields.Nested(NearRecordSchema), required=True)


RecordPageSchema = page_schema(RecordSchema, "RecordPageSchema")


class BoundingBox(fields.Field[tuple[float, ...]]):
    """``west,south,east,north`` in WGS84 degrees."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[float, ...]:  # noqa: ARG002
        try:
            box = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            box = ()
        if len(box) != 4 or not (-180 <= box[0] <= box[2] <= 180 and -90 <= box[1] <= box[3] <= 90):
            raise ValidationError("bbox is west,south,east,north in WGS84 degrees.")
        return box


class RecordFilterQuery(Schema):
    """What narrows a list or an export; everything given must hold."""

    q = fields.String(
        load_default=None,
        validate=validate.Length(max=100),
        metadata={"description": "Part of the name, its pinyin initials, or the beginning of the code."},
    )
    code = fields.String(load_default=None, validate=_CODE, metadata={"description": "Beginning of the code."})
    bbox = BoundingBox(
        load_default=None,
        metadata={"type": "string", "description": "west,south,east,north in WGS84 degrees", "example": "116.39,39.90,116.42,39.92"},
    )
    state = fields.String(load_default=None, validate=validate.Length(max=40))
    location = fields.String(load_default=None, validate=validate.OneOf([one.value for one in Location]))
    grid = fields.String(
        load_default=None, validate=validate.Length(max=40), metadata={"description": "Code of a grid: records in it or below it."}
    )
    department = fields.String(load_default=None, validate=validate.Length(max=60), metadata={"description": "Code of a department."})
    role = fields.String(
        load_default=None, validate=validate.Length(max=60), metadata={"description": "Only in this part of the department."}
    )
    filter = fields.String(
        load_default=None, validate=validate.Length(max=2000), metadata={"description": "A rule over the form's fields."}
    )
    retired = fields.Boolean(load_default=False, metadata={"description": "Retired records too."})


class RecordListQuery(RecordFilterQuery, PageQuery):
    """A page of records."""


class RecordQuery(Schema):
    """How to show one record."""

    personal = fields.Boolean(
        load_default=False, metadata={"description": "Show personal values unmasked; needs the right, and the look is recorded."}
    )


class NearestQuery(Schema):
    """Records around a position."""

    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    limit = fields.Integer(load_default=10, validate=validate.Range(1, 200))
    within_m = fields.Float(load_default=None, validate=validate.Range(0, 100_000))
    crs = fields.String(load_default="wgs84", validate=_CRS)


class NewRecordSchema(Schema):
    """A record to be added; its code is given by the ledger when left out."""

    code = fields.String(load_default=None, validate=_CODE, allow_none=True)
    title = fields.String(load_default=None, validate=validate.Length(max=300), allow_none=True)
    state = fields.String(load_default=None, validate=validate.Length(max=40), allow_none=True)
    position = fields.Nested(PositionSchema, load_default=None, allow_none=True)
    polygon = fields.Dict(load_default=None, allow_none=True, metadata={"description": "GeoJSON Polygon or MultiPolygon in WGS84."})
    grid = fields.String(
        load_default=None,
        validate=validate.Length(max=40),
        allow_none=True,
        metadata={"description": "For a record that its position puts in no grid."},
    )
    departments = fields.Dict(
        keys=fields.String(), values=fields.String(), load_default=dict, metadata={"description": "Department code by role."}
    )
    data = fields.Dict(keys=fields.String(), required=True, metadata={"description": "Values of the form's fields by id."})


class RecordChangesSchema(Schema):
    """What shall change; what is left out stays, and null takes a value away."""

    title = fields.String(validate=validate.Length(max=300), allow_none=True)
    state = fields.String(validate=validate.Length(max=40))
    position = fields.Nested(PositionSchema, allow_none=True)
    polygon = fields.Dict(allow_none=True)
    grid = fields.String(validate=validate.Length(max=40), allow_none=True)
    departments = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True))
    data = fields.Dict(keys=fields.String())


class ReasonSchema(Schema):
    """Why."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))


class RecordEventSchema(Schema):
    """One change of a record."""

    kind = fields.String(required=True)
    version = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    user_id = fields.Integer(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    old = fields.Dict(required=True)
    new = fields.Dict(required=True)


class RecordHistorySchema(Schema):
    """All changes of a record, oldest first; personal values are named, not shown."""

    items = fields.List(fields.Nested(RecordEventSchema), required=True)


class ExportQuery(RecordFilterQuery):
    """What to take out, and as what."""

    format = fields.String(load_default="csv", validate=validate.OneOf([one.value for one in FileFormat]))
    personal = fields.Boolean(load_default=False, metadata={"description": "Personal values too; needs the right and a purpose."})
    purpose = fields.String(load_default=None, validate=validate.Length(max=300))


class ImportUploadSchema(Schema):
    """A file and how to take it in."""

    file = fields.Raw(metadata={"type": "string", "format": "binary"})
    ledger = fields.String(required=True, validate=validate.Length(1, 100))
    crs = fields.String(required=True, validate=_CRS, metadata={"description": "Coordinate system of the file's positions."})
    mode = fields.String(load_default="insert", validate=validate.OneOf([one.value for one in ImportMode]))
    dry_run = fields.Boolean(load_default=False)
    mapping = fields.String(
        load_default=None,
        validate=validate.Length(max=50_000),
        metadata={"description": "JSON object from heading to target; suggested from the headings when left out."},
    )


class ImportSchema(Schema):
    """One import and how far it is."""

    uuid = fields.UUID(required=True)
    ledger = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["waiting", "running", "done", "failed"]))
    file_name = fields.String(required=True)
    encoding = fields.String(required=True, allow_none=True, metadata={"description": "As found in the file."})
    crs = fields.String(required=True)
    mode = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    mapping = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    rows_taken = fields.Integer(required=True)
    rows_total = fields.Integer(required=True, allow_none=True)
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    outside = fields.Integer(required=True, metadata={"description": "Taken in, but outside every grid: to be assigned by hand."})
    unlocated = fields.Integer(required=True)
    failure = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


ImportPageSchema = page_schema(ImportSchema, "ImportPageSchema")


class ImportListQuery(PageQuery):
    """A page of imports, newest first."""

    ledger = fields.String(load_default=None, validate=validate.Length(max=100))


class ErrorReportQuery(Schema):
    """As what to give the rows that stayed out."""

    format = fields.String(load_default="csv", validate=validate.OneOf(["csv", "xlsx"]))
