"""Who may write facts: one follower at a time, and never beside a range that is being rebuilt.

Ranges of a rebuild share the writing; a follower wants it alone and waits for
the ranges under way, while PostgreSQL lets no later one before it. All locks
are those of the agency and of the transaction.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_FOLLOWING = 0x66616301
_WRITING = 0x66616302

_SETTINGS = {
    "plan_cache_mode": "force_custom_plan",  # a plan for ten thousand cases is none for three
    "jit": "off",
    "work_mem": "64MB",
    "synchronous_commit": "off",  # what a crash takes is derived again: the watermark is lost with it
    "lock_timeout": "30s",
}
_SET = text("SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _SETTINGS.items()))


def begin(session: Session) -> None:
    """Set what statements over many cases want, for this transaction."""
    session.execute(_SET)


def begin_range(session: Session) -> None:
    """Set what a whole range of cases wants as well.

    What the server has not counted yet, as right after an import, it takes for a handful, and would go through all steps for each.
    """
    begin(session)
    session.execute(text("SELECT set_config('enable_nestloop', 'off', true)"))


def try_follow(session: Session, agency_id: int) -> bool:
    """Become the agency's follower until the transaction ends; False when another process is."""
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:of, :agency)"), {"of": _FOLLOWING, "agency": agency_id}))


def follow_alone(session: Session, agency_id: int) -> None:
    """Wait for the agency's follower to end its round, and be in its place until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:of, :agency)"), {"of": _FOLLOWING, "agency": agency_id})


def write_alone(session: Session, agency_id: int) -> None:
    """Wait until no range is being rebuilt, and let none begin until the transaction ends."""
    session.execute(text("SELECT pg_advisory_xact_lock(:of, :agency)"), {"of": _WRITING, "agency": agency_id})


def write_shared(session: Session, agency_id: int) -> None:
    """Keep followers away until the transaction ends; other ranges are welcome."""
    session.execute(text("SELECT pg_advisory_xact_lock_shared(:of, :agency)"), {"of": _WRITING, "agency": agency_id})
