"""The operators written in Python, because the engine has none with our meaning.

Each takes the plain argument values and gives a plain value; a wrong type
gives null, never an error. The browser's twins stand in
``frontend/src/rules/operators.ts``.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import orjson

from core.rules.types import NATIVE_BUDGET

BLANKS = " \t\n\r\f\v\u00a0\u3000"
MOST_DIGITS = 10


def same(one: Any, two: Any) -> bool:
    """Compare two JSON values: same type and equal, through lists and objects."""
    if one != two:  # Python's own comparison is fast, and only laxer: it takes true for 1.
        return False
    if isinstance(one, list) and isinstance(two, list):
        return all(map(same, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return all(same(value, two[key]) for key, value in one.items())
    return isinstance(one, bool) == isinstance(two, bool)


def within(item: Any, among: Any) -> bool:
    """Find an item in a list, or a part in a text."""
    if isinstance(among, list):
        return any(same(item, part) for part in among)
    return isinstance(among, str) and isinstance(item, str) and item in among


def concat(*parts: Any) -> str:
    """Join texts and numbers, numbers as a browser writes them; anything else adds nothing."""
    return "".join(part if isinstance(part, str) else _spell(part) if is_number(part) else "" for part in parts)


def trim(text: Any) -> str | None:
    """Take blanks, the Chinese full-width one included, off both ends."""
    return text.strip(BLANKS) if isinstance(text, str) else None


def rounded(value: Any, digits: Any = 0) -> float | None:
    """Round the decimal number as it is written, a half away from zero."""
    if not is_number(value) or not is_number(digits) or digits != int(digits) or not 0 <= digits <= MOST_DIGITS:
        return None
    try:
        result = Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)
    except InvalidOperation:  # More digits than a decimal context holds: such a number has no fraction.
        return float(value)
    return int(result) if result == result.to_integral_value() else float(result)


def days_between(start: Any, end: Any) -> int | None:
    """Count days from ``start`` to ``end``; the written day of a date-time counts."""
    first, last = as_date(start), as_date(end)
    return None if first is None or last is None else (last - first).days


def years_between(start: Any, end: Any) -> int | None:
    """Count full years from ``start`` to ``end``, negative when ``end`` is earlier."""
    first, last = as_date(start), as_date(end)
    if first is None or last is None:
        return None
    if last < first:
        return -_full_years(last, first)
    return _full_years(first, last)


def add_days(start: Any, days: Any) -> str | None:
    """Give the date so many whole days after ``start``."""
    first = as_date(start)
    if first is None or not is_number(days) or days != int(days):
        return None
    try:
        return (first + timedelta(days=int(days))).isoformat()
    except OverflowError:  # Beyond the years 1 to 9999 there is no date.
        return None


def as_date(value: Any) -> date | None:
    """Read the day of an ISO date or date-time text; None for anything else."""
    if not isinstance(value, str) or (len(value) > 10 and value[10] not in "T "):
        return None
    try:
        return date.fromisoformat(value[:10]) if len(value) >= 10 and value[4] == "-" else None
    except ValueError:
        return None


def is_number(value: Any) -> bool:
    """Tell a number from a boolean, which Python takes for one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _full_years(first: date, last: date) -> int:
    return last.year - first.year - ((last.month, last.day) < (first.month, first.day))


def _spell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = f"{value!r}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Meter(threading.local):
    """What is left of this thread's evaluation to spend here; the engine does not count what passes through Python."""

    left = 0


_METER = _Meter()
_CALL = 50
"""What a call costs before its first character."""
SPENT = "native budget spent"
"""How the engine's error tells that a native refused to go on."""


def fill_meter() -> None:
    """Begin an evaluation on this thread."""
    _METER.left = NATIVE_BUDGET


def _spend(text: str) -> None:
    _METER.left -= _CALL + len(text)
    if _METER.left < 0:
        raise RuntimeError(SPENT)


def _wrapped(function: Callable[..., Any]) -> Callable[[str], str]:
    """Give the engine what it asks for: JSON text in, JSON text out."""

    def run(arguments: str) -> str:
        _spend(arguments)
        result = json.dumps(_finite(function(*orjson.loads(arguments))), ensure_ascii=False)
        _spend(result)
        return result

    return run


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


NATIVES: dict[str, Callable[[str], str]] = {
    "$same": _wrapped(same),
    "$in": _wrapped(within),
    "$cat": _wrapped(concat),
    "$trim": _wrapped(trim),
    "$round": _wrapped(rounded),
    "$days_between": _wrapped(days_between),
    "$years_between": _wrapped(years_between),
    "$add_days": _wrapped(add_days),
}
