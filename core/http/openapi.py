"""The OpenAPI document, made from the routes: complete because it is what is served."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import INCLUDE, Schema, fields

from core.http.routes import Route
from core.http.serve import PREFIX

_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_KINDS = {"int": {"type": "integer", "minimum": 0}, "uuid": {"type": "string", "format": "uuid"}, "path": {"type": "string"}}
_DESCRIPTIONS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in.",
    403: "No right, or a missing CSRF token.",
    404: "Not there, or outside your scope.",
    409: "The present state forbids it.",
    410: "The link was used, has run out, or never was one.",
    412: "The version is stale.",
    413: "Too large.",
    415: "The body is of another content type.",
    422: "Values are wrong.",
    428: "If-Match is missing.",
    429: "Too many tries.",
    503: "Not available now.",
}


class FieldProblem(Schema):
    """One wrong value."""

    path = fields.String(required=True)
    detail = fields.String(required=True)


class Problem(Schema):
    """RFC 9457 problem document; some types say more, such as `version` or `allowed`."""

    class Meta:
        """A client must ignore what it does not know."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"description": "Stable; compare this, not the sentence."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What to do next."})
    errors = fields.List(fields.Nested(FieldProblem))
    allowed = fields.List(fields.String(), metadata={"description": "Transitions that are allowed instead."})
    retry_after = fields.Integer(metadata={"description": "Seconds to wait."})
    version = fields.Integer(metadata={"description": "The version there is now."})


THIS_DOCUMENT = {
    f"{PREFIX}/openapi.json": {
        "get": {
            "operationId": "document.show_document",
            "summary": "Give this document.",
            "tags": ["document"],
            "parameters": [],
            "responses": {"200": {"description": "Done.", "content": {"application/json": {"schema": {"type": "object"}}}}},
            "security": [],
        }
    }
}
"""The one path that is no route of a package."""


def document(routes: Iterable[Route], *, version: str, extra_paths: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Build the whole document."""
    marshmallow = MarshmallowPlugin(
        schema_name_resolver=lambda schema: (schema if isinstance(schema, type) else type(schema)).__name__.removesuffix("Schema")
    )
    spec = APISpec(
        title="Wangge", version=version, openapi_version="3.1.0", plugins=[marshmallow], info={"license": {"name": "Apache-2.0"}}
    )
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    spec.components.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": "wangge_session"})
    spec.components.schema("Problem", schema=Problem)
    for route in routes:
        spec.path(path=PREFIX + _PARAMETER.sub(r"{\2}", route.path), operations={route.method.lower(): _operation(route)})
    for path, operations in (extra_paths or {}).items():
        spec.path(path=path, operations=operations)
    return spec.to_dict()


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.group],
        "parameters": _parameters(route),
        "responses": {**{str(status): _problem(status) for status in _errors(route)}, **_successes(route)},
        "security": [] if route.public else [{"token": []}, {"cookie": []}],
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": route.body}}}
    if route.upload is not None:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": route.upload}}}
    return operation


def _parameters(route: Route) -> list[Any]:
    parameters: list[Any] = [
        {"in": "path", "name": name, "required": True, "schema": _KINDS.get(kind or "", {"type": "string"})}
        for kind, name in _PARAMETER.findall(route.path)
    ]
    if route.query is not None:
        parameters.append({"in": "query", "schema": route.query})
    if not route.public:
        parameters.append(_header("X-Wangge-Agency", "Key of the agency to act for; your home agency when left out."))
    if route.idempotent:
        parameters.append(
            _header("Idempotency-Key", "Send the same key again and get the same answer; kept seven days.", pattern="^[!-~]{1,128}$")
        )
    if route.if_match:
        parameters.append(_header("If-Match", "The version you saw, from ETag.", pattern='^(W/)?"?[0-9]{1,18}"?$'))
    return parameters


def _header(name: str, description: str, pattern: str | None = None) -> dict[str, Any]:
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"in": "header", "name": name, "required": False, "description": description, "schema": schema}


def _successes(route: Route) -> dict[str, Any]:
    return {str(status): _success(schema) for status, schema in route.answers.items()}


def _success(schema: Any) -> dict[str, Any]:
    if schema is None:
        return {"description": "Done."}
    if isinstance(schema, str):
        return {"description": "Done.", "content": {kind: {"schema": _content(kind)} for kind in schema.split("|")}}
    return {"description": "Done.", "content": {"application/json": {"schema": schema}}}


def _content(kind: str) -> dict[str, str]:
    return {"type": "object"} if kind.endswith("+json") else {"type": "string", "format": "binary"}


def _errors(route: Route) -> list[int]:
    found = set(route.errors)
    if not route.public:
        found |= {401, 403, 404}
    if route.body is not None or route.upload is not None:
        found |= {400, 413, 415}
    found.add(422)  # an unknown query parameter is told, not ignored
    if route.if_match:
        found |= {400, 409, 412, 428}
    return sorted(found | {503})


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": _DESCRIPTIONS[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
