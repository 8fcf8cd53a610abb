"""What dashboards look like over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.http.paging import PageQuery
from core.scoring.schemas import PARTS, PERIOD, ScorePeriodSchema, ScoreTimesSchema, ScoreTitleSchema

BY = ("grid", "department", "person", "class", "source", "state", "day", "week", "month")
_PERIOD = validate.Length(4, 24)


class DashboardListSchema(Schema):
    """Every dashboard that you may open."""

    items = fields.List(fields.Nested(ScoreTitleSchema), required=True)


class TileValueSchema(Schema):
    """One number with the counts it is made of."""

    key = fields.String(
        required=True, metadata={"description": "What it belongs to: a code, a day, a subject of a card; `all` for the whole."}
    )
    title = fields.String(required=True)
    counted = fields.Integer(required=True, allow_none=True)
    base = fields.Integer(required=True, allow_none=True)
    value = fields.Float(required=True, allow_none=True, metadata={"description": "Null: no data."})
    text = fields.String(required=True)
    grade = fields.String(required=True, allow_none=True, metadata={"description": "Colour of a score's grade."})
    is_ranked = fields.Boolean(
        required=True,
        allow_none=True,
        metadata={"description": "False for a score made of too little to be ranked; null when it is no score."},
    )


class TileSeriesSchema(Schema):
    """The values of one indicator: one of the whole, one a subject, or one a day, week or month."""

    indicator = fields.String(
        required=True, allow_none=True, metadata={"description": "Ask GET /indicators/{indicator}/facts for the list."}
    )
    title = fields.String(required=True)
    unit = fields.String(required=True, allow_none=True)
    values = fields.List(fields.Nested(TileValueSchema), required=True)


class TileSchema(Schema):
    """One tile with what it shows."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(["count", "rate", "ranking", "trend", "heat"]))
    width = fields.Integer(required=True)
    period = fields.Nested(ScorePeriodSchema, required=True)
    by = fields.String(required=True, allow_none=True)
    level = fields.String(required=True, allow_none=True)
    scorecard = fields.String(required=True, allow_none=True)
    series = fields.List(fields.Nested(TileSeriesSchema), required=True)
    compared = fields.Nested(TileValueSchema, required=True, allow_none=True, metadata={"description": "The same of an earlier period."})
    is_alarm = fields.Boolean(required=True)
    total = fields.Integer(required=True, metadata={"description": "How many values there are, when only the first are shown."})
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why the tile is empty: no right to what it shows."})


class DashboardSchema(ScoreTimesSchema):
    """One dashboard as its viewer may see it."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    tiles = fields.List(fields.Nested(TileSchema), required=True)


class DashboardQuery(Schema):
    """Another period than the dashboard's own."""

    period = fields.String(validate=_PERIOD, metadata=PERIOD)


class IndicatorQuery(Schema):
    """How the values of an indicator are parted."""

    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    by = fields.String(load_default=None, validate=validate.OneOf(BY))
    level = fields.String(validate=validate.Length(1, 60), metadata={"description": "Level of areas, for by=grid."})


class IndicatorValuesSchema(ScoreTimesSchema):
    """The values of one indicator over what you may see."""

    period = fields.Nested(ScorePeriodSchema, required=True)
    series = fields.Nested(TileSeriesSchema, required=True)


class IndicatorFactsQuery(PageQuery):
    """Which list behind a tile's number."""

    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    by = fields.String(load_default=None, validate=validate.OneOf(BY))
    value = fields.String(load_default=None, validate=validate.Length(1, 100), metadata={"description": "`key` of the tile's value."})
    level = fields.String(validate=validate.Length(1, 60))
    part = fields.String(load_default="base", validate=validate.OneOf(PARTS))
