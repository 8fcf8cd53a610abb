"""Bringing in what was answered before: a predecessor's answers and rounds, or a demo's. Nobody is told, and no case moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require
from core.feedback.definition import Survey
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackReopening, FeedbackWords
from core.feedback.permissions import FeedbackRight
from core.feedback.service import sampling, surveys
from core.feedback.service.sampling import Wished
from core.forms import service as forms
from core.forms.service import Submission
from core.grid.models import Grid
from core.grid.service import scheme_of
from core.holidays import service as holidays
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.ids import uuid7
from core.lib.text import msg
from core.workflow.models import Case


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """Who was asked after which closing, and what was answered, if anything was."""

    number: str
    closing_sequence: int
    closed_at: datetime
    answered_at: datetime | None = None
    data: Mapping[str, Any] | None = None
    reopened_sequence: int | None = None
    """The step of the case that this answer brought about."""


@dataclass(frozen=True, slots=True)
class PastRoundAnswer:
    """One answer of a round: from which grid, when, and what."""

    grid_code: str
    answered_at: datetime
    data: Mapping[str, Any]


def import_answers(session: Session, actor: Actor, survey_key: str, answers: Sequence[PastAnswer]) -> int:
    """Import answers about closed cases; give how many were answered.

    What is there already is left alone. Raises Forbidden without the right,
    NotFound for an unknown survey or case, Invalid for wrong values.
    """
    require(actor, FeedbackRight.ROUND_MANAGE)
    known = surveys.current(session, survey_key)
    if known.survey.after is None:
        raise Invalid(msg("feedback.not_after_closing", survey=known.survey.title))
    cases = {row.number: row for row in _cases(session, [one.number for one in answers])}
    before = select(FeedbackInvitation.case_id, FeedbackInvitation.closing_sequence).where(FeedbackInvitation.survey_key == survey_key)
    asked_before = {(row.case_id, row.closing_sequence) for row in session.execute(before)}
    fresh = []
    for one in answers:
        if one.number not in cases:
            raise NotFound(msg("workflow.no_case", number=one.number))
        if (cases[one.number].id, one.closing_sequence) not in asked_before:
            fresh.append(one)
    occasions = [
        {
            "case_id": cases[one.number].id,
            "closing_sequence": one.closing_sequence,
            "grid_id": cases[one.number].grid_id,
            "department_id": cases[one.number].department_id,
            "created_at": one.closed_at,
            "expires_at": one.closed_at + timedelta(days=known.survey.after.valid_days),
        }
        for one in fresh
    ]
    given = [None if one.data is None or one.answered_at is None else (one.answered_at, one.data) for one in fresh]
    answer_ids = _store(session, actor, known, occasions, given)
    reopened = [
        {
            "agency_id": actor.agency_id,
            "answer_id": answer_id,
            "case_id": cases[one.number].id,
            "state": "taken",
            "sequence": one.reopened_sequence,
            "at": one.answered_at,
        }
        for one, answer_id in zip(fresh, answer_ids, strict=True)
        if answer_id is not None and one.reopened_sequence is not None
    ]
    if reopened:
        session.execute(insert(FeedbackReopening), reopened)
    audit.record(session, actor, "feedback:answers:imported", subject=f"survey:{survey_key}", new={"invitations": len(fresh)})
    return sum(one is not None for one in answer_ids)


def import_round(session: Session, actor: Actor, survey_key: str, wished: Wished, answers: Sequence[PastRoundAnswer]) -> int:
    """Import a round that is over, drawn as its seed says, with its answers; give how many there are.

    Raises Conflict when a round begins on that day already or a grid has more
    answers than people were asked, NotFound for a grid that was not asked.
    """
    require(actor, FeedbackRight.ROUND_MANAGE)
    known = surveys.current(session, survey_key)
    sample = known.survey.sample
    if sample is None:
        raise Invalid(msg("feedback.no_rounds", survey=known.survey.title))
    zone = holidays.calendar_for(session, actor.agency_id).zone
    made = sampling.store_round(session, actor, known, wished, at=datetime.combine(wished.opens_on, time(), zone))
    waiting: dict[int, list[sampling.Drawn]] = {}
    for one in sampling.draw(session, actor, sample, made.seed, wanted=made.wanted):
        waiting.setdefault(one.grid_id, []).append(one)
    grids = _grid_ids(session, actor, {one.grid_code for one in answers})
    given: list[tuple[sampling.Drawn, tuple[datetime, Mapping[str, Any]] | None]] = []
    for answer in answers:
        if grids.get(answer.grid_code) not in waiting:
            raise NotFound(msg("grid.no_grid", code=answer.grid_code))
        left = waiting[grids[answer.grid_code]]
        if not left:
            raise Conflict(msg("feedback.more_answers_than_asked", grid=answer.grid_code))
        given.append((left.pop(), (answer.answered_at, answer.data)))
    given += [(one, None) for left in waiting.values() for one in left]
    ends = datetime.combine(wished.closes_on + timedelta(days=1), time(), zone)
    common = {"round_id": made.id, "created_at": made.created_at, "expires_at": ends}
    occasions = [{**common, "grid_id": one.grid_id, "record_id": one.record_id} for one, _ in given]
    stored = _store(session, actor, known, occasions, [answer for _, answer in given])
    return sum(one is not None for one in stored)


def _cases(session: Session, numbers: Iterable[str]) -> Sequence[Any]:
    return session.execute(select(Case.id, Case.number, Case.grid_id, Case.department_id).where(Case.number.in_(set(numbers)))).all()


def _grid_ids(session: Session, actor: Actor, codes: Iterable[str]) -> dict[str, int]:
    scheme = scheme_of(session, actor)
    found = session.execute(select(Grid.code, Grid.id).where(Grid.scheme_id == scheme.id, Grid.code.in_(set(codes))))
    return {row.code: row.id for row in found}


def _store(
    session: Session,
    actor: Actor,
    known: surveys.KnownSurvey,
    occasions: Sequence[Mapping[str, Any]],
    given: Sequence[tuple[datetime, Mapping[str, Any]] | None],
) -> list[int | None]:
    """Store invitations and the answers to them; give the id of each answer, or None, in their order."""
    rows = [
        {
            "agency_id": actor.agency_id,
            "uuid": uuid7(),
            "survey_key": known.survey.key,
            "definition_id": known.id,
            "used_at": answer[0] if answer else None,
            **occasion,
        }
        for occasion, answer in zip(occasions, given, strict=True)
    ]
    if not rows:
        return []
    session.execute(insert(FeedbackInvitation), rows)
    wanted = select(FeedbackInvitation.uuid, FeedbackInvitation.id).where(FeedbackInvitation.uuid.in_([row["uuid"] for row in rows]))
    ids = {row.uuid: row.id for row in session.execute(wanted)}
    answered = [(row, answer) for row, answer in zip(rows, given, strict=True) if answer is not None]
    checked = [forms.check(session, actor, known.survey.form, answer[1]) for _, answer in answered]
    if answered:
        session.execute(
            insert(FeedbackAnswer),
            [_answer(row, ids[row["uuid"]], known.survey, answer[0], one) for (row, answer), one in zip(answered, checked, strict=True)],
        )
    of = select(FeedbackAnswer.invitation_id, FeedbackAnswer.id).where(FeedbackAnswer.invitation_id.in_(ids.values()))
    answer_ids = {row.invitation_id: row.id for row in session.execute(of)}
    words = [
        {"agency_id": actor.agency_id, "answer_id": answer_ids[ids[row["uuid"]]], "field": field, "value": value}
        for (row, _), one in zip(answered, checked, strict=True)
        for field, value in one.personal.items()
    ]
    if words:
        session.execute(insert(FeedbackWords), words)
    return [answer_ids.get(ids[row["uuid"]]) for row in rows]


def _answer(row: Mapping[str, Any], invitation_id: int, survey: Survey, at: datetime, checked: Submission) -> dict[str, Any]:
    return {
        "agency_id": row["agency_id"],
        "invitation_id": invitation_id,
        "survey_key": survey.key,
        "case_id": row.get("case_id"),
        "grid_id": row.get("grid_id"),
        "department_id": row.get("department_id"),
        "form_id": checked.form_version_id,
        "answered_at": at,
        "points": survey.points.options[checked.data[survey.points.field]],
        "data": checked.data,
    }
