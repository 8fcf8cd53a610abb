"""What the worker runs for facts: one round of following, whenever it is due."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from core.db.engine import Database
from core.facts.service import following

log = logging.getLogger(__name__)

_AGAIN = timedelta(seconds=30)


def follow(database: Database, agency_id: int, *, now: datetime) -> int:
    """Run one round for one agency; give how many steps it took in.

    A round that fails is kept with its reason and run again later: other agencies must not wait for it.
    """
    try:
        reached = following.follow_once(database, agency_id, now=now)
    except Exception as error:
        log.exception("facts of agency %s could not follow", agency_id)
        following.note_failure(database, agency_id, error, again_at=now + _AGAIN)
        return 0
    return reached.seen if reached else 0
