"""Channels over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class ChannelBodySchema(Schema):
    """A way to the outside."""

    title = fields.String(required=True, validate=validate.Length(1, 120))
    url = fields.String(
        required=True, validate=validate.Length(1, 1000), metadata={"description": "Apprise URL; kept sealed, never shown again."}
    )
    topics = fields.List(fields.String(validate=validate.Length(1, 60)), load_default=list, validate=validate.Length(max=50))


class ChannelSchema(Schema):
    """A way to the outside, without its address."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "The scheme of its URL, such as mailto or wecombot."})
    topics = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)


class ChannelListSchema(Schema):
    """The agency's ways to the outside."""

    items = fields.List(fields.Nested(ChannelSchema), required=True)
