"""Answering once: through a link without any account, or at the telephone by way of the desk.

Whoever holds the link learns a case's number and class and nothing else; every
link that does not work is told alike. The answer, the end of the link and what
follows from the answer are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.service import reach
from core.audit import service as audit
from core.authz import Actor, require
from core.db import outbox
from core.definitions.visibility import visible_current
from core.feedback import links
from core.feedback.definition import Survey
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackWords, SurveyRound
from core.feedback.permissions import FeedbackRight
from core.feedback.service import inviting, surveys
from core.feedback.service.surveys import KnownSurvey
from core.forms import service as forms
from core.grid import service as grids
from core.holidays import service as holidays
from core.lib.errors import Conflict, Gone, Invalid, NotFound
from core.lib.text import Title, msg
from core.workflow.models import Case
from core.workflow.service import known, reading

REOPEN = "feedback.reopen"


@dataclass(frozen=True)
class Opened:
    """What stands behind a link that works."""

    invitation: FeedbackInvitation
    survey: Survey
    case_number: str | None
    case_class: Title | None
    form_id: int
    form_version: int
    form_plan: Mapping[str, Any]


def open_link(session: Session, actor: Actor, token: str) -> Opened:
    """Show what is asked behind a link; raise Gone for every link that does not work."""
    invitation = session.scalar(select(FeedbackInvitation).where(_works(actor, token)))
    survey = None if invitation is None else _open_survey(session, actor, invitation)
    if invitation is None or survey is None:
        raise _dead_link()
    case = _case_of(session, invitation)
    form = visible_current(session, "form", survey.form)
    _, compiled = forms.current(session, survey.form)
    return Opened(
        invitation,
        survey,
        None if case is None else case.number,
        None if case is None else _class_of(session, case),
        form.id,
        form.version,
        compiled.render_plan(),
    )


def answer(session: Session, actor: Actor, token: str, data: Mapping[str, Any]) -> FeedbackAnswer:
    """Take the answer of whoever holds the link, and end the link with it.

    Raises Gone for every link that does not work, Invalid for wrong values; the
    link then still works.
    """
    # Whoever comes second waits here for the first, and then finds the link used.
    invitation = session.scalar(_use(actor, _works(actor, token)))
    survey = None if invitation is None else _open_survey(session, actor, invitation)
    if invitation is None or survey is None:
        raise _dead_link()
    return _keep(session, actor, invitation, survey, data)


def take_answer(session: Session, actor: Actor, number: str, survey_key: str | None, data: Mapping[str, Any]) -> FeedbackAnswer:
    """Write down what somebody says of a closed case at the telephone; who wrote it is kept.

    Raises NotFound outside the scope, Forbidden without the right, Conflict
    when nothing is asked about the case, the time is over or an answer is
    there, Invalid for wrong values.
    """
    case = reading.get_visible(session, actor, number)
    place = {"grid_path": grids.path_of(session, case.grid_id), "department_path": reach.department_path(session, case.department_id)}
    require(actor, FeedbackRight.ANSWER_TAKE, **place)
    asking = _asking(session, case, survey_key)
    closing = inviting.last_closing(session, case)
    values = inviting.occasion(case, asking, closing, now=actor.now)
    session.execute(insert(FeedbackInvitation).values(values).on_conflict_do_nothing())
    of_closing = (
        (FeedbackInvitation.survey_key == asking.survey.key)
        & (FeedbackInvitation.case_id == case.id)
        & (FeedbackInvitation.closing_sequence == closing.sequence)
    )
    reached = {
        "sent_via": func.coalesce(FeedbackInvitation.sent_via, "desk"),
        "sent_at": func.coalesce(FeedbackInvitation.sent_at, actor.now),
    }
    invitation = session.scalar(_use(actor, of_closing, reached))
    if invitation is None:
        raise Conflict(msg("feedback.invitation_over", survey=asking.survey.title))
    kept = _keep(session, actor, invitation, asking.survey, data, taken_by_id=actor.user_id)
    audit.record(session, actor, "feedback:answer:taken", subject=f"case:{number}", new={"survey": asking.survey.key})
    return kept


def _asking(session: Session, case: Case, survey_key: str | None) -> KnownSurvey:
    fit = [one for one in surveys.in_force(session) if surveys.asks_about(one.survey, case) and survey_key in (None, one.survey.key)]
    if not fit:
        raise Conflict(msg("feedback.nobody_asked", number=case.number))
    if len(fit) > 1:
        keys = ", ".join(one.survey.key for one in fit)
        raise Invalid(msg("feedback.several_surveys", known=keys), path="survey")
    return fit[0]


def _works(actor: Actor, token: str) -> ColumnElement[bool]:
    digest = links.digest_of(token)
    if digest is None:
        raise _dead_link()
    return (FeedbackInvitation.token_sha256 == digest) & _is_open(actor)


def _is_open(actor: Actor) -> ColumnElement[bool]:
    # Said here too beside row-level security: a link of one agency means nothing at another.
    mine = FeedbackInvitation.agency_id == actor.agency_id
    return mine & FeedbackInvitation.used_at.is_(None) & (FeedbackInvitation.expires_at > actor.now)


def _use(actor: Actor, which: ColumnElement[bool], also: Mapping[str, Any] = MappingProxyType({})) -> Any:
    values = {"used_at": actor.now, **also}
    statement = update(FeedbackInvitation).where(which, _is_open(actor)).values(values).returning(FeedbackInvitation)
    return statement.execution_options(synchronize_session=False, populate_existing=True)


def _open_survey(session: Session, actor: Actor, invitation: FeedbackInvitation) -> Survey | None:
    """Give the survey behind an invitation; None while its plugin is off, or before its round has begun."""
    if invitation.round_id is not None:
        opens_on = session.scalar(select(SurveyRound.opens_on).where(SurveyRound.id == invitation.round_id))
        today = holidays.calendar_for(session, actor.agency_id).local_day(actor.now)
        if opens_on is None or today < opens_on:
            return None
    return surveys.find_version(session, invitation.definition_id)


def _case_of(session: Session, invitation: FeedbackInvitation) -> Case | None:
    return None if invitation.case_id is None else session.scalars(select(Case).where(Case.id == invitation.case_id)).one()


def _class_of(session: Session, case: Case) -> Title | None:
    item = known.catalogue_items(session, known.plugin_of(case.workflow)).get(case.class_code or "")
    return item.title if item else None


def _keep(
    session: Session,
    actor: Actor,
    invitation: FeedbackInvitation,
    survey: Survey,
    data: Mapping[str, Any],
    *,
    taken_by_id: int | None = None,
) -> FeedbackAnswer:
    try:
        checked = forms.check(session, actor, survey.form, data)
    except NotFound:
        raise _dead_link() from None  # the form went with its plugin
    kept = FeedbackAnswer(
        agency_id=actor.agency_id,
        invitation_id=invitation.id,
        survey_key=survey.key,
        case_id=invitation.case_id,
        grid_id=invitation.grid_id,
        department_id=invitation.department_id,
        form_id=checked.form_version_id,
        answered_at=actor.now,
        points=_points(survey, checked.data),
        data=checked.data,
        taken_by_id=taken_by_id,
    )
    session.add(kept)
    session.flush()
    words = [
        {"agency_id": actor.agency_id, "answer_id": kept.id, "field": field, "value": value} for field, value in checked.personal.items()
    ]
    if words:
        session.execute(insert(FeedbackWords).values(words))
    case = _case_of(session, invitation)
    if case is not None and surveys.calls_to_reopen(survey, case, checked.data):
        outbox.add(session, REOPEN, {"answer_id": kept.id}, agency_id=actor.agency_id, due_at=actor.now)
    return kept


def _points(survey: Survey, data: Mapping[str, Any]) -> Decimal:
    option = data[survey.points.field]
    points = survey.points.options.get(option)
    if points is None:
        # The form has got an option since, of which the version that this person was asked with knows nothing.
        raise Invalid(msg("feedback.option_without_points", option=option), path=survey.points.field)
    return points


def _dead_link() -> Gone:
    return Gone(msg("feedback.dead_link"))
