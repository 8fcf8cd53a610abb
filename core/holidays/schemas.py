"""What the holiday routes take and give."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.holidays.types import DayKind


class TitleSchema(Schema):
    """A title in both languages."""

    zh_CN = fields.String(required=True, validate=validate.Length(1, 60))  # noqa: N815  # the locale's own name
    en = fields.String(required=True, validate=validate.Length(1, 60))


class DaySettingSchema(Schema):
    """What a day is, and why."""

    kind = fields.Enum(DayKind, by_value=True, required=True)
    title = fields.Nested(TitleSchema, required=True)


class SpecialDaySchema(DaySettingSchema):
    """One day that is free or worked against its weekday."""

    day = fields.Date(required=True)


class SeenDaySchema(SpecialDaySchema):
    """A special day, and whether the agency set it itself."""

    own = fields.Boolean(required=True)


class YearQuery(Schema):
    """Which year to list."""

    year = fields.Integer(required=True, validate=validate.Range(1971, 2198))


class YearSchema(Schema):
    """One year's special days; while it is not published its deadlines are provisional."""

    year = fields.Integer(required=True)
    published = fields.Boolean(required=True)
    items = fields.List(fields.Nested(SeenDaySchema), required=True)


class YearPublicationSchema(Schema):
    """Every special day of a year, all at once."""

    days = fields.List(fields.Nested(SpecialDaySchema), required=True, validate=validate.Length(max=366))


class PublishedSchema(Schema):
    """What the publication did."""

    year = fields.Integer(required=True)
    days = fields.Integer(required=True)
    to_rework = fields.Integer(required=True, metadata={"description": "Provisional deadlines that are worked out again."})


class SpanSchema(Schema):
    """One stretch of a working day, ``HH:MM``."""

    start = fields.Time(required=True, format="%H:%M")
    end = fields.Time(required=True, format="%H:%M")


class OfficeHoursSettingSchema(Schema):
    """The spans of a working day, and how many office hours a work day of a limit means."""

    spans = fields.List(fields.Nested(SpanSchema), required=True, validate=validate.Length(1, 6))
    work_day_hours = fields.Float(required=True, validate=validate.Range(0, 24, min_inclusive=False))


class OfficeHoursSchema(OfficeHoursSettingSchema):
    """The agency's office hours, in its own time zone."""

    zone = fields.String(required=True)
