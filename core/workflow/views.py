"""Cases over HTTP."""

from __future__ import annotations

from typing import Any

from core.http.paging import PageQuery
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.workflow import schemas
from core.workflow.service import casepage, hints, listing, migration, moving, personal, placing, presentation, reading, reporting, tasklist

routes = Routes("cases")


@routes.post("/cases", body=schemas.ReportSchema, answers={201: schemas.NewCaseSchema}, errors=(404, 409), idempotent=True)
def report_case(work: Work, body: dict[str, Any]) -> Answer:
    """Report a matter: a case is born."""
    born = reporting.report_case(work.session, work.actor, workflow=body["workflow"], data=body["data"])
    location = {"Location": f"/api/v1/cases/{born.number}"}
    return Answer({"number": born.number, "state": born.state, "version": born.version}, 201, location, etag=born.version)


@routes.get("/cases", query=schemas.CaseListQuery, answers={200: schemas.CasePageSchema})
def list_cases(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the cases in your scope, newest first."""
    given = {"text": query.pop("q", None), **query}
    rows, after = listing.list_cases(work.session, work.actor, listing.CaseQuery(**given))
    words = presentation.Words(work.session, work.locale)
    return {"items": [presentation.summary(row, words, work.actor) for row in rows], "next": after}


@routes.get("/me/tasks", query=PageQuery, answers={200: schemas.TaskPageSchema})
def my_tasks(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the cases that wait for a step of mine, most urgent first."""
    rows, after = tasklist.list_tasks(work.session, work.actor, **query)
    words = presentation.Words(work.session, work.locale)
    return {
        "items": [presentation.summary(row, words, work.actor) for row in rows],
        "next": after,
        "counts": tasklist.counts(work.session, work.actor),
    }


@routes.get("/cases/hints", query=schemas.HintQuery, answers={200: schemas.HintListSchema})
def case_hints(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List cases near a place that may be the same matter."""
    words = presentation.Words(work.session, work.locale)
    class_code = query.pop("class_code", None)
    rows = hints.nearby(work.session, work.actor, class_code=class_code, **query)
    return {"items": [presentation.hint(row, words) for row in rows]}


@routes.get("/cases/<number>", answers={200: schemas.CaseSchema})
def show_case(work: Work, number: str) -> Answer:
    """Show one case with its history, photos and sub-cases."""
    case = reading.get_visible(work.session, work.actor, number)
    return Answer(casepage.page(work.session, work.actor, case), etag=case.version)


@routes.get("/cases/<number>/transitions", answers={200: schemas.OfferListSchema})
def list_transitions(work: Work, number: str) -> Answer:
    """List the steps that you have a right to from here."""
    case = reading.get_visible(work.session, work.actor, number)
    words = presentation.Words(work.session, work.locale)
    found = moving.offers(work.session, work.actor, case)
    workflow = words.workflow(case.definition_id)
    return Answer({"items": [presentation.offer(one, workflow, words) for one in found]}, etag=case.version)


@routes.post(
    "/cases/<number>/transitions",
    body=schemas.TransitionBodySchema,
    answers={200: schemas.MovedSchema},
    errors=(404, 409),
    idempotent=True,
    if_match=True,
)
def move_case(work: Work, number: str, body: dict[str, Any], version: int) -> Answer:
    """Take a step of a case."""
    outcome = moving.move_case(work.session, work.actor, number, transition=body["transition"], data=body["data"], version=version)
    case = outcome.case
    answer = {"number": number, "state": case.state, "category": outcome.category, "version": case.version, "due_at": case.due_at}
    return Answer(answer, etag=case.version)


@routes.put("/cases/<number>/grid", body=schemas.GridAssignmentSchema, answers={200: schemas.MovedSchema}, errors=(404, 409), if_match=True)
def assign_grid(work: Work, number: str, body: dict[str, Any], version: int) -> Answer:
    """Give a grid to a case that lies outside every grid."""
    case = placing.assign_grid(work.session, work.actor, number, grid=body["grid"], version=version)
    answer = {"number": number, "state": case.state, "category": case.category, "version": case.version, "due_at": case.due_at}
    return Answer(answer, etag=case.version)


@routes.delete("/cases/<number>/personal", answers={200: schemas.ErasedSchema}, errors=(404,))
def erase_personal(work: Work, number: str) -> dict[str, Any]:
    """Erase the personal values of a case; its history still proves itself."""
    return {"erased": personal.erase_case(work.session, work.actor, number)}


@routes.post("/workflows/<key>/migrations", body=schemas.MigrationBodySchema, answers={200: schemas.MigrationSchema}, errors=(404, 409))
def migrate_cases(work: Work, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Move open cases to the present version of their workflow; by default only say what would become of each."""
    found = migration.migrate(work.session, work.actor, key, states=body["states"], dry_run=body["dry_run"])
    return {
        "workflow": found.workflow,
        "to_version": found.to_version,
        "dry_run": found.dry_run,
        "stuck": sum(1 for fate in found.fates if fate.reason_if_stuck),
        "items": [presentation.fate(fate, work.locale) for fate in found.fates],
    }
