"""The one way from the record to facts: SQL over a set of cases, for following, rebuilding and comparing alike.

The set is a list of cases (:class:`Cases`) or a range of their ids
(:class:`Span`). What the events say is read once; each grain is derived from
it, laid beside the rows that are there, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Table, text
from sqlalchemy.orm import Session

from core.db.base import Base
from core.facts.models import FactCase, FactHolding, FactTask
from core.facts.service import shapes
from core.facts.types import GRAINS, NAMED, Comparison, GrainDifference

_TABLES: Mapping[str, Table] = {
    grain: Base.metadata.tables[model.__tablename__] for grain, model in zip(GRAINS, (FactCase, FactHolding, FactTask), strict=True)
}


@dataclass(frozen=True)
class Cases:
    """Some cases by their ids."""

    ids: tuple[int, ...]

    condition = "{column} = ANY(CAST(:ids AS bigint[]))"

    @property
    def parameters(self) -> dict[str, Any]:
        """Give what the condition needs."""
        return {"ids": list(self.ids)}


@dataclass(frozen=True)
class Span:
    """Every case whose id is at least ``low`` and below ``high``."""

    low: int
    high: int

    condition = "{column} >= CAST(:low AS bigint) AND {column} < CAST(:high AS bigint)"

    @property
    def parameters(self) -> dict[str, Any]:
        """Give what the condition needs."""
        return {"low": self.low, "high": self.high}


Scope = Cases | Span


def derive(session: Session, agency_id: int, scope: Scope) -> Comparison:
    """Bring the facts of some cases to what the record says; give what was not so before.

    The caller sees to it that nobody else writes facts of these cases meanwhile (see :mod:`.locks`).
    """
    return counted(session.execute(text(writing_sql(scope.condition)), parameters(session, agency_id, scope)))


def derive_cases(session: Session, agency_id: int, ids: Iterable[int]) -> Comparison:
    """Bring the facts of the cases with these ids to what the record says."""
    return derive(session, agency_id, Cases(tuple(ids)))


def counted(rows: Iterable[Row[Any]]) -> Comparison:
    """Read the answer of a statement that ends with :func:`counting_sql`."""
    found = {row.grain: row for row in rows}
    grains = {name: GrainDifference(row.rows, row.differing, row.missing, row.surplus) for name, row in found.items()}
    named = sorted({number for row in found.values() for number in row.case_ids})[:NAMED]
    return Comparison(grains, tuple(named))


def parameters(session: Session, agency_id: int, scope: Scope) -> dict[str, Any]:
    """Give everything that a statement over ``scope`` needs."""
    return {"agency": agency_id, **scope.parameters, **shapes.parameters(session)}


def columns_of(grain: str) -> tuple[str, ...]:
    """Name the columns that are written: all but the agency and what the table works out itself."""
    return tuple(column.name for column in _TABLES[grain].columns if column.computed is None and column.name != "agency_id")


def keys_of(grain: str) -> tuple[str, ...]:
    """Name the columns that tell the rows of an agency apart."""
    return tuple(column.name for column in _TABLES[grain].primary_key.columns if column.name != "agency_id")


def table_of(grain: str) -> str:
    """Name the table of a grain."""
    return _TABLES[grain].name


def differing_sql(grain: str, condition: str, *, but: str = "true") -> str:
    """Give the CTE that lays derived and stored rows of a grain side by side and keeps the pairs that differ.

    ``x_<key>`` are the keys of the stored row, NULL when there is none; the
    others are the derived row's. ``but`` leaves cases out, by ``case_id``.
    """
    columns, keys = columns_of(grain), keys_of(grain)
    rest = [name for name in columns if name not in keys]
    return f"""
{grain}_differs AS MATERIALIZED (
  SELECT {_listed(columns, "d")}, {", ".join(f"x.{key} AS x_{key}" for key in keys)}
  FROM (SELECT * FROM d_{grain} WHERE {but}) AS d
  FULL JOIN (SELECT * FROM {table_of(grain)} WHERE agency_id = :agency AND {condition.format(column="case_id")} AND {but}) AS x
    ON {" AND ".join(f"x.{key} = d.{key}" for key in keys)}
  WHERE x.case_id IS NULL OR d.case_id IS NULL OR ({_listed(rest, "d")}) IS DISTINCT FROM ({_listed(rest, "x")})
)"""  # noqa: S608  # names of our own tables and columns; no value is spliced in


@cache
def derived_sql(condition: str) -> str:
    """Give the CTEs that derive every grain of a set of cases: ``d_case``, ``d_holding`` and ``d_task``."""
    cases = condition.format(column="cases.id")
    events = condition.format(column="case_event.case_id")
    return f"WITH {_SHAPES}, {_CASES.format(scope=cases)}, {_EVENTS.format(scope=events)}, {_HOLDINGS}, {_TASKS}, {_WHOLE}"


@cache
def writing_sql(condition: str) -> str:
    """Give the statement that derives, writes what differs, and counts it."""
    parts = [derived_sql(condition)]
    for grain in GRAINS:
        parts += [differing_sql(grain, condition), _written_sql(grain), _gone_sql(grain, condition)]
    return ",".join(parts) + counting_sql()


def counting_sql(but: str = "true") -> str:
    """Give the end of a statement: how many rows of each grain there should be, and how those that are there differ."""
    return " UNION ALL ".join(_counted_sql(grain, but) for grain in GRAINS)


def _counted_sql(grain: str, but: str) -> str:
    return f"""
SELECT '{grain}' AS grain, (SELECT count(*) FROM d_{grain} WHERE {but}) AS rows,
  count(*) FILTER (WHERE case_id IS NOT NULL AND x_case_id IS NOT NULL) AS differing,
  count(*) FILTER (WHERE x_case_id IS NULL) AS missing, count(*) FILTER (WHERE case_id IS NULL) AS surplus,
  ARRAY(SELECT DISTINCT coalesce(case_id, x_case_id) FROM {grain}_differs ORDER BY 1 LIMIT {NAMED}) AS case_ids
FROM {grain}_differs"""  # noqa: S608  # as above


def _written_sql(grain: str) -> str:
    columns, keys = columns_of(grain), keys_of(grain)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in columns if name not in keys)
    return f"""
{grain}_written AS (
  INSERT INTO {table_of(grain)} (agency_id, {_listed(columns)})
  SELECT :agency, {_listed(columns)} FROM {grain}_differs WHERE case_id IS NOT NULL
  ON CONFLICT (agency_id, {_listed(keys)}) DO UPDATE SET {changes} RETURNING 1
)"""  # noqa: S608  # as above


def _gone_sql(grain: str, condition: str) -> str:
    same = " AND ".join(f"f.{key} = gone.x_{key}" for key in keys_of(grain))
    return f"""
{grain}_gone AS (
  DELETE FROM {table_of(grain)} AS f USING {grain}_differs AS gone
  WHERE gone.case_id IS NULL AND f.agency_id = :agency AND {condition.format(column="f.case_id")} AND {same} RETURNING 1
)"""  # noqa: S608  # as above


def _listed(names: Iterable[str], of: str = "") -> str:
    prefix = f"{of}." if of else ""
    return ", ".join(f'{prefix}"{name}"' for name in names)


_SHAPES = """
edge AS MATERIALIZED (
  SELECT * FROM unnest(
    CAST(:edge_in AS bigint[]), CAST(:edge_verb AS text[]), CAST(:edge_from AS text[]), CAST(:edge_to AS text[]),
    CAST(:edge_reaches AS boolean[]), CAST(:edge_gives AS boolean[]), CAST(:edge_takes AS boolean[]), CAST(:edge_ends AS text[])
  ) AS given (definition_id, verb, from_state, to_state, reaches, gives, takes, ends)
),
held_state AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:held_in AS bigint[]), CAST(:held_state AS text[]), CAST(:held_limit AS text[]))
    AS given (definition_id, state, limit_key)
),
held_limit AS MATERIALIZED (SELECT DISTINCT definition_id, limit_key FROM held_state)"""

# A limit that is stopped has no deadline, unless that had passed before it was stopped.
_CASES = """
c AS MATERIALIZED (
  SELECT found.*, CASE WHEN limit_key = clock_key THEN clock_due_at END AS running_due_at
  FROM (
    SELECT cases.id AS case_id, cases.workflow, cases.definition_id, cases.parent_id, cases.record_id, cases.grid_id, cases.department_id,
      cases.assignee_id, cases.reporter_id, cases.kind, cases.class_code, cases.condition, cases.source, cases.state, cases.category,
      cases.reported_at, cases.closed_at, cases.counts, cases.data, cases.chain_length, cases.chain_head,
      CAST(cases.milestones ->> 'filed' AS timestamptz) AS filed_at, CAST(cases.milestones ->> 'dispatched' AS timestamptz) AS dispatched_at,
      cases.clock ->> 'key' AS clock_key, CAST(cases.clock ->> 'started_at' AS timestamptz) AS clock_started_at,
      CASE WHEN cases.clock ->> 'paused_at' IS NULL
        OR CAST(cases.clock ->> 'paused_at' AS timestamptz) > CAST(cases.clock ->> 'due_at' AS timestamptz)
        THEN CAST(cases.clock ->> 'due_at' AS timestamptz) END AS clock_due_at,
      held_state.limit_key
    FROM cases LEFT JOIN held_state ON held_state.definition_id = cases.definition_id AND held_state.state = cases.state
    WHERE cases.agency_id = :agency AND {scope}
  ) AS found
)"""

# An amendment that says nothing of departments (a grid given, the land followed) must not stand between a step and the one before.
# ``before`` and ``after`` are who has the case; a limit's account is the one's who had it when it ended.
_EVENTS = """
told AS (
  SELECT case_event.case_id, case_event.sequence, case_event.at, case_event.actor_id, case_event.verb, case_event.from_state,
    case_event.to_state, CAST(case_event.facts ->> 'department_id' AS bigint) AS told_id,
    CAST(case_event.facts ->> 'seconds' AS numeric) AS seconds, span.key, span.started_at, span.due_at, span.in_time,
    coalesce(edge.reaches, false) AS reaches, coalesce(edge.gives, false) AS gives, coalesce(edge.takes, false) AS takes,
    coalesce(held_limit.limit_key, edge.ends) AS held_key
  FROM case_event
  JOIN c ON c.case_id = case_event.case_id
  LEFT JOIN LATERAL jsonb_to_record(case_event.facts -> 'span')
    AS span (key text, started_at timestamptz, due_at timestamptz, in_time boolean) ON true
  LEFT JOIN edge ON edge.definition_id = c.definition_id AND edge.verb = case_event.verb
    AND edge.from_state = case_event.from_state AND edge.to_state = case_event.to_state
  LEFT JOIN held_limit ON held_limit.definition_id = c.definition_id AND held_limit.limit_key = span.key
  WHERE case_event.agency_id = :agency AND {scope}
    AND (edge.verb IS NOT NULL OR span.key IS NOT NULL OR case_event.facts ->> 'department_id' IS NOT NULL)
),
e AS MATERIALIZED (
  SELECT told.*, CASE WHEN takes THEN NULL ELSE told_id END AS after_id,
    lag(CASE WHEN takes THEN NULL ELSE told_id END) OVER (PARTITION BY case_id ORDER BY sequence) AS before_id
  FROM told
)"""

_HOLDINGS = """
given AS (SELECT case_id, after_id, min(at) AS at FROM e WHERE after_id IS NOT NULL GROUP BY case_id, after_id),
ended AS (
  SELECT *, min(sequence) FILTER (WHERE reaches) OVER (PARTITION BY case_id, holder_id, held_key) AS done_sequence
  FROM (SELECT e.*, coalesce(before_id, told_id) AS holder_id FROM e WHERE held_key IS NOT NULL) AS mine
  WHERE holder_id IS NOT NULL
),
held AS (
  SELECT case_id, holder_id, held_key, (array_agg(verb ORDER BY sequence DESC))[1] AS ended_by,
    min(due_at) FILTER (WHERE NOT in_time) AS missed_at, min(at) FILTER (WHERE reaches) AS done_at, min(done_sequence) AS done_sequence,
    count(*) FILTER (WHERE reaches) AS times_done, count(*) FILTER (WHERE sequence > done_sequence) AS times_held_again,
    count(*) FILTER (WHERE NOT reaches AND after_id IS DISTINCT FROM holder_id) AS times_given_back, min(at) AS at,
    sum(extract(epoch FROM at) - coalesce(extract(epoch FROM started_at), extract(epoch FROM at) - seconds)) AS seconds_held
  FROM ended GROUP BY case_id, holder_id, held_key
),
d_holding AS (
  SELECT c.case_id, paired.department_id, paired.limit_key, c.workflow, c.grid_id, coalesce(given.at, paired.at, c.reported_at) AS given_at,
    paired.ended_by, paired.missed_at, paired.done_at, paired.running_due_at, CAST(paired.times_done AS smallint) AS times_done,
    CAST(paired.times_given_back AS smallint) AS times_given_back, CAST(paired.times_held_again AS smallint) AS times_held_again,
    CAST(paired.seconds_held AS double precision) AS seconds_held, c.department_id IS NOT DISTINCT FROM paired.department_id AS is_present,
    c.state AS case_state, c.counts AS case_counts
  FROM (
    SELECT coalesce(held.case_id, runs.case_id) AS case_id, coalesce(held.holder_id, runs.department_id) AS department_id,
      coalesce(held.held_key, runs.limit_key) AS limit_key, CASE WHEN runs.case_id IS NULL THEN held.ended_by END AS ended_by,
      held.missed_at, held.done_at, runs.running_due_at, coalesce(held.times_done, 0) AS times_done,
      coalesce(held.times_given_back, 0) AS times_given_back,
      coalesce(held.times_held_again, 0) + CASE WHEN runs.case_id IS NOT NULL AND held.done_sequence IS NOT NULL THEN 1 ELSE 0 END
        AS times_held_again,
      coalesce(held.seconds_held, 0) AS seconds_held, held.at
    FROM held FULL JOIN (
      SELECT case_id, department_id, limit_key, running_due_at FROM c WHERE limit_key IS NOT NULL AND department_id IS NOT NULL
    ) AS runs ON runs.case_id = held.case_id AND runs.department_id = held.holder_id AND runs.limit_key = held.held_key
  ) AS paired
  JOIN c ON c.case_id = paired.case_id
  LEFT JOIN given ON given.case_id = paired.case_id AND given.after_id = paired.department_id
)"""

_TASKS = """
moved AS (
  SELECT case_id, max(sequence) AS sequence
  FROM (
    SELECT case_id, sequence, after_id, lag(after_id) OVER (PARTITION BY case_id ORDER BY sequence) AS earlier_id FROM e WHERE gives
  ) AS gave
  WHERE earlier_id <> after_id GROUP BY case_id
),
d_task AS (
  SELECT e.case_id, e.sequence, c.workflow, e.key AS limit_key, e.verb, e.from_state AS state, e.to_state, e.actor_id AS person_id,
    CASE WHEN e.held_key IS NULL THEN e.told_id ELSE coalesce(e.before_id, e.told_id) END AS department_id, c.grid_id,
    e.started_at, e.due_at, e.at AS ended_at, e.in_time, e.gives AND coalesce(moved.sequence > e.sequence, false) AS is_superseded
  FROM e JOIN c ON c.case_id = e.case_id LEFT JOIN moved ON moved.case_id = e.case_id
  WHERE e.key IS NOT NULL
  UNION ALL
  SELECT case_id, 0, workflow, clock_key, NULL, state, NULL, assignee_id, department_id, grid_id, clock_started_at, clock_due_at, NULL,
    NULL, false
  FROM c WHERE clock_key IS NOT NULL
)"""

_WHOLE = """
d_case AS (
  SELECT c.case_id, c.workflow, c.definition_id, c.parent_id, c.record_id, c.grid_id, c.department_id, c.assignee_id, c.reporter_id,
    c.kind, c.class_code, c.condition, c.source, c.state, c.category, c.reported_at, c.filed_at, c.dispatched_at, whole.done_at,
    c.closed_at, whole.missed_at, c.running_due_at, c.counts, c.data AS facts, c.chain_length, c.chain_head
  FROM c LEFT JOIN (
    SELECT case_id, min(at) FILTER (WHERE reaches) AS done_at, min(due_at) FILTER (WHERE held_key IS NOT NULL AND NOT in_time) AS missed_at
    FROM e GROUP BY case_id
  ) AS whole ON whole.case_id = c.case_id
)"""
