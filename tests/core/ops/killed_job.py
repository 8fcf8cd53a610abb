"""A worker that says when it is in the middle of a job, and waits there to be killed."""

from __future__ import annotations

import sys
import time
from datetime import datetime

from core.db import outbox
from core.db.engine import Database


def wait_to_be_killed(_unit: outbox.Unit, _delivery: outbox.Delivery) -> None:
    """Stand in the middle of a job."""
    sys.stdout.write("at it\n")
    sys.stdout.flush()
    time.sleep(60)


def main() -> None:
    """Run the next job of the agency on the database, both given by the caller."""
    url, agency_id, now, topic = sys.argv[1:]
    outbox.job(topic)(wait_to_be_killed)
    outbox.run_next_job(Database(app_url=url, owner_url=url, scan_url=url), int(agency_id), now=datetime.fromisoformat(now))


if __name__ == "__main__":
    main()
