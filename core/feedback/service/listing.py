"""Who was asked about which case and what they answered, and the cases that an answer would open again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere, scope
from core.definitions import store
from core.feedback.definition import Survey
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackReopening, FeedbackWords
from core.feedback.permissions import FeedbackRight
from core.feedback.service import inviting
from core.lib.errors import NotFound
from core.lib.text import msg
from core.workflow.models import Case
from core.workflow.service import reading

_Row = Row[FeedbackInvitation, FeedbackAnswer, FeedbackReopening, str, str]


@dataclass(frozen=True)
class Asked:
    """One invitation with its case, its survey and what became of it."""

    invitation: FeedbackInvitation
    survey: Survey
    number: str
    case_title: str
    answer: FeedbackAnswer | None = None
    reopening: FeedbackReopening | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    taken_by: str | None = None

    def state(self, now: datetime) -> str:
        """Say whether it was answered, waits, or has run out."""
        if self.invitation.used_at is not None:
            return "answered"
        return "waiting" if self.invitation.expires_at > now else "expired"


@dataclass(frozen=True)
class Wanted:
    """What narrows the list of invitations."""

    survey: str | None = None
    state: str | None = None
    unsent: bool = False


def list_invitations(session: Session, actor: Actor, wanted: Wanted, *, before: int | None, limit: int) -> list[Asked]:
    """List the invitations about cases in the actor's scope, newest first; raise Forbidden without the right."""
    require_anywhere(actor, FeedbackRight.INVITATION_READ)
    query = _invitations(actor).order_by(FeedbackInvitation.id.desc()).limit(limit)
    if before is not None:
        query = query.where(FeedbackInvitation.id < before)
    if wanted.survey is not None:
        query = query.where(FeedbackInvitation.survey_key == wanted.survey)
    if wanted.state is not None:
        query = query.where(_in_state(wanted.state, actor.now))
    if wanted.unsent:
        query = query.where(FeedbackInvitation.sent_at.is_(None))
    return _asked(session, session.execute(query).all())


def of_case(session: Session, actor: Actor, number: str) -> list[Asked]:
    """List the invitations about one case, newest first; raise NotFound outside the scope, Forbidden without the right."""
    case = reading.get_visible(session, actor, number)
    require_anywhere(actor, FeedbackRight.INVITATION_READ)
    query = _invitations(actor).where(FeedbackInvitation.case_id == case.id).order_by(FeedbackInvitation.id.desc())
    return _asked(session, session.execute(query).all())


def fresh_link(session: Session, actor: Actor, uuid: UUID) -> tuple[str, datetime]:
    """Make a new link to be read out to somebody; give its secret and until when it works. The look is audited."""
    require_anywhere(actor, FeedbackRight.ANSWER_TAKE)
    row = session.execute(_invitations(actor, FeedbackRight.ANSWER_TAKE).where(FeedbackInvitation.uuid == uuid)).one_or_none()
    if row is None:
        raise NotFound(msg("feedback.unknown_invitation"))
    (asked,) = _asked(session, [row])
    token = inviting.renew_link(session, actor, asked.invitation, asked.survey)
    audit.record(session, actor, "feedback:link:renewed", subject=f"case:{asked.number}", new={"survey": asked.survey.key})
    return token, asked.invitation.expires_at


def list_reopenings(
    session: Session, actor: Actor, *, before: int | None, limit: int
) -> Sequence[Row[FeedbackReopening, FeedbackAnswer, str, str]]:
    """List what waits for a person or was refused, of cases that are still closed: (reopening, answer, number, title), newest first."""
    require_anywhere(actor, FeedbackRight.INVITATION_READ)
    query = (
        select(FeedbackReopening, FeedbackAnswer, Case.number, Case.title)
        .join(
            FeedbackAnswer, (FeedbackAnswer.agency_id == FeedbackReopening.agency_id) & (FeedbackAnswer.id == FeedbackReopening.answer_id)
        )
        .join(Case, (Case.agency_id == FeedbackReopening.agency_id) & (Case.id == FeedbackReopening.case_id))
        .where(FeedbackReopening.state != "taken", Case.category == "closed", _in_scope(actor, FeedbackRight.INVITATION_READ))
        .order_by(FeedbackReopening.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(FeedbackReopening.id < before)
    return session.execute(query).all()


def _in_scope(actor: Actor, right: str) -> ColumnElement[bool]:
    """Limit to cases that the actor may see, and over which he has the right."""
    return scope(actor, right).filter(Case.grid_id, Case.department_id) & reading.visible(actor)


def _invitations(
    actor: Actor, right: str = FeedbackRight.INVITATION_READ
) -> Select[FeedbackInvitation, FeedbackAnswer, FeedbackReopening, str, str]:
    return (
        select(FeedbackInvitation, FeedbackAnswer, FeedbackReopening, Case.number, Case.title)
        .join(Case, (Case.agency_id == FeedbackInvitation.agency_id) & (Case.id == FeedbackInvitation.case_id))
        .outerjoin(
            FeedbackAnswer,
            (FeedbackAnswer.agency_id == FeedbackInvitation.agency_id) & (FeedbackAnswer.invitation_id == FeedbackInvitation.id),
        )
        .outerjoin(
            FeedbackReopening,
            (FeedbackReopening.agency_id == FeedbackAnswer.agency_id) & (FeedbackReopening.answer_id == FeedbackAnswer.id),
        )
        .where(_in_scope(actor, right))
    )


def _in_state(state: str, now: datetime) -> ColumnElement[bool]:
    if state == "answered":
        return FeedbackInvitation.used_at.is_not(None)
    over = FeedbackInvitation.expires_at <= now
    return FeedbackInvitation.used_at.is_(None) & (over if state == "expired" else ~over)


def _asked(session: Session, rows: Sequence[_Row]) -> list[Asked]:
    answers = [row.FeedbackAnswer for row in rows if row.FeedbackAnswer is not None]
    words = _words(session, [answer.id for answer in answers])
    names = reading.names_of(session, {answer.taken_by_id for answer in answers if answer.taken_by_id is not None})
    return [
        Asked(
            row.FeedbackInvitation,
            store.compiled(store.version(session, row.FeedbackInvitation.definition_id)),
            row.number,
            row.title,
            row.FeedbackAnswer,
            row.FeedbackReopening,
            words.get(row.FeedbackAnswer.id, {}) if row.FeedbackAnswer else {},
            names.get(str(row.FeedbackAnswer.taken_by_id)) if row.FeedbackAnswer else None,
        )
        for row in rows
    ]


def _words(session: Session, answer_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for one in session.scalars(select(FeedbackWords).where(FeedbackWords.answer_id.in_(answer_ids)).order_by(FeedbackWords.id)):
        found.setdefault(one.answer_id, {})[one.field] = one.value
    return found
