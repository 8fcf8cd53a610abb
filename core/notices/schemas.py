"""Notices and channels as they go over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.http.paging import PageQuery, page_schema


class NoticeSchema(Schema):
    """One sentence for me."""

    id = fields.Integer(required=True)
    topic = fields.String(required=True)
    subject = fields.String(required=True)
    title = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class InboxSchema(page_schema(NoticeSchema, "NoticePageSchema")):  # type: ignore[misc]
    """A page of my notices."""

    unread = fields.Integer(required=True)


class InboxQuery(PageQuery):
    """Which of my notices."""

    unread = fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"})


class ChannelBodySchema(Schema):
    """A way to the outside."""

    title = fields.String(required=True, validate=validate.Length(1, 120))
    url = fields.String(
        required=True,
        validate=validate.Length(1, 1000),
        metadata={
            "description": "Apprise URL; kept sealed, never shown again. With {phone} in it, it reaches residents by telephone number."
        },
    )
    topics = fields.List(fields.String(validate=validate.Length(1, 60)), load_default=list, validate=validate.Length(max=50))


class ChannelSchema(Schema):
    """A way to the outside, without its address."""

    id = fields.Integer(required=True)
    title = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "The scheme of its URL, such as mailto or wecombot."})
    topics = fields.List(fields.String(), required=True)
    active = fields.Boolean(required=True)
    for_residents = fields.Boolean(
        required=True, metadata={"description": "Carries messages to people without an account, and no notices."}
    )


class ChannelListSchema(Schema):
    """The agency's ways to the outside."""

    items = fields.List(fields.Nested(ChannelSchema), required=True)
