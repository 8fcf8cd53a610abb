"""Routes of play equipment."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields
from sqlalchemy import select

from core.api import require_anywhere
from core.api.http import Routes, Work
from playground import visits
from playground.models import PlaygroundVisit
from playground.permissions import RepairRight

routes = Routes("playground", plugin="playground")


class VisitSchema(Schema):
    """A visit."""

    case_id = fields.Integer(required=True)
    what = fields.String(required=True)


class VisitListSchema(Schema):
    """Every visit."""

    items = fields.List(fields.Nested(VisitSchema), required=True)


@routes.get("/playground/visits", answers={200: VisitListSchema})
def list_visits(work: Work) -> dict[str, Any]:
    """List the visits of mechanics."""
    require_anywhere(work.actor, RepairRight.MEND)
    rows = work.session.execute(select(PlaygroundVisit.case_id, PlaygroundVisit.what).order_by(PlaygroundVisit.id))
    return {"items": [row._asdict() for row in rows]}


@routes.post("/playground/visits", body=VisitSchema, answers={201: VisitSchema})
def note_visit(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Note the visit of a mechanic."""
    require_anywhere(work.actor, RepairRight.MEND)
    visits.note(work.session, work.actor, body["case_id"], body["what"])
    return body
