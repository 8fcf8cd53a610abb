"""``wangge score``: show scores as they stand, publish them, prove what was published, and take bulletins out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy import select

from core.authz.console import Console
from core.definitions.installed import import_compilers
from core.facts.service import catch_up
from core.lib import clock
from core.lib.errors import NotFound
from core.lib.text import msg, say
from core.scoring.bulletin import page as pages
from core.scoring.bulletin import xlsx
from core.scoring.models import Publication
from core.scoring.service import boards, bulletins, publishing
from core.scoring.service.boards import Selection
from core.scoring.service.verifying import verify as prove
from core.scoring.service.wording import refs_of, row_shown

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def score() -> None:
    """Show scores, publish them, and prove what was published."""
    import_compilers()


@score.command()
@click.argument("scorecard")
@click.argument("period")
@click.option("--level", help="Level of areas; the largest when left out.")
@click.option("--below", help="Subject whose parts are wanted, such as grid:310105001.")
@_AGENCY
@click.pass_obj
def show(console: Console, scorecard: str, period: str, level: str | None, below: str | None, agency: str | None) -> None:
    """Show the scores of SCORECARD for PERIOD, such as 2026-03, as they stand."""
    with console.work(agency) as (session, actor):
        wanted = Selection(period, level, below, limit=10_000)
        page = boards.board_page(session, actor, scorecard, wanted, console.terminal.locale)
        refs = refs_of(page.every)
        rows = [row_shown(row, page.face, refs) for row in page.rows]
        titles = {head.key: say(head.title, console.terminal.locale) for head in page.face.heads}
    told = [
        {"rank": row["rank"], "subject": row["subject"]["name"], "score": row["score"], "grade": row["grade"]}
        | {cell["key"]: cell["text"] for cell in row["cells"]}
        for row in rows
    ]
    headings = {name: msg(f"scoring.bulletin_{name}").text(console.terminal.locale) for name in ("rank", "subject", "score", "grade")}
    console.terminal.table(told, headings | titles)


@score.command()
@click.argument("period")
@click.argument("scorecards", nargs=-1, required=True)
@click.option("--reason", default="", help="What stands with the publication.")
@_AGENCY
@click.pass_obj
def publish(console: Console, period: str, scorecards: tuple[str, ...], reason: str, agency: str | None) -> None:
    """Freeze the scores of SCORECARDS for a PERIOD that is over; what is published already stays."""
    agency_id, key = console.agency(agency)
    catch_up(console.database, agency_id, now=clock.now())
    with console.work(key) as (session, actor):
        found, _ = publishing.publish(session, actor, scorecards, period, reason=reason)
        rows = [{"scorecard": one.scorecard_key, "revision": one.revision, "uuid": str(one.uuid)} for one in found]
    console.terminal.table(rows, {"scorecard": "scorecard", "revision": "revision", "uuid": "uuid"})


@score.command()
@click.option("--agency", help="Key of one agency; all of them when left out.")
@click.option("--publication", type=click.UUID, help="One publication; all of them when left out.")
@click.pass_obj
def verify(console: Console, agency: str | None, publication: UUID | None) -> None:
    """Prove what was published: digests, formula, results, and the frozen facts against the record; exits with 1 when something does not hold.

    The record itself is proven by ``wangge audit verify``.
    """
    faults, proven, by_sums = [], 0, 0
    for key in [agency] if agency else console.agencies():
        with console.work(key) as (session, actor):
            query = select(Publication).order_by(Publication.id)
            for one in session.scalars(query if publication is None else query.where(Publication.uuid == publication)).all():
                proof = prove(session, actor, one)
                proven += 1
                by_sums += not proof.is_recounted
                faults += [{"agency": key, **asdict(fault), "reason": fault.reason.text(console.terminal.locale)} for fault in proof.faults]
    if publication is not None and not proven:
        raise NotFound(msg("scoring.no_publication", uuid=str(publication)))
    for told in faults:
        console.terminal.say(f"{told['agency']} {told['publication']} {told['what']}: {told['reason']}")
    answer = {"publications": proven, "by_sums_only": by_sums, "faults": faults}
    console.terminal.answer(answer, msg("scoring.verified", publications=proven, faults=len(faults), sums=by_sums))
    if faults:
        raise click.exceptions.Exit(1)


@score.command()
@click.argument("publication", type=click.UUID)
@click.argument("file", type=_FILE)
@_AGENCY
@click.pass_obj
def export(console: Console, publication: UUID, file: Path, agency: str | None) -> None:
    """Write the bulletin of a PUBLICATION to FILE: a workbook (.xlsx), or a page to print."""
    file_format = "xlsx" if file.suffix.lower() == ".xlsx" else "html"
    with console.work(agency) as (session, actor):
        found = session.scalars(select(Publication).where(Publication.uuid == publication)).one_or_none()
        if found is None:
            raise NotFound(msg("scoring.no_publication", uuid=str(publication)))
        bulletin = bulletins.take_out(session, actor, found, file_format)
        file.write_bytes(xlsx.workbook(bulletin) if file_format == "xlsx" else pages.page(bulletin))
    console.terminal.answer({"file": str(file), "format": file_format}, msg("scoring.exported", file=str(file)))
