"""Asking after a closing: once for each closing of a case, and only whom there is a way to reach.

The facts' follower tells which cases were closed, so a closing costs its own
step nothing. The invitation is written in the follower's transaction, and the
link goes out by the outbox; its secret stands there sealed, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db import outbox
from core.facts.service.following import listen
from core.facts.types import Round
from core.feedback import links
from core.feedback.definition import After, Survey
from core.feedback.models import FeedbackInvitation
from core.feedback.service import surveys
from core.feedback.service.surveys import KnownSurvey
from core.lib.errors import Conflict
from core.lib.ids import uuid7
from core.lib.text import msg
from core.notices.sender import Outside
from core.settings import Settings
from core.workflow.models import Case, CaseEvent, CasePersonal

INVITE = "feedback.invite"


@dataclass(frozen=True, slots=True)
class Closing:
    """Which step closed a case, and when."""

    sequence: int
    at: datetime


@listen
def invite_closed(session: Session, seen: Round) -> None:
    """Invite whoever reported the cases that were closed in this round of following."""
    asking = [one for one in surveys.in_force(session) if one.survey.after is not None]
    states = {state for one in asking if one.survey.after for state in one.survey.after.states}
    # After a rebuild the whole past is told: of all that, only what can still be asked about is looked at.
    since = seen.now - timedelta(days=max((one.survey.after.valid_days for one in asking if one.survey.after), default=0))
    moved = {event.case_id for event in seen.events if event.to_state in states and event.from_state != event.to_state and event.at > since}
    if not moved:
        return
    cases = session.scalars(select(Case).where(Case.id.in_(moved), Case.category == "closed").order_by(Case.id)).all()
    for case in cases:
        for one in asking:
            if surveys.asks_about(one.survey, case):
                invite_for(session, case, one, last_closing(session, case), now=seen.now)


def invite(session: Session, actor: Actor, case: Case) -> FeedbackInvitation:
    """Give the invitation of a closed case's last closing, made now when nobody was asked yet.

    Raises Conflict when no survey asks about this case.
    """
    for one in surveys.in_force(session):
        if surveys.asks_about(one.survey, case):
            closing = last_closing(session, case)
            invite_for(session, case, one, closing, now=actor.now)
            found = find_of(session, one.survey.key, case, closing)
            if found is not None:
                return found
    raise Conflict(msg("feedback.nobody_asked", number=case.number))


def invite_for(session: Session, case: Case, known: KnownSurvey, closing: Closing, *, now: datetime) -> None:
    """Invite to one survey about one closing, unless that was done, is too long ago, or nobody can be reached."""
    after = known.survey.after
    assert after is not None
    if now >= closing.at + timedelta(days=after.valid_days) or not _is_reachable(session, after, case):
        return
    token = links.new_token()
    made = session.scalar(
        insert(FeedbackInvitation)
        .values(**occasion(case, known, closing, now=now), token_sha256=links.digest_of(token))
        .on_conflict_do_nothing()
        .returning(FeedbackInvitation.id)
    )
    if made is not None:
        sealed = Outside.of(Settings.from_env()).sealer.seal(token)
        outbox.add(session, INVITE, {"invitation_id": made, "token": sealed}, agency_id=case.agency_id, due_at=now)


def occasion(case: Case, known: KnownSurvey, closing: Closing, *, now: datetime) -> dict[str, Any]:
    """Give the columns of an invitation about one closing."""
    assert known.survey.after is not None
    return {
        "agency_id": case.agency_id,
        "uuid": uuid7(),
        "survey_key": known.survey.key,
        "definition_id": known.id,
        "case_id": case.id,
        "closing_sequence": closing.sequence,
        "grid_id": case.grid_id,
        "department_id": case.department_id,
        "created_at": now,
        "expires_at": closing.at + timedelta(days=known.survey.after.valid_days),
    }


def find_of(session: Session, survey_key: str, case: Case, closing: Closing) -> FeedbackInvitation | None:
    """Find the invitation of one closing."""
    return session.scalar(
        select(FeedbackInvitation).where(
            FeedbackInvitation.survey_key == survey_key,
            FeedbackInvitation.case_id == case.id,
            FeedbackInvitation.closing_sequence == closing.sequence,
        )
    )


def last_closing(session: Session, case: Case) -> Closing:
    """Give the step that led a closed case into the state it is in."""
    row = session.execute(
        select(CaseEvent.sequence, CaseEvent.at)
        .where(CaseEvent.case_id == case.id, CaseEvent.to_state == case.state, CaseEvent.from_state != case.state)
        .order_by(CaseEvent.sequence.desc())
        .limit(1)
    ).one()
    return Closing(row.sequence, row.at)


def number_to_tell(session: Session, after: After, case_id: int) -> str | None:
    """Read the telephone number that was left last with a case; None when none was, or when it has been erased."""
    if after.personal is None:
        return None
    found = session.scalar(
        select(CasePersonal.value).where(_holds(after.personal, case_id)).order_by(CasePersonal.sequence.desc()).limit(1)
    )
    return str(found) if found else None


def _is_reachable(session: Session, after: After, case: Case) -> bool:
    return number_to_tell(session, after, case.id) is not None or (after.to_reporter and case.reporter_id is not None)


def _holds(field: str, case_id: int) -> ColumnElement[bool]:
    return (CasePersonal.case_id == case_id) & (CasePersonal.field == field) & CasePersonal.value.is_not(None)


def renew_link(session: Session, actor: Actor, invitation: FeedbackInvitation, survey: Survey) -> str:
    """Give an unused invitation a fresh secret, which is told this once; the one before works no more.

    Raises Conflict when it was used or has run out.
    """
    token = links.new_token()
    fresh = session.scalar(
        update(FeedbackInvitation)
        .where(
            FeedbackInvitation.agency_id == actor.agency_id,
            FeedbackInvitation.id == invitation.id,
            FeedbackInvitation.used_at.is_(None),
            FeedbackInvitation.expires_at > actor.now,
        )
        .values(token_sha256=links.digest_of(token), sent_via="desk", sent_at=actor.now)
        .returning(FeedbackInvitation.id)
    )
    if fresh is None:
        raise Conflict(msg("feedback.invitation_over", survey=survey.title))
    return token


def texts_of(after: After, number: str, link: str) -> Mapping[str, str]:
    """Fill the survey's message in each language."""
    return {locale: text.format_map({"number": number, "link": link}) for locale, text in after.text.items()}
