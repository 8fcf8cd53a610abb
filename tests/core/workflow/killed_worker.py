"""A worker that claims due timers and never comes to the commit: run as a process, to be killed in the middle."""

from __future__ import annotations

import sys
import time
from datetime import datetime

from core import parts
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.workflow.service import timers


def main(url: str, agency_id: int, now: datetime) -> None:
    """Fire escalations and steps in one transaction, say so, and hold it open."""
    parts.load()
    database = Database(app_url=url, owner_url=url, scan_url=url)
    with unit_of_work(database, agency_id) as session:
        fired = timers.fire_escalations(session, agency_id, now=now)
        steps = [timers.fire_step(session, agency_id, one.id, one.case_id, one.key, now=now) for one in timers.due_steps(session, now=now)]
        session.flush()
        sys.stdout.write(f"claimed {fired} {sum(steps)}\n")
        sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))
