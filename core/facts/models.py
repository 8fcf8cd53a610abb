"""Facts: what scores count, derived from the append-only history and kept beside it.

Three grains: a case, one case in one department's hands (a holding), one
running of one limit (a task). A fact holds instants and never says what the
time is: whether something is overdue is asked with the instant of the
question. ``owed_at`` is when a thing belongs to a period: when its time ran
out or when it was done, whichever came first.

Facts have no foreign keys: they are derived, and a rebuild proves every row
against the record, which is more than a key could. The columns of each grain
are a mixin, so that whoever keeps a copy keeps the same columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Computed, Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base
from core.db.types import UTCDateTime
from core.facts import ddl
from core.grid.ddl import after_create

_OWED_WHEN_MISSED_OR_DONE = "LEAST(missed_at, done_at, running_due_at)"


class OfFact:
    """Mixin of every table of facts: its rows belong to an agency and speak of one case.

    Keys come first and in this order (``sort_order``); a copy puts a key of its own before them with a lower one.
    """

    __row_level_security__ = True
    __config_scope__ = "runtime"

    agency_id: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-5)
    case_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-4)


class CaseColumns(OfFact):
    """Mixin: what is known of a whole case."""

    workflow: Mapped[str] = mapped_column(String(120))
    definition_id: Mapped[int] = mapped_column(BigInteger)
    parent_id: Mapped[int | None] = mapped_column(BigInteger)
    record_id: Mapped[int | None] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    assignee_id: Mapped[int | None] = mapped_column(Integer)
    reporter_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str | None] = mapped_column(String(20))
    class_code: Mapped[str | None] = mapped_column(String(40))
    condition: Mapped[str | None] = mapped_column(String(60))
    source: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(6))
    reported_at: Mapped[datetime] = mapped_column(UTCDateTime)
    filed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    dispatched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When it was first handled; the case's own milestone tells of the last time."""
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    missed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The first deadline of a department that ended unkept."""
    running_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """The deadline of a department that runs; none while it is stopped, unless it had run out before."""
    owed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, Computed(_OWED_WHEN_MISSED_OR_DONE, persisted=True))
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    chain_length: Mapped[int] = mapped_column(Integer)
    chain_head: Mapped[bytes | None] = mapped_column(LargeBinary)


class HoldingColumns(OfFact):
    """Mixin: what is known of one case in one department's hands, under one limit."""

    department_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, sort_order=-3)
    limit_key: Mapped[str] = mapped_column(String(120), primary_key=True, sort_order=-2)
    workflow: Mapped[str] = mapped_column(String(120))
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_by: Mapped[str | None] = mapped_column(String(40))
    """The verb that took it out of the department's hands last; none while it is there."""
    missed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    running_due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    owed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, Computed(_OWED_WHEN_MISSED_OR_DONE, persisted=True))
    times_done: Mapped[int] = mapped_column(SmallInteger)
    times_given_back: Mapped[int] = mapped_column(SmallInteger)
    times_held_again: Mapped[int] = mapped_column(SmallInteger)
    """How often it came back into the same hands after it had been handled there."""
    seconds_held: Mapped[float] = mapped_column(Double)
    """From taking to giving away, by the clock on the wall; pauses are not taken off, and what still runs does not count."""
    is_present: Mapped[bool] = mapped_column()
    case_state: Mapped[str] = mapped_column(String(60))
    case_counts: Mapped[dict[str, int]] = mapped_column(JSONB)


class TaskColumns(OfFact):
    """Mixin: what is known of one running of one limit."""

    sequence: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-3)
    """Of the step that ended it; 0 for the one that runs."""
    workflow: Mapped[str] = mapped_column(String(120))
    limit_key: Mapped[str] = mapped_column(String(120))
    verb: Mapped[str | None] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(60))
    to_state: Mapped[str | None] = mapped_column(String(60))
    person_id: Mapped[int | None] = mapped_column(Integer)
    department_id: Mapped[int | None] = mapped_column(BigInteger)
    grid_id: Mapped[int | None] = mapped_column(BigInteger)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    in_time: Mapped[bool | None] = mapped_column()
    is_superseded: Mapped[bool] = mapped_column()
    """It gave the case to a department, and a later step gave it to another."""
    owed_at: Mapped[datetime | None] = mapped_column(UTCDateTime, Computed("LEAST(due_at, ended_at)", persisted=True))


class FactCase(CaseColumns, Base):
    """One case, as scores count it."""

    __tablename__ = "fact_case"
    __table_args__ = (
        Index("ix_fact_case_reported", "agency_id", "reported_at"),
        Index("ix_fact_case_filed", "agency_id", "filed_at"),
        Index("ix_fact_case_owed", "agency_id", "owed_at"),
        Index("ix_fact_case_closed", "agency_id", "closed_at"),
        Index("ix_fact_case_state", "agency_id", "state"),
    )


class FactHolding(HoldingColumns, Base):
    """One case in one department's hands, as scores count it."""

    __tablename__ = "fact_holding"
    __table_args__ = (
        Index("ix_fact_holding_given", "agency_id", "given_at"),
        Index("ix_fact_holding_owed", "agency_id", "owed_at"),
    )


class FactTask(TaskColumns, Base):
    """One running of one limit, as scores count it."""

    __tablename__ = "fact_task"
    __table_args__ = (
        Index("ix_fact_task_owed", "agency_id", "owed_at"),
        Index("ix_fact_task_ended", "agency_id", "ended_at"),
    )


class FactProgress(Base):
    """How far the facts of one agency have followed its record; the database makes the row with the agency."""

    __tablename__ = "fact_progress"
    __config_scope__ = "runtime"
    __row_level_security__ = True
    __grants__ = "SELECT, UPDATE"
    __scan_columns__ = ("agency_id", "due_at", "known_at")

    agency_id: Mapped[int] = mapped_column(ForeignKey("agency.id"), primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Every step up to this one is in the facts."""
    known_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=text("now()"))
    """Everything that was committed before this instant is in the facts."""
    told_event_id: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Whoever listens was told of every step up to this one; behind the facts only after a rebuild, which takes in many at once."""
    pending_event_id: Mapped[int | None] = mapped_column(BigInteger)
    """The last step number that had been given out when it was looked; steps before it may still be on their way."""
    pending_xid: Mapped[int | None] = mapped_column(BigInteger)
    """Once no transaction with a lower number runs, none of them is."""
    pending_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime, server_default=text("now()"))
    last_error: Mapped[str | None] = mapped_column(Text)
    rebuilt_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    checked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    differences: Mapped[int | None] = mapped_column(BigInteger)
    """How many the last comparison found."""


after_create(Base.metadata.tables[FactProgress.__tablename__], ddl.PROGRESS)
