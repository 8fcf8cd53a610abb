"""Forms over HTTP: how to draw them, their JSON Schema, and a dry check."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.definitions.schemas import DefinitionPageSchema, PageQuery
from core.definitions.store import compiled
from core.definitions.views import list_page
from core.definitions.visibility import visible_current, visible_version
from core.forms import service
from core.forms.schemas import CheckBodySchema, CheckedSchema, FormSchema, JsonSchemaQuery, JsonSchemaSchema
from core.http.routes import Routes
from core.http.work import Work
from core.lib.errors import NotFound
from core.lib.text import msg

routes = Routes("forms")


@routes.get("/forms", query=PageQuery, answers={200: DefinitionPageSchema}, errors=(422,))
def list_forms(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the forms in force for your agency."""
    return list_page(work, "form", query)


@routes.get("/forms/<key>", answers={200: FormSchema}, errors=(404,))
def show_form(work: Work, key: str) -> dict[str, Any]:
    """Show how the form in force is drawn."""
    found = visible_current(work.session, "form", key)
    return {"id": found.id, "version": found.version, **compiled(found).render_plan()}


@routes.get("/forms/<key>/schema", query=JsonSchemaQuery, answers={200: JsonSchemaSchema}, errors=(404, 422))
def show_form_schema(work: Work, key: str, query: dict[str, Any]) -> dict[str, Any]:
    """Give the JSON Schema of the form in force."""
    schema: dict[str, Any] = compiled(visible_current(work.session, "form", key)).json_schema(query["locale"])
    return schema


@routes.get("/form-versions/<int:version_id>", answers={200: FormSchema}, errors=(404,))
def show_form_version(work: Work, version_id: int) -> dict[str, Any]:
    """Show how one version of a form is drawn, such as the one a record was made with."""
    found = visible_version(work.session, version_id)
    if found.kind != "form" or found.status == "draft":
        raise NotFound(msg("definitions.unknown_version", id=version_id))
    return {"id": found.id, "version": found.version, **compiled(found).render_plan()}


@routes.post("/forms/<key>/check", body=CheckBodySchema, answers={200: CheckedSchema}, errors=(404, 422))
def check_form(work: Work, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Try data against the form in force; nothing is stored."""
    submission = asdict(service.check(work.session, work.actor, key, body["data"]))
    return {name: submission[name] for name in ("form_version_id", "data", "personal")}
