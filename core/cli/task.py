"""`wangge task`: messages of the outbox that were given up."""

from __future__ import annotations

import click
from sqlalchemy import select, update

from core.authz.console import Console
from core.db.outbox import OutboxMessage
from core.lib.errors import NotFound
from core.lib.text import msg


@click.group()
def task() -> None:
    """See background tasks that were given up, and try them again."""


@task.command("list")
@click.option("--agency", help="Key of the agency; needed when there are several.")
@click.option("--waiting", is_flag=True, help="Also those that still wait for their time.")
@click.pass_obj
def list_tasks(console: Console, agency: str | None, *, waiting: bool) -> None:
    """List the tasks that were given up after their last try, with the reason."""
    states = ["dead", "waiting"] if waiting else ["dead"]
    with console.work(agency) as (session, _actor):
        found = session.scalars(select(OutboxMessage).where(OutboxMessage.state.in_(states)).order_by(OutboxMessage.id)).all()
        rows = [{name: getattr(one, name) for name in ("id", "topic", "state", "attempts", "due_at", "last_error")} for one in found]
    console.terminal.table(rows, {"id": "id", "topic": "topic", "state": "state", "attempts": "tries", "last_error": "last error"})


@task.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="All that were given up.")
@click.option("--agency", help="Key of the agency; needed when there are several.")
@click.pass_obj
def retry(console: Console, numbers: tuple[int, ...], agency: str | None, *, every: bool) -> None:
    """Try given-up tasks again, by number or all of them."""
    if bool(numbers) == every:
        raise click.UsageError("Name the tasks by number, or say --all.")
    with console.work(agency) as (session, actor):
        chosen = OutboxMessage.state == "dead" if every else (OutboxMessage.state == "dead") & OutboxMessage.id.in_(numbers)
        again = session.scalars(
            update(OutboxMessage).where(chosen).values(state="waiting", attempts=0, due_at=actor.now).returning(OutboxMessage.id)
        ).all()
        if missing := set(numbers) - set(again):
            raise NotFound(msg("cli.no_dead_task", numbers=", ".join(str(number) for number in sorted(missing))))
    console.terminal.answer({"retried": sorted(again)}, msg("cli.retried", count=len(again)))
