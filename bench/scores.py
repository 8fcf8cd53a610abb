"""Facts and scores: deriving them for a million whole histories, and what keeping them costs whoever writes cases."""

from __future__ import annotations

import json
import statistics
import time
from datetime import timedelta
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from bench import http, servers
from bench.world import World
from core.authz import Actor
from core.db.uow import unit_of_work
from core.definitions.installed import import_compilers
from core.facts.service import check, rebuild
from core.facts.tasks import follow
from core.lib import clock
from core.scoring import periods
from core.scoring.periods import Period
from core.scoring.service import scoreboard as count_board
from core.scoring.types import OUTSIDE, WHOLE, Asked

CARDS = tuple(f"urban_mgmt.{name}" for name in ("area", "department", "acceptor", "dispatcher", "duty_lead", "inspector"))
ZONE = ZoneInfo("Asia/Shanghai")
REQUESTS = 40
ROUNDS = 5
BEAT = 2.0
YEARS = timedelta(days=5 * 365)
_EMPTIED = ("fact_case", "fact_holding", "fact_task", "case_event", "cases")


def facts_rebuild(world: World, cases: int) -> dict[str, Any]:
    """Derive the facts of whole histories from nothing, then prove every row of them; both must keep the goal."""
    import_compilers()
    loaded = whole_histories(world, cases)
    first, built = _timed(world, rebuild)
    second, proven = _timed(world, check)
    if built["case"] != cases or proven["differences"]:
        raise SystemExit(f"of {cases} cases {built} were built, and {proven['differences']} rows differ from the record")
    seconds = max(first, second) * 1_000_000 / cases
    return {
        "cases": cases,
        "events": loaded["events"],
        "loading_seconds": loaded["seconds"],
        "rows": built,
        "first_build_seconds": round(first, 1),
        "check_seconds": round(second, 1),
        "seconds": round(seconds, 1),
        "table_mb": _sizes(world),
    }


def facts_cost(world: World, product: str, _floor: str) -> dict[str, Any]:
    """Create and move cases with the follower of facts at work and at rest, in turn; the ratio is of the work that suffers more."""
    import_compilers()
    works = {"create": http.creating(world, product), "move": http.moving(world, product)}
    report: dict[str, Any] = {}
    for name, load in works.items():
        rounds = []
        for _ in range(ROUNDS + 1):
            resting = load()
            with _Follower(world) as follower:
                rounds.append((resting.rate, load().rate, follower))
        rounds = rounds[1:]  # the first fills the caches
        steps = sum(follower.steps for _, _, follower in rounds)
        if not steps:
            raise SystemExit("the follower was at work and took in nothing")
        report[name] = {
            "rate": round(statistics.median(working for _, working, _ in rounds), 1),
            "resting": round(statistics.median(resting for resting, _, _ in rounds), 1),
            "ratio": round(statistics.median(working / resting for resting, working, _ in rounds), 3),
            "steps_followed": steps,
            "seconds_followed": round(sum(follower.seconds for _, _, follower in rounds), 2),
            "rounds": [[round(resting, 1), round(working, 1)] for resting, working, _ in rounds],
        }
    return report | {"ratio": min(report[name]["ratio"] for name in works)}


def scoreboard(world: World, product: str, floor: str) -> dict[str, Any]:
    """Ask for the boards of areas, departments and four posts over one month of the archive, one request after the other."""
    with world.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) fact_case, fact_holding, fact_task"))  # as the server has done a minute after a rebuild
    period = _a_month(world)
    start, stop = period.bounds(ZONE)
    headers = {"Authorization": f"Bearer {http.token(product, 'evaluator')}"}
    ours = f"{product}/api/v1/scoreboards?{urlencode({'scorecards': ','.join(CARDS), 'period': period.text})}"
    told = {"agency": world.agency_id, "start": start.isoformat(), "stop": stop.isoformat(), "as_of": clock.now().isoformat()}
    bare = f"{floor}/scoreboard?{urlencode(told)}"
    _same_numbers(world, period, json.loads(servers.get(bare, {})))
    size = len(servers.get(ours, headers))
    rounds = [(_seconds(bare, {}), _seconds(ours, headers)) for _ in range(REQUESTS)]
    floors, seconds = zip(*rounds, strict=True)
    return {
        "period": period.text,
        "answer_kb": size // 1024,
        "seconds": round(statistics.median(seconds), 3),
        "floor_seconds": round(statistics.median(floors), 3),
        "ratio": round(statistics.median(one / other for other, one in rounds), 2),
        "p95_seconds": round(sorted(seconds)[int(REQUESTS * 0.95)], 3),
    }


def _a_month(world: World) -> Period:
    """Give the month in the middle of the archive."""
    with world.database.owner_engine.connect() as connection:
        middle = connection.execute(text("SELECT min(reported_at) + (max(reported_at) - min(reported_at)) / 2 FROM fact_case")).scalar_one()
    return periods.containing("month", middle.astimezone(ZONE).date())


def _seconds(url: str, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    servers.get(url, headers)
    return time.perf_counter() - started


def _same_numbers(world: World, period: Period, floor: list[list[list[Any]]]) -> None:
    """Be sure that both count the same: what was filed, closed and closed in time, and what the duty leads filed in time."""
    actor = Actor(None, world.agency_id, "dongcheng", "system", (), clock.now(), is_system=True)
    with unit_of_work(world.database, world.agency_id) as session:
        board = count_board(session, actor, Asked(CARDS, period))
    areas = [row for row in board.sheet("urban_mgmt.area").rows if row.subject.level == "district" or row.subject.special == OUTSIDE]
    leads = [row for row in board.sheet("urban_mgmt.duty_lead").rows if row.subject.special == WHOLE]
    ours = [sum(row.values["filed"].base for row in areas)]
    ours += [sum(getattr(row.values["in_time"], part) for row in areas) for part in ("base", "counted")]
    ours += [sum(getattr(row.values["filed_in_time"], part) for row in leads) for part in ("base", "counted")]
    tops = [row for row in floor[0] if row[3] is None or row[3].count(".") == 1]  # what lies outside, and the district below its scheme
    theirs = [sum(int(row[column]) for row in tops) for column in (4, 6, 8)] + [sum(row[column] for row in floor[2]) for column in (10, 11)]
    if ours != theirs or not min(ours):
        raise SystemExit(f"the board counts {ours}, the floor {theirs}")


class _Follower(Thread):
    """What the worker does: it looks every two seconds whether a round is due."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self._world, self._over = world, Event()
        self.steps, self.seconds = 0, 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(BEAT):
            with self._world.database.session(self._world.agency_id) as session:
                due_at = session.execute(text("SELECT due_at FROM fact_progress")).scalar_one()
            if due_at <= clock.now():
                started = time.perf_counter()
                self.steps += follow(self._world.database, self._world.agency_id, now=clock.now())
                self.seconds += time.perf_counter() - started


def _timed(world: World, work: Any) -> tuple[float, dict[str, int]]:
    started = time.perf_counter()
    found = work(world.database, world.agency_id, lambda *_: None, now=clock.now())
    return time.perf_counter() - started, {"differences": found.differences} | {name: one.rows for name, one in found.grains.items()}


def whole_histories(world: World, cases: int) -> dict[str, Any]:
    """Put so many closed cases with every step of theirs in place of all cases: the demo's walks, moved back in time.

    It is done in SQL by the owner, and the chains keep the hashes of the cases
    they were copied from: such an archive cannot be verified, only derived.
    """
    started = time.perf_counter()
    with world.database.owner_engine.begin() as connection:
        connection.execute(text("SET LOCAL synchronous_commit = off"))
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        given = {"agency": world.agency_id, "cases": cases, "years": YEARS}
        connection.execute(text(_PATTERNS), given)
        connection.execute(text(_PATTERN_EVENTS), given)
        connection.execute(text(f"TRUNCATE {', '.join(_EMPTIED)} CASCADE"))
        with _Without(connection, "cases"), _Without(connection, "case_event"):
            connection.execute(text(_copied(connection, "cases", _CASE_CHANGES, _CASE_SOURCE)), given)
            events = connection.execute(text(_copied(connection, "case_event", _EVENT_CHANGES, _EVENT_SOURCE)), given).rowcount
        connection.execute(text("DROP TABLE pattern, pattern_event"))
    with world.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) cases, case_event"))
    return {"events": events, "seconds": round(time.perf_counter() - started, 1)}


class _Without:
    """Takes foreign keys and secondary indexes off a table while it is filled."""

    def __init__(self, connection: Connection, table: str) -> None:
        self._connection, self._table = connection, table

    def __enter__(self) -> None:
        named = {"table": self._table}
        self._again = [row.made for row in self._connection.execute(text(_FOREIGN_KEYS), named)]
        self._again += [row.made for row in self._connection.execute(text(_INDEXES), named)]
        for query, kind in ((_FOREIGN_KEYS, "ALTER TABLE {table} DROP CONSTRAINT {name}"), (_INDEXES, "DROP INDEX {name}")):
            for row in self._connection.execute(text(query), named).all():
                self._connection.execute(text(kind.format(table=self._table, name=row.name)))

    def __exit__(self, *_: object) -> None:
        for made in self._again:
            self._connection.exec_driver_sql(made)


_FOREIGN_KEYS = """
SELECT quote_ident(conname) AS name,
       format('ALTER TABLE %I ADD CONSTRAINT %I %s NOT VALID', CAST(:table AS text), conname, pg_get_constraintdef(oid)) AS made
FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND contype = 'f'
"""
_INDEXES = """
SELECT quote_ident(c.relname) AS name, pg_get_indexdef(i.indexrelid) AS made FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = CAST(:table AS regclass) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
"""

_PATTERNS = """
CREATE TABLE pattern AS SELECT row_number() OVER (ORDER BY id) AS place, * FROM cases
WHERE agency_id = :agency AND category = 'closed' AND parent_id IS NULL AND duplicate_of_id IS NULL AND number NOT LIKE 'H%'
"""
_PATTERN_EVENTS = """
CREATE TABLE pattern_event AS SELECT pattern.place, case_event.* FROM case_event JOIN pattern ON pattern.id = case_event.case_id
WHERE case_event.agency_id = :agency
"""

# Case n is a copy of pattern n modulo how many there are, moved back so that the archive grew evenly through the years, oldest first.
_BACK = "(CAST(:years AS interval) * (1 - n / (CAST(:cases AS bigint) + 1.0)))"
_NUMBERS = "generate_series(1, CAST(:cases AS bigint)) AS n JOIN pattern AS p ON p.place = 1 + n % (SELECT count(*) FROM pattern)"
_CASE_SOURCE = _NUMBERS
_EVENT_SOURCE = f"{_NUMBERS} JOIN pattern_event AS e ON e.place = p.place"
_MOVED = "(SELECT coalesce(jsonb_object_agg(key, CAST(value AS timestamptz) - {back}), '{{}}') FROM jsonb_each_text(p.milestones))"
_CASE_CHANGES = {
    "id": "n",
    "uuid": "gen_random_uuid()",
    "number": "'H' || lpad(CAST(n AS text), 9, '0')",
    "milestones": _MOVED.format(back=_BACK),
    "record_id": "NULL",
} | {name: f"p.{name} - {_BACK}" for name in ("state_entered_at", "reported_at", "closed_at")}
_SPAN = """CASE WHEN e.facts ? 'span' THEN e.facts || jsonb_build_object('span', (e.facts -> 'span') || jsonb_build_object(
  'started_at', CAST(e.facts #>> '{{span,started_at}}' AS timestamptz) - {back},
  'due_at', CAST(e.facts #>> '{{span,due_at}}' AS timestamptz) - {back})) ELSE e.facts END"""
_EVENT_CHANGES = {"case_id": "n", "at": f"e.at - {_BACK}", "facts": _SPAN.format(back=_BACK)}


def _copied(connection: Connection, table: str, changes: dict[str, str], source: str) -> str:
    columns = [row.name for row in connection.execute(text(_COLUMNS), {"table": table})]
    if table == "case_event":
        columns.remove("id")  # drawn anew, in the order of the cases
    of = "p" if table == "cases" else "e"
    values = [changes.get(name, f'{of}."{name}"') for name in columns]
    named = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({named}) SELECT {', '.join(values)} FROM {source}"  # names of our own columns


_COLUMNS = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


def _sizes(world: World) -> dict[str, int]:
    with world.database.owner_engine.connect() as connection:
        return {
            name: connection.execute(text("SELECT pg_total_relation_size(CAST(:name AS regclass)) / 1048576"), {"name": name}).scalar_one()
            for name in _EMPTIED
        }
