"""Looking at every part of an installation; it changes nothing and never raises for a part that is ill."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.db import migrate
from core.db.engine import Database
from core.db.outbox import OutboxMessage
from core.facts.service import longest_lag, trouble
from core.health.models import Heartbeat
from core.health.types import Check, Condition, Report
from core.pluginmanager import unsound

LATE = timedelta(seconds=60)
"""A worker unseen, or a message undelivered, for longer than this needs somebody's look."""


@dataclass(frozen=True)
class Backlog:
    """What stands in the outbox (messages due and not delivered, the oldest one's delay, those given up), and how far facts are behind."""

    due: int
    oldest_seconds: float
    dead: int
    facts_seconds: float = 0.0


def report(database: Database, *, now: datetime, failed_plugins: Sequence[str], components: Sequence[migrate.Component]) -> Report:
    """Check database, migrations, workers, outbox, facts and plugins."""
    checks = [check_database(database)]
    if checks[0].condition is Condition.WELL:
        checks += _guarded_checks(database, now, failed_plugins, components)
    else:
        checks.append(_plugins(failed_plugins))
    return Report(tuple(checks))


def _guarded_checks(
    database: Database, now: datetime, failed_plugins: Sequence[str], components: Sequence[migrate.Component]
) -> Iterator[Check]:
    yield check_migrations(database, components)
    looks: tuple[tuple[str, Callable[[], Check]], ...] = (
        ("workers", lambda: check_workers(database, now)),
        ("outbox", lambda: check_outbox(database, now)),
        ("facts", lambda: check_facts(database, now)),
        ("plugins", lambda: check_plugins(database, failed_plugins)),
    )
    for name, look in looks:
        try:
            yield look()
        except SQLAlchemyError as error:
            yield Check(name, Condition.FAILING, _reason(error))


def check_database(database: Database) -> Check:
    """Ask the database for one value."""
    try:
        with database.app_engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return Check("database", Condition.FAILING, _reason(error))
    return Check("database", Condition.WELL)


def check_migrations(database: Database, components: Sequence[migrate.Component]) -> Check:
    """Compare the applied migrations with those of this release."""
    try:
        waiting = migrate.pending(database.app_engine, components)
    except SQLAlchemyError as error:
        return Check("migrations", Condition.FAILING, _reason(error))
    names = ", ".join(f"{found.component}:{found.revision}" for found in waiting)
    return Check("migrations", Condition.FAILING if waiting else Condition.WELL, names)


def check_workers(database: Database, now: datetime) -> Check:
    """Look for a background worker that was seen lately."""
    with database.app_engine.connect() as connection:
        lately = list(connection.scalars(select(Heartbeat.name).where(Heartbeat.seen_at > now - LATE).order_by(Heartbeat.name)))
    return Check("workers", Condition.WELL if lately else Condition.DEGRADED, ", ".join(lately))


def check_outbox(database: Database, now: datetime) -> Check:
    """Look for messages that are late or were given up."""
    found = backlog(database, now)
    late = found.oldest_seconds > LATE.total_seconds()
    detail = f"{found.due} due, oldest {found.oldest_seconds:.0f} s, {found.dead} given up"
    return Check("outbox", Condition.DEGRADED if late or found.dead else Condition.WELL, detail)


def check_facts(database: Database, now: datetime) -> Check:
    """Look for facts that do not keep up with the record, and for what keeps them."""
    seconds = longest_lag(database, now=now)
    detail = f"known up to {seconds:.0f} s ago"
    late = seconds > LATE.total_seconds()
    if late and (reasons := trouble(database)):
        detail += ": " + "; ".join(reasons)
    return Check("facts", Condition.DEGRADED if late else Condition.WELL, detail)


def check_plugins(database: Database, failed_plugins: Sequence[str]) -> Check:
    """Look for plugins whose definition files the last sync left out, beside those that could not be loaded."""
    with database.session(None) as session:
        left_out = [f"{key}: {unsound.reason(one).text('en')}" for key, one in unsound.list_unsound(session).items()]
    return _plugins([*failed_plugins, *left_out])


def _plugins(ill: Sequence[str]) -> Check:
    return Check("plugins", Condition.DEGRADED if ill else Condition.WELL, ", ".join(ill))


def backlog(database: Database, now: datetime) -> Backlog:
    """Count what stands in every agency's outbox, as the role that may see only when things are due."""
    due = (OutboxMessage.state == "waiting") & (OutboxMessage.due_at <= now)
    query = select(
        func.count(OutboxMessage.id).filter(due),
        func.min(OutboxMessage.due_at).filter(due),
        func.count(OutboxMessage.id).filter(OutboxMessage.state == "dead"),
    ).where(OutboxMessage.state != "done")
    with database.scan_engine.connect() as connection:
        count, oldest, dead = connection.execute(query).one()
    return Backlog(count, (now - oldest).total_seconds() if oldest else 0.0, dead, longest_lag(database, now=now))


def _reason(error: SQLAlchemyError) -> str:
    return str(error).splitlines()[0]
