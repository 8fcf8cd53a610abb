"""The audit log over HTTP."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from core.audit import service
from core.audit.permissions import AuditRight
from core.authz import require_anywhere
from core.http.paging import PageQuery, decode_cursor, encode_cursor, page_schema
from core.http.routes import Routes
from core.http.work import Work

routes = Routes("audit")


class AuditEntrySchema(Schema):
    """One act of one person on one subject."""

    id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    user_id = fields.Integer(required=True, allow_none=True)
    action = fields.String(required=True)
    subject = fields.String(required=True)
    old = fields.Dict(required=True, allow_none=True)
    new = fields.Dict(required=True, allow_none=True)


class AuditQuery(PageQuery):
    """Which entries."""

    subject = fields.String(
        validate=validate.Length(1, 160), metadata={"description": "Only what was done to this subject, such as case:20260318-000017."}
    )


@routes.get("/audit", query=AuditQuery, answers={200: page_schema(AuditEntrySchema, "AuditPageSchema")})
def list_audit(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List what was done in your agency, newest first."""
    require_anywhere(work.actor, AuditRight.READ)
    mark = decode_cursor(query["after"], (int,))
    limit = query["limit"]
    found = service.list_entries(work.session, subject=query.get("subject"), before=mark[0] if mark else None, limit=limit + 1)
    shown = found[:limit]
    names = ("id", "at", "user_id", "action", "subject", "old", "new")
    items = [{name: getattr(entry, name) for name in names} for entry in shown]
    return {"items": items, "next": encode_cursor(shown[-1].id) if len(found) > limit else None}
