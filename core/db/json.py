"""JSON for JSONB columns: orjson, which writes datetimes, dates and UUIDs as text."""

from __future__ import annotations

from typing import Any

import orjson


def dumps(value: Any) -> str:
    """Write ``value`` as JSON text."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


loads = orjson.loads
