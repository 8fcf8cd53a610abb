"""A process that keeps an index of the land and answers which unit a place is in, as a web worker does: run beside the tests."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from core import parts
from core.authz import Actor
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.grid import service as grids
from core.grid.service import indexing


def main(url: str, agency_id: int) -> None:
    """Answer each line `lon lat` with the unit's code, and say whether the whole index of that land is at hand once it had time to be made."""
    parts.load()
    database = Database(app_url=url, owner_url=url, scan_url=url)
    actor = Actor(None, agency_id, "", "tester", (), datetime.now(UTC))
    for line in sys.stdin:
        lon, lat = (float(part) for part in line.split())
        with unit_of_work(database, agency_id) as session:
            code = grids.locate_for_agency(session, actor, {"lon": lon, "lat": lat}).code
            indexing.wait()
            is_kept = indexing.kept(grids.scheme_of(session, actor)) is not None
        sys.stdout.write(f"{code} {is_kept}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
