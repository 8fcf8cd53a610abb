"""Contact data is shown with its middle hidden, and what was shown hidden is never taken back as a value."""

from __future__ import annotations

from core.lib.errors import Invalid
from core.lib.text import msg

PERSONAL = ("phone", "id_number")
_STAR = "*"


def masked(value: str | None) -> str | None:
    """Hide the middle: an eleventh-digit phone keeps three and four digits, a short value almost nothing."""
    if value is None:
        return None
    shown = 3 if len(value) >= 11 else 1 if len(value) > 3 else 0
    tail = 4 if len(value) >= 11 else shown
    return value[:shown] + _STAR * (len(value) - shown - tail) + (value[-tail:] if tail else "")


def unmasked_input(sent: str | None, stored: str | None, *, path: str) -> str | None:
    """Give the value to store: a mask of what is stored changes nothing; any other value with a star raises Invalid."""
    if sent is not None and _STAR in sent:
        if sent == masked(stored):
            return stored
        raise Invalid(msg("accounts.masked_value"), path=path)
    return sent or None
