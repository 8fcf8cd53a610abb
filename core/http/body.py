"""The body of a request: read once, bounded, and JSON of a depth that can be stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from core.http.errors import invalid_of
from core.lib.errors import FieldError, Invalid, Malformed, WrongContentType
from core.lib.text import msg

MAX_DEPTH = 64
"""How deep JSON may be nested: forms and definitions need a dozen, and what is stored must never exhaust a reader's stack."""
_JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_READ = "wangge.body"


def bytes_of(request: Request) -> bytes:
    """Give the whole body, as often as it is asked for; raise 413 or 400 when it is too long or ends early."""
    raw: bytes | None = request.environ.get(_READ)
    if raw is None:
        raw = request.environ[_READ] = _read(request)
    return raw


def _read(request: Request) -> bytes:
    """Read at once when the length is told and small enough, as nearly always; else as werkzeug does, which guards the rest."""
    raw: bytes
    told, most = request.environ.get("CONTENT_LENGTH") or "", request.max_content_length or 0
    if not (told.isascii() and told.isdigit() and int(told) <= most) or "HTTP_TRANSFER_ENCODING" in request.environ:
        raw = request.get_data()
        if most and len(raw) >= most:  # werkzeug cuts a body of untold length off there
            raise RequestEntityTooLarge
        return raw
    raw = request.environ["wsgi.input"].read(int(told))
    if len(raw) < int(told):
        raise ClientDisconnected
    return raw


def json_of(request: Request) -> dict[str, Any]:
    """Read the body as a JSON object; raise WrongContentType, Malformed or Invalid for anything else."""
    if request.environ.get("CONTENT_TYPE") != "application/json" and request.mimetype != "application/json":
        raise WrongContentType(msg("http.not_json"))
    raw = bytes_of(request)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Malformed(msg("http.broken_json", reason=str(error))) from None
    if is_deeper(raw, MAX_DEPTH):
        raise Invalid(msg("http.too_deep", limit=MAX_DEPTH))
    if b"\\u0000" in raw and (places := list(_places_of_nul(value, ""))):
        raise Invalid.many([FieldError(place, msg("http.has_nul")) for place in places[:20]])
    if not isinstance(value, dict):
        raise invalid_of({"": ["Not an object."]})
    return value


def is_deeper(raw: bytes, limit: int) -> bool:
    """Tell whether JSON is nested deeper than ``limit``, without recursion and at the speed of C."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    brackets = _JSON_TEXT.sub(b"", raw).translate(None, _NO_BRACKETS)
    for _ in range(limit):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    return True


def _places_of_nul(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            step = f"{path}.{name}" if path else name
            if "\0" in name:
                yield step.replace("\0", "�")
            else:
                yield from _places_of_nul(inner, step)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places_of_nul(inner, f"{path}[{number}]")
    elif isinstance(value, str) and "\0" in value:
        yield path
