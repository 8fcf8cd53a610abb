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


def _rows(pool: Any, sql: str, parameters: dict[str, Any]) -> Response:
    with pool.connection() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(sql, parameters).fetchall()
    return Response(orjson.dumps(found, default=str), content_type="application/json")
