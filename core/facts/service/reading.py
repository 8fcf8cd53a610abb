"""What is told of the facts themselves: up to when they know everything."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.facts.models import FactProgress


def known_until(session: Session) -> datetime:
    """Give the instant up to which the facts of the session's agency know every step."""
    return session.execute(select(FactProgress.known_at)).scalar_one()
