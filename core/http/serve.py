"""Serving a route: read, authenticate, open the unit of work, call, commit, answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from flask import Request, Response
from marshmallow import Schema, ValidationError

from core.authz import Actor
from core.db import uow
from core.http import idempotency
from core.http.application import Served, WebApplication, Written
from core.http.body import json_of
from core.http.errors import invalid_of
from core.http.routes import Answer, Route, Routes
from core.http.work import Frame, Work
from core.lib import clock
from core.lib.errors import FieldError, Invalid, Malformed, NotFound, PreconditionRequired, WrongContentType
from core.lib.text import closest_locale, msg

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PREFIX = "/api/v1"
_ETAG = re.compile(r'^(?:W/)?"?(\d{1,18})"?$')
_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


Reader = Callable[[Request], dict[str, Any]]


def mount(app: WebApplication, groups: Iterable[Routes]) -> list[Route]:
    """Add every route of ``groups`` to ``app``; return them all for the document."""
    routes = [route for group in groups for route in group.all]
    for route in routes:
        app.serve(PREFIX + route.path, route.name, route.method, _served(app, route))
    return routes


def _served(app: WebApplication, route: Route) -> Served:
    read = _reader(route)
    serve_it = _serve_public if route.public else _serve_signed_in

    def serve(asked: Request) -> WSGIApplication:
        return serve_it(route, app.extensions["wangge"], asked, read)

    return serve


def _serve_public(route: Route, parts: Frame, asked: Request, read: Reader) -> WSGIApplication:
    given = read(asked)
    with parts.database.session(None) as session:
        actor = Actor(None, 0, "", "", (), clock.now(), locale=locale_of(asked), request_id=request_id_of(asked))
        answer = _answer(route.view(Work(session, actor, parts, route, asked), **given))
        uow.commit(session)
    return respond(answer)


def _serve_signed_in(route: Route, parts: Frame, asked: Request, read: Reader) -> WSGIApplication:
    identity = parts.authenticator.identify(asked)
    asked.environ["wangge.user_id"] = identity.user_id  # for the access log
    agency_id = parts.authenticator.agency_id(identity)
    with parts.database.session(agency_id) as session:
        actor = parts.authenticator.actor(
            session,
            identity,
            now=clock.now(),
            request_id=request_id_of(asked),
            locale=locale_of(asked),
            needs_role=route.for_agency,
        )
        if route.plugin and not parts.is_enabled(session, route.plugin):
            raise NotFound(msg("http.plugin_off"))
        given = read(asked)
        work = Work(session, actor, parts, route, asked)
        key = idempotency.begin(work, asked) if route.idempotent else None
        if key and key.answer:
            return respond(key.answer)
        answer = _answer(route.view(work, **given))
        if key:
            idempotency.finish(work, key, answer)
        uow.commit(session)
    return respond(answer)


def _reader(route: Route) -> Reader:
    query, body, upload = (_instance(schema) for schema in (route.query, route.body, route.upload))

    def read(asked: Request) -> dict[str, Any]:
        given: dict[str, Any] = asked.view_args or {}
        if query is not None:
            given["query"] = _load(query, _query_of(asked, query))
        elif asked.environ.get("QUERY_STRING") and asked.args:
            raise invalid_of({name: ["Unknown field."] for name in asked.args})
        if body is not None:
            given["body"] = _load(body, json_of(asked))
        if upload is not None:
            if asked.mimetype != "multipart/form-data":
                raise WrongContentType(msg("http.not_multipart"))
            given["body"] = _load(upload, asked.form.to_dict())
            given["files"] = asked.files
        if route.if_match:
            given["version"] = _version_of(asked)
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
    given = {name: values if name in many else values[0] for name, values in request.args.lists()}
    wrong = {name: msg("http.has_nul") for name, value in given.items() if any("\0" in one for one in value)}
    wrong |= {name: msg("http.repeated") for name, values in request.args.lists() if len(values) > 1 and name not in many}
    if wrong:
        raise Invalid.many([FieldError(name, sentence) for name, sentence in wrong.items()])
    return given


def _version_of(request: Request) -> int:
    given = request.environ.get("HTTP_IF_MATCH")
    if given is None:
        raise PreconditionRequired(msg("http.if_match_missing"))
    match = _ETAG.match(given.strip())
    if not match:
        raise Malformed(msg("http.if_match_broken"))
    return int(match[1])


def locale_of(request: Request) -> str:
    """Choose the answer's language: ``?lang=`` is not read, the header and the user's own setting are."""
    return closest_locale(request.environ.get("HTTP_ACCEPT_LANGUAGE"))


def request_id_of(request: Request) -> str:
    """Take a well-formed X-Request-ID, or make one."""
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    return given if _REQUEST_ID.match(given) else uuid4().hex


def _answer(value: Any) -> Answer:
    if isinstance(value, Answer):
        return value
    return Answer(value, status=204 if value is None else 200)


def respond(answer: Answer) -> WSGIApplication:
    """Turn an answer into what sends it."""
    headers = list(answer.headers.items())
    if answer.etag is not None:
        headers.append(("ETag", f'"{answer.etag}"'))
    if answer.content_type:
        return Response(answer.body, answer.status, headers, content_type=answer.content_type)
    if answer.status == 204:
        return Response(status=204, headers=headers)
    body = orjson.dumps(answer.body, option=orjson.OPT_NON_STR_KEYS)
    if all(value.isascii() for _, value in headers):
        return Written(body, answer.status, [("Content-Type", "application/json"), *headers])
    return Response(body, answer.status, headers, content_type="application/json")
