"""``wangge import`` and ``wangge export``: records of a ledger from a file and into one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from core.authz import Actor
from core.authz.console import Console
from core.db.uow import unit_of_work
from core.definitions.installed import import_compilers
from core.ledgers.exchange.exporting import ExportOrder, export_records, order_export
from core.ledgers.exchange.jobs import ImportOrder, create_import, default_store, problems_of
from core.ledgers.exchange.opening import format_of
from core.ledgers.exchange.report import report_pieces
from core.ledgers.exchange.running import run_import
from core.ledgers.models import ImportJob
from core.ledgers.service.finding import Wanted
from core.ledgers.service.reading import surroundings
from core.ledgers.types import FileFormat, ImportMode, ImportState
from core.ledgers.views.imports import shown_import
from core.lib import clock
from core.lib.crs import Crs
from core.lib.errors import Invalid
from core.lib.text import msg

_AGENCY = click.option("--agency", help="Key of the agency; needed when there are several.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("ledger")
@click.argument("file", type=_FILE)
@click.option("--crs", required=True, type=click.Choice([one.value for one in Crs]), help="Coordinate system of the file's positions.")
@click.option("--update", is_flag=True, help="Change records that are there already, instead of leaving them alone.")
@click.option("--dry-run", is_flag=True, help="Check everything and change nothing.")
@click.option("--map", "mapping", multiple=True, metavar="HEADING=TARGET", help="Say what a column is; all others are then left out.")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows that stay out to this CSV or XLSX file.")
@_AGENCY
@click.pass_obj
def import_(  # noqa: PLR0913, PLR0917  # one parameter for each option
    console: Console,
    ledger: str,
    file: Path,
    crs: str,
    update: bool,
    dry_run: bool,
    mapping: tuple[str, ...],
    errors: Path | None,
    agency: str | None,
) -> None:
    """Read records of LEDGER from FILE (CSV, XLSX or GeoJSON).

    Good rows go in; bad ones stay out and are told. Running the same file
    again changes nothing twice. Exits with 1 when a row stayed out.
    """
    import_compilers()
    mode = ImportMode.UPSERT if update else ImportMode.INSERT
    order = ImportOrder(ledger, file.name, crs, mode=mode, dry_run=dry_run, mapping=_mapping(mapping))
    settings = console.settings
    with console.work(agency) as (session, actor), file.open("rb") as stream:
        job_id = create_import(session, actor, order, stream, store_url=default_store(settings.var, settings.attachments_url)).id
    agency_id = actor.agency_id
    progress = console.terminal.progress(msg("ledgers.importing", file=file.name))

    def tell(done: int, share: float) -> None:
        progress(round(share * 1000), 1000, str(done))

    run_import(lambda: unit_of_work(console.database, agency_id), job_id, now=clock.now(), actor=actor, progress=tell)
    progress.close()
    with unit_of_work(console.database, agency_id) as session:
        job = session.get_one(ImportJob, (agency_id, job_id))
        if errors is not None:
            _write_errors(session, actor, job, errors, console.terminal.locale)
        _tell(console, job)
    if job.failed_count or job.state == ImportState.FAILED:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("ledger")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--filter", "rule", help="Only records for which this rule holds.")
@click.option("--grid", help="Only records in this grid or below it (code).")
@click.option("--retired", is_flag=True, help="Retired records too.")
@click.option("--personal", is_flag=True, help="Personal values too; needs --purpose.")
@click.option("--purpose", help="What the personal values are for; kept in the audit log.")
@_AGENCY
@click.pass_obj
def export(  # noqa: PLR0913, PLR0917  # one parameter for each option
    console: Console,
    ledger: str,
    file: Path,
    rule: str | None,
    grid: str | None,
    retired: bool,
    personal: bool,
    purpose: str | None,
    agency: str | None,
) -> None:
    """Write the records of LEDGER to FILE; its name says whether as CSV, XLSX or GeoJSON."""
    import_compilers()
    wanted = Wanted(filter=rule, grid=grid, retired=retired)
    order = ExportOrder(ledger, format_of(file.name), wanted, console.terminal.locale, personal=personal, purpose=purpose)
    with console.work(agency) as (session, actor):
        order_export(session, actor, order)
        with file.open("wb") as target:
            for piece in export_records(session, actor, order):
                target.write(piece)
    console.terminal.answer({"file": str(file), "bytes": file.stat().st_size}, msg("ledgers.exported", file=str(file)))


def _mapping(pairs: tuple[str, ...]) -> dict[str, str] | None:
    if not pairs:
        return None
    split = [pair.rpartition("=") for pair in pairs]
    if any(not heading or not target for heading, _, target in split):
        raise Invalid(msg("ledgers.mapping_pairs"), path="--map")
    return {heading: target for heading, _, target in split}


def _write_errors(session: Any, actor: Actor, job: ImportJob, file: Path, locale: str) -> None:
    file_format = FileFormat.XLSX if format_of(file.name) is FileFormat.XLSX else FileFormat.CSV
    around = surroundings(session, actor, job.ledger_key)
    with file.open("wb") as target:
        for piece in report_pieces(problems_of(session, job), job, around, locale=locale, file_format=file_format):
            target.write(piece)


def _tell(console: Console, job: ImportJob) -> None:
    shown = shown_import(job, console.terminal.locale)
    if job.state == ImportState.FAILED:
        console.terminal.answer(shown, msg("ledgers.import_failed", reason=shown["failure"]))
        return
    counts = {name: shown[name] for name in ("created", "updated", "unchanged", "failed", "outside")}
    console.terminal.answer(shown, msg("ledgers.import_tried" if job.dry_run else "ledgers.import_done", **counts))
