"""Every error becomes ``application/problem+json`` here, and only here (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import psycopg
from flask import Flask, Request, Response, request
from sqlalchemy import exc
from werkzeug.exceptions import HTTPException

from core.lib.errors import Conflict, FieldError, Invalid, Unavailable, WanggeError
from core.lib.text import Message, closest_locale, msg

log = logging.getLogger(__name__)

_HTTP_TYPES = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "timeout",
    413: "too-large",
    414: "too-large",
    415: "unsupported-media-type",
    429: "too-many",
    431: "too-large",
}
_SENTENCES = {
    "Missing data for required field.": "http.field_required",
    "Unknown field.": "http.field_unknown",
    "Not a valid string.": "http.not_text",
    "Not a valid integer.": "http.not_integer",
    "Not a valid number.": "http.not_number",
    "Not a valid boolean.": "http.not_boolean",
    "Not a valid datetime.": "http.not_datetime",
    "Not a valid date.": "http.not_date",
    "Not a valid UUID.": "http.not_uuid",
    "Not a valid mapping type.": "http.not_object",
    "Not a valid list.": "http.not_list",
    "Not an object.": "http.not_object",
    "Field may not be null.": "http.field_null",
    "Invalid input type.": "http.not_object",
}


def install(app: Flask) -> None:
    """Make ``app`` answer every error as a problem document."""
    for kind in (HTTPException, Exception):  # Flask asks for the first by itself
        app.register_error_handler(kind, lambda error: answer_to(error, request))


def answer_to(error: Exception, asked: Request) -> Response:
    """Write any error as a problem document in the request's language."""
    # The hot statements go to the driver as they are, so its own errors arrive here beside SQLAlchemy's.
    match error:
        case WanggeError():
            return _problem(error, asked)
        case HTTPException():
            return _http_problem(error, asked)
        case exc.DataError() | psycopg.DataError():
            return _problem(Invalid(msg("http.bad_value")), asked)
        case exc.IntegrityError() | psycopg.IntegrityError():
            return _problem(_integrity(error), asked)
        case exc.OperationalError() | psycopg.OperationalError():
            log.error("database error: %s", error.orig if isinstance(error, exc.OperationalError) else error)
            return _problem(Unavailable(msg("http.database_away")), asked)
    return _defect(error, asked)


def _problem(error: WanggeError, asked: Request) -> Response:
    locale = _locale(asked)
    document: dict[str, Any] = {
        "type": f"/problems/{error.type}",
        "title": msg(f"http.title_{error.type.replace('-', '_')}").text(locale),
        "status": error.status,
        "detail": error.message.text(locale),
        **error.extra,
    }
    if isinstance(error, Invalid):
        document["errors"] = [{"path": one.path, "detail": one.message.text(locale)} for one in error.errors]
    return _respond(document, error.status, error.headers)


def _locale(asked: Request) -> str:
    return closest_locale(asked.headers.get("Accept-Language"))


def invalid_of(messages: Any) -> Invalid:
    """Turn marshmallow's nested messages into field errors with paths."""
    return Invalid.many([FieldError(path, _sentence(text)) for path, text in _flatten(messages, "")])


def _flatten(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            if isinstance(name, int):
                step = f"{path}[{name}]"
            elif name == "_schema":
                step = path
            else:
                step = f"{path}.{name}" if path else str(name)
            yield from _flatten(inner, step)
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flatten(inner, path)
    else:
        yield path, str(messages)


def _sentence(text: str) -> Message:
    return msg(_SENTENCES[text]) if text in _SENTENCES else msg("http.field_wrong", reason=text)


def _respond(document: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    response = Response(orjson.dumps(document), status, content_type="application/problem+json")
    for name, value in headers.items():
        response.headers[name] = value
    return response


def _http_problem(error: HTTPException, asked: Request) -> Response:
    status = error.code or 500
    if error.response is not None and status < 400:
        return Response(status=status, headers={"Location": error.response.headers["Location"]})  # a redirect raised as an exception
    kind = _HTTP_TYPES.get(status, "error")
    locale = _locale(asked)
    document = {
        "type": f"/problems/{kind}",
        "title": msg(f"http.title_{kind.replace('-', '_')}").text(locale),
        "status": status,
        "detail": msg(f"http.status_{status}" if status in (404, 405, 413, 415) else "http.status_other").text(locale),
    }
    kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return _respond(document, status, kept)


def _integrity(error: exc.IntegrityError | psycopg.IntegrityError) -> Conflict:
    source = error.orig if isinstance(error, exc.IntegrityError) else error
    constraint = getattr(getattr(source, "diag", None), "constraint_name", None) or ""
    log.warning("integrity error on %s", constraint)
    return Conflict(msg("http.integrity", constraint=constraint))


def _defect(error: Exception, asked: Request) -> Response:
    log.error("defect in %s %s", asked.method, asked.path, exc_info=error)
    locale = _locale(asked)
    document = {
        "type": "/problems/error",
        "title": msg("http.title_error").text(locale),
        "status": 500,
        "detail": msg("http.defect").text(locale),
    }
    return _respond(document, 500, {})
