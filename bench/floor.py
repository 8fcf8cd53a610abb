"""The floor: a bare Flask application whose every view is one hand-written statement, on the same server with the same workers."""

from __future__ import annotations

import os
import threading
from typing import Any

import orjson
import psycopg
from flask import Flask, Response, request


class Connections:
    """One open connection a thread: nothing between the view and the driver."""

    def __init__(self, address: str) -> None:
        self._address, self._local = address, threading.local()

    def connection(self) -> Any:
        """Give this thread's connection."""
        if not hasattr(self._local, "connection"):
            self._local.connection = psycopg.connect(self._address, prepare_threshold=3)
        return _InTransaction(self._local.connection)


class _InTransaction:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> Any:
        return self._connection

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.rollback() if kind else self._connection.commit()


def create_app() -> Flask:
    """Make the application; the database comes from ``BENCH_DATABASE`` (a libpq string of the owner role)."""
    app = Flask("floor")
    pool = Connections(os.environ["BENCH_DATABASE"])

    @app.post("/insert")
    def insert() -> Response:
        given = orjson.loads(request.get_data())
        with pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO floor_case (title, grid_id, lon, lat, data, created_at) VALUES (%s, %s, %s, %s, %s, now()) RETURNING id",
                (given["title"], given["grid_id"], given["lon"], given["lat"], orjson.dumps(given).decode()),
            ).fetchone()
        assert row is not None
        return Response(orjson.dumps({"id": row[0]}), 201, content_type="application/json")

    @app.get("/newest")
    def newest() -> Response:
        return _rows(pool, LIST_SQL, {"agency": int(request.args["agency"]), "path": request.args["path"]})

    @app.get("/scoreboard")
    def scoreboard() -> Response:
        given = {name: request.args[name] for name in ("agency", "start", "stop", "as_of")}
        with pool.connection() as connection:
            found = [connection.execute(sql, given).fetchall() for sql in SCOREBOARD_SQL]
        return Response(orjson.dumps(found, default=str), content_type="application/json")

    @app.get("/component/<code>")
    def component(code: str) -> Response:
        return _rows(pool, COMPONENT_SQL, {"agency": int(request.args["agency"]), "code": code})

    return app


LIST_SQL = """
SELECT c.number, c.title, c.workflow, c.kind, c.state, c.category, c.class_code, c.located, c.lon, c.lat, c.reported_at,
       c.state_entered_at, c.due_at, c.warn_at, c.version, g.code AS grid_code, g.name AS grid_name, d.code AS department_code, d.name AS department_name
FROM cases c LEFT JOIN grid g ON g.id = c.grid_id LEFT JOIN department d ON d.agency_id = c.agency_id AND d.id = c.department_id
WHERE c.agency_id = %(agency)s AND c.category = 'open' AND c.grid_id IN (SELECT id FROM grid WHERE path <@ %(path)s::ltree)
ORDER BY c.reported_at DESC, c.id DESC LIMIT 26
"""

COMPONENT_SQL = """
SELECT r.*, g.code AS grid_code, g.name AS grid_name FROM record r LEFT JOIN grid g ON g.id = r.grid_id
WHERE r.agency_id = %(agency)s AND r.ledger_key = 'urban_mgmt.component' AND r.code = %(code)s
"""


_LATE = "coalesce(missed_at <= %(as_of)s OR running_due_at <= %(as_of)s, false)"
_STANDS = "state NOT IN ('void', 'suspended')"
_NOT_APPEALED = "coalesce((counts ->> 'appeals_granted')::int, 0) = 0"
_IN = "{at} >= %(start)s AND {at} < %(stop)s"
_FILED, _OWED, _REPORTED, _CLOSED = (_IN.format(at=at) for at in ("filed_at", "owed_at", "reported_at", "closed_at"))
_GIVEN, _ENDED = (_IN.format(at=at) for at in ("given_at", "ended_at"))

# Counted by unit grid first, then added up for each area above it: five levels in one statement.
AREAS_SQL = f"""
WITH leaf AS (
  SELECT grid_id,
    count(*) FILTER (WHERE {_FILED} AND {_STANDS}) AS a,
    count(*) FILTER (WHERE {_FILED} AND {_STANDS} AND source IN ('hotline', 'web', 'public_app')) AS b,
    count(*) FILTER (WHERE {_OWED} AND {_STANDS} AND {_NOT_APPEALED}) AS c,
    count(*) FILTER (WHERE {_OWED} AND {_STANDS} AND {_NOT_APPEALED} AND state IN ('closed', 'force_closed')) AS d,
    count(*) FILTER (WHERE {_OWED} AND {_STANDS} AND {_NOT_APPEALED} AND state IN ('closed', 'force_closed') AND NOT {_LATE}) AS e,
    count(*) FILTER (WHERE {_REPORTED}) AS f, count(*) FILTER (WHERE {_REPORTED} AND filed_at IS NOT NULL) AS g,
    count(*) FILTER (WHERE {_OWED} AND {_STANDS}) AS h, count(*) FILTER (WHERE {_OWED} AND {_STANDS} AND (counts ->> 'reworks')::int > 0) AS i,
    count(*) FILTER (WHERE {_OWED} AND {_STANDS} AND {_LATE} AND done_at IS NULL) AS j,
    count(*) FILTER (WHERE {_CLOSED} AND filed_at IS NOT NULL AND state <> 'void') AS k,
    sum(extract(epoch FROM closed_at - reported_at)) FILTER (WHERE {_CLOSED} AND filed_at IS NOT NULL AND state <> 'void') AS l
  FROM fact_case WHERE agency_id = %(agency)s AND parent_id IS NULL AND ({_FILED} OR {_OWED} OR {_REPORTED} OR {_CLOSED}) GROUP BY grid_id
)
SELECT area.id, area.code, area.name, area.path::text, {", ".join(f"sum({name})" for name in "abcdefghijkl")}
FROM leaf LEFT JOIN grid ON grid.id = leaf.grid_id
LEFT JOIN LATERAL generate_series(2, nlevel(grid.path)) AS depth ON true
LEFT JOIN grid AS area ON area.path = subpath(grid.path, 0, depth)
GROUP BY area.id
"""

REPORTERS_SQL = f"""
SELECT coalesce((facts ->> 'missed_by')::int, reporter_id),
  count(*) FILTER (WHERE {_REPORTED} AND source = 'inspector'), count(*) FILTER (WHERE {_REPORTED} AND source = 'inspector' AND filed_at IS NOT NULL),
  count(*) FILTER (WHERE {_FILED} AND state <> 'void' AND (source = 'inspector' OR facts ->> 'missed_by' IS NOT NULL)),
  count(*) FILTER (WHERE {_FILED} AND state <> 'void' AND facts ->> 'missed_by' IS NOT NULL)
FROM fact_case WHERE agency_id = %(agency)s AND parent_id IS NULL AND ({_FILED} OR {_REPORTED}) GROUP BY 1
"""

_HELD = "case_state NOT IN ('void') AND NOT (is_present AND case_state = 'suspended')"
_APPEALED = f"(coalesce((case_counts ->> 'appeals_granted')::int, 0) > 0 AND is_present AND {_LATE})"
_DUE = f"{_OWED} AND {_HELD} AND NOT {_APPEALED}"
DEPARTMENTS_SQL = f"""
SELECT department_id,
  count(*) FILTER (WHERE {_GIVEN} AND {_HELD} AND (is_present OR done_at IS NOT NULL OR missed_at IS NOT NULL OR running_due_at IS NOT NULL)),
  count(*) FILTER (WHERE {_DUE}), count(*) FILTER (WHERE {_DUE} AND case_state IN ('closed', 'force_closed')),
  count(*) FILTER (WHERE {_DUE} AND done_at IS NOT NULL AND NOT {_LATE}), count(*) FILTER (WHERE {_DUE} AND times_held_again > 0),
  count(*) FILTER (WHERE {_OWED} AND case_state <> 'void' AND NOT {_APPEALED} AND done_at IS NOT NULL AND {_LATE}),
  count(*) FILTER (WHERE {_DUE} AND done_at IS NULL AND {_LATE}), count(*) FILTER (WHERE {_GIVEN} AND times_given_back > 0),
  count(*) FILTER (WHERE {_OWED} AND case_state <> 'void' AND done_at IS NOT NULL),
  sum(seconds_held) FILTER (WHERE {_OWED} AND case_state <> 'void' AND done_at IS NOT NULL)
FROM fact_holding WHERE agency_id = %(agency)s AND limit_key = 'handle' AND ({_GIVEN} OR {_OWED}) GROUP BY department_id
"""

_VOID = "case_id IN (SELECT case_id FROM fact_case WHERE agency_id = %(agency)s AND state = 'void')"
_IN_TIME = "verb IS NOT NULL AND NOT coalesce(ended_at, %(as_of)s) > due_at"


def _task(condition: str, *numerators: str) -> str:
    return ", ".join(f"count(*) FILTER (WHERE {' AND '.join(one for one in (condition, more) if one)})" for more in ("", *numerators))


PERSONS_SQL = f"""
SELECT person_id, {_task(f"{_OWED} AND limit_key = 'verify' AND coalesce(verb, '') <> 'return' AND NOT void", _IN_TIME)},
  {_task(f"{_OWED} AND limit_key = 'check' AND coalesce(verb, '') <> 'return' AND NOT void", _IN_TIME)},
  {_task(f"{_ENDED} AND limit_key = 'accept' AND verb IN ('request_verify', 'reject')")},
  {_task(f"{_ENDED} AND verb = 'request_verify' AND NOT void", "in_time")}, {_task(f"{_OWED} AND limit_key = 'send_check' AND NOT void", _IN_TIME)},
  {_task(f"{_ENDED} AND verb = 'file'", "in_time", "NOT void")},
  {_task(f"{_OWED} AND limit_key = 'close' AND state = 'checked' AND NOT void", f"verb = 'close' AND {_IN_TIME}")},
  {_task(f"{_ENDED} AND verb = 'dispatch'")}, {_task(f"{_ENDED} AND verb = 'dispatch' AND NOT void", "NOT is_superseded")},
  {_task(f"{_OWED} AND limit_key = 'dispatch' AND coalesce(verb, 'dispatch') = 'dispatch' AND NOT void", _IN_TIME)}
FROM (SELECT *, {_VOID} AS void FROM fact_task WHERE agency_id = %(agency)s AND ({_OWED} OR {_ENDED})) AS t GROUP BY person_id
"""

SCOREBOARD_SQL = (AREAS_SQL, DEPARTMENTS_SQL, PERSONS_SQL, REPORTERS_SQL)
"""What a board of areas, departments and four posts counts, by whoever knows these rules by heart."""


def _rows(pool: Any, sql: str, parameters: dict[str, Any]) -> Response:
    with pool.connection() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(sql, parameters).fetchall()
    return Response(orjson.dumps(found, default=str), content_type="application/json")
