"""Definitions as they go over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.definitions.types import FOLDERS
from core.http.paging import PageQuery, page_schema


class ConflictSchema(Schema):
    """One place that an upgrade and the agency's edit both changed; null where one side has nothing."""

    path = fields.String(required=True)
    base = fields.Raw(allow_none=True)
    ours = fields.Raw(allow_none=True)
    theirs = fields.Raw(allow_none=True)


class DefinitionHeadSchema(Schema):
    """One version of a definition, without its content."""

    id = fields.Integer(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(sorted(FOLDERS.values())))
    key = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    version = fields.Integer(required=True)
    status = fields.String(required=True, validate=validate.OneOf(["draft", "published", "retired"]))
    origin = fields.String(required=True)
    own = fields.Boolean(required=True, metadata={"description": "Whether it is the agency's own."})
    base_version = fields.Integer(required=True, allow_none=True)
    checksum = fields.String(required=True)
    conflicts = fields.Integer(required=True, metadata={"description": "Conflicts to settle before a draft can be published."})
    created_at = fields.DateTime(required=True)
    published_at = fields.DateTime(required=True, allow_none=True)


class DefinitionSchema(DefinitionHeadSchema):
    """One version of a definition."""

    content = fields.Dict(required=True)
    conflict_list = fields.List(fields.Nested(ConflictSchema), required=True)


class DefinitionBodySchema(Schema):
    """The content of a draft."""

    content = fields.Dict(required=True, keys=fields.String())


class HistorySchema(Schema):
    """Every version that the agency sees, newest first, its own before the installation's."""

    items = fields.List(fields.Nested(DefinitionHeadSchema), required=True)


DefinitionPageSchema = page_schema(DefinitionHeadSchema, "DefinitionPageSchema")

__all__ = [
    "ConflictSchema",
    "DefinitionBodySchema",
    "DefinitionHeadSchema",
    "DefinitionPageSchema",
    "DefinitionSchema",
    "HistorySchema",
    "PageQuery",
]
