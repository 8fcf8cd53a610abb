"""Serving a route: read, authenticate, open the unit of work, call, commit, answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import orjson
from flask import Flask, Request, Response, request
from marshmallow import Schema, ValidationError

from core.authz import Actor
from core.db import uow
from core.http import idempotency
from core.http.errors import invalid_of
from core.http.routes import Answer, Route, Routes
from core.http.work import Frame, Work, frame
from core.lib import clock
from core.lib.errors import Malformed, NotFound, PreconditionRequired
from core.lib.text import closest_locale, msg

PREFIX = "/api/v1"
_ETAG = re.compile(r'^(?:W/)?"?(\d{1,18})"?$')
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


def mount(app: Flask, groups: Iterable[Routes]) -> list[Route]:
    """Add every route of ``groups`` to ``app``; return them all for the document."""
    routes = [route for group in groups for route in group.all]
    for route in routes:
        app.add_url_rule(PREFIX + route.path, endpoint=route.name, view_func=_endpoint(route), methods=[route.method])
    return routes


def _endpoint(route: Route) -> Callable[..., Response]:
    read = _reader(route)

    def serve(**path: Any) -> Response:
        parts = frame()
        if route.public:
            return _serve_public(route, parts, read, path)
        return _serve_signed_in(route, parts, read, path)

    serve.__name__ = route.name
    return serve


def _serve_public(route: Route, parts: Frame, read: Callable[[], dict[str, Any]], path: dict[str, Any]) -> Response:
    given = read()
    with parts.database.session(None) as session:
        actor = Actor(None, 0, "", "", (), clock.now(), locale=locale_of(request), request_id=request_id_of(request))
        answer = _answer(route.view(Work(session, actor, parts.settings, route), **path, **given))
        uow.commit(session)
    return respond(answer)


def _serve_signed_in(route: Route, parts: Frame, read: Callable[[], dict[str, Any]], path: dict[str, Any]) -> Response:
    identity = parts.authenticator.identify(request)
    agency_id = parts.authenticator.agency_id(identity)
    with parts.database.session(agency_id) as session:
        actor = parts.authenticator.actor(
            session,
            identity,
            now=clock.now(),
            request_id=request_id_of(request),
            locale=locale_of(request),
            needs_role=route.for_agency,
        )
        if route.plugin and not parts.is_enabled(session, route.plugin):
            raise NotFound(msg("http.plugin_off"))
        given = read()
        work = Work(session, actor, parts.settings, route)
        key = idempotency.begin(work, request) if route.idempotent else None
        if key and key.answer:
            return respond(key.answer)
        answer = _answer(route.view(work, **path, **given))
        if key:
            idempotency.finish(work, key, answer)
        uow.commit(session)
    return respond(answer)


def _reader(route: Route) -> Callable[[], dict[str, Any]]:
    query, body, upload = (_instance(schema) for schema in (route.query, route.body, route.upload))

    def read() -> dict[str, Any]:
        given: dict[str, Any] = {}
        if query is not None:
            given["query"] = _load(query, _query_of(request, query))
        elif request.args:
            raise invalid_of({name: ["Unknown field."] for name in request.args})
        if body is not None:
            given["body"] = _load(body, _json_of(request))
        if upload is not None:
            given["body"] = _load(upload, request.form.to_dict())
            given["files"] = request.files
        if route.if_match:
            given["version"] = _version_of(request)
        return given

    return read


def _instance(schema: Any) -> Schema | None:
    instance: Schema | None = schema() if isinstance(schema, type) else schema
    return instance


def _load(schema: Schema, data: Any) -> Any:
    try:
        return schema.load(data)
    except ValidationError as error:
        raise invalid_of(error.messages) from None


def _query_of(request: Request, schema: Schema) -> dict[str, Any]:
    many = {name for name, field in schema.fields.items() if type(field).__name__ == "List"}
    return {name: request.args.getlist(name) if name in many else request.args[name] for name in request.args}


def _json_of(request: Request) -> Any:
    if request.mimetype != "application/json":
        raise Malformed(msg("http.not_json"))
    try:
        value = orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise Malformed(msg("http.broken_json", reason=str(error))) from None
    if not isinstance(value, dict):
        raise invalid_of({"": ["Not an object."]})
    return value


def _version_of(request: Request) -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired(msg("http.if_match_missing"))
    match = _ETAG.match(given.strip())
    if not match:
        raise Malformed(msg("http.if_match_broken"))
    return int(match[1])


def locale_of(request: Request) -> str:
    """Choose the answer's language: ``?lang=`` is not read, the header and the user's own setting are."""
    return closest_locale(request.headers.get("Accept-Language"))


def request_id_of(request: Request) -> str:
    """Take a well-formed X-Request-ID, or make one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _REQUEST_ID.match(given) else uuid4().hex


def _answer(value: Any) -> Answer:
    if isinstance(value, Answer):
        return value
    return Answer(value, status=204 if value is None else 200)


def respond(answer: Answer) -> Response:
    """Turn an answer into a response."""
    if answer.content_type:
        response = Response(answer.body, status=answer.status, content_type=answer.content_type)
    elif answer.status == 204:
        response = Response(status=204)
    else:
        response = Response(orjson.dumps(answer.body, option=orjson.OPT_NON_STR_KEYS), answer.status, content_type="application/json")
    for name, value in answer.headers.items():
        response.headers[name] = value
    if answer.etag is not None:
        response.headers["ETag"] = f'"{answer.etag}"'
    return response
