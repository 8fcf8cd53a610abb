"""Routes of urban management: what the screens of its desks ask for."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from core.api import require_anywhere
from core.api.cases import catalogue_items
from core.api.http import Routes, Work
from plugins.urban_mgmt import duties
from plugins.urban_mgmt.permissions import CaseRight

routes = Routes("urban_mgmt", plugin="urban_mgmt")


class DutyQuery(Schema):
    """Which matter, and where."""

    class_code = fields.String(required=True, validate=validate.Length(1, 40), metadata={"description": "Small class, such as e0113."})
    grid_code = fields.String(validate=validate.Length(1, 40), metadata={"description": "Code of the grid that the matter lies in."})


class DutySchema(Schema):
    """The department codes that answer for a matter, first in duty first; empty when nobody is known to."""

    departments = fields.List(fields.String(), required=True)


@routes.get("/urban_mgmt/duties", query=DutyQuery, answers={200: DutySchema})
def list_duties(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the departments that answer for a class of matter at a place, as the dispatcher is offered them."""
    require_anywhere(work.actor, CaseRight.DISPATCH)
    items = catalogue_items(work.session, "urban_mgmt")
    return {"departments": list(duties.department_codes(items, query["class_code"], query.get("grid_code")))}
