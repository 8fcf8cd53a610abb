"""Keyset paging: ``?limit=&after=``; a page says where the next begins, and nothing is ever cut silently."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson
from marshmallow import Schema, fields, validate

from core.lib.errors import Invalid
from core.lib.text import msg

MAX_LIMIT = 200
_BIGINT = 1 << 63


class PageQuery(Schema):
    """The query of every list."""

    limit = fields.Integer(load_default=25, validate=validate.Range(1, MAX_LIMIT), metadata={"description": "Rows a page, at most 200."})
    after = fields.String(load_default=None, validate=validate.Length(max=400), metadata={"description": "The `next` of the page before."})


def page_schema(item: type[Schema], name: str) -> type[Schema]:
    """Make the schema of a page of ``item``."""
    return type(
        name,
        (Schema,),
        {
            "__doc__": f"A page of {item.__name__}.",
            "items": fields.List(fields.Nested(item), required=True),
            "next": fields.String(
                required=True, allow_none=True, metadata={"description": "Send as `after` for the next page; null at the end."}
            ),
        },
    )


def encode_cursor(*values: Any) -> str:
    """Make an opaque page mark of the last row's sort values."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decode_cursor(after: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """Read a page mark of these ``kinds``; None when there is none; raise Invalid on a forged one."""
    if after is None:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or len(values) != len(kinds) or not all(map(_is_mark, values, kinds)):
        raise Invalid(msg("http.bad_cursor"), path="after")
    return values


def _is_mark(value: Any, kind: type) -> bool:
    """Tell whether a value can stand in a page mark: of just this kind (``True`` is no number), and one that PostgreSQL can hold."""
    if type(value) is not kind:
        return False
    if isinstance(value, int):
        return -_BIGINT <= value < _BIGINT
    return not isinstance(value, str) or "\0" not in value
