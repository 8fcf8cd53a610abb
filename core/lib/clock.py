"""The one place that asks the machine for the time.

Services never call this: the actor carries ``now``, so seeding, timers and
tests can move the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)
