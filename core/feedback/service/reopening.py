"""Opening a case again because whoever reported it says that it is not solved.

Run from the outbox, after the answer is safe: whatever forbids the step, the
answer stays and the reason stands beside it, where those who may take the step
themselves find it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.authz import Actor
from core.db import outbox
from core.definitions import store
from core.feedback.definition import ANSWER, AUTOMATIC, Reopen
from core.feedback.models import FeedbackAnswer, FeedbackInvitation, FeedbackReopening
from core.feedback.service import inviting, surveys
from core.forms.compile import CompiledForm
from core.lib.errors import WanggeError
from core.lib.text import DEFAULT_LOCALE, LOCALES, Message, msg, say
from core.notices import service as notices
from core.workflow.definition import Workflow
from core.workflow.models import Case, CaseEvent
from core.workflow.service import known, moving, reading
from core.workflow.service.recipients import holders
from core.workflow.service.timers import system_actor

TOPIC = "feedback_reopening"


def reopen_for(session: Session, delivery: outbox.Delivery) -> None:
    """Do what an answer calls for: open its case again, or leave that to people and tell them."""
    answer = session.scalars(select(FeedbackAnswer).where(FeedbackAnswer.id == delivery.payload["answer_id"])).one()
    invitation = session.scalars(select(FeedbackInvitation).where(FeedbackInvitation.id == answer.invitation_id)).one()
    survey = surveys.find_version(session, invitation.definition_id)
    done = session.scalar(select(FeedbackReopening.id).where(FeedbackReopening.answer_id == answer.id))
    if done is not None or survey is None or survey.reopen is None:
        return
    number = session.scalars(select(Case.number).where(Case.id == answer.case_id)).one()
    actor = system_actor(session, delivery.agency_id, delivery.now)
    case = reading.lock_visible(session, actor, number)
    rule = survey.reopen
    barred = _barred(session, rule, case, invitation, now=delivery.now)
    sequence: int | None = None
    if barred is None and rule.decides == AUTOMATIC:
        barred, sequence = _take(session, actor, case, rule, answer)
    state = "taken" if sequence is not None else "refused" if barred is not None else "waiting"
    session.execute(
        insert(FeedbackReopening).values(
            agency_id=delivery.agency_id,
            answer_id=answer.id,
            case_id=case.id,
            state=state,
            reason=None if barred is None else {locale: barred.text(locale) for locale in LOCALES},
            sequence=sequence,
            at=delivery.now,
        )
    )
    if state != "taken" and case.category == "closed":
        _tell(session, delivery, case, rule, waiting=state == "waiting")


def _barred(session: Session, rule: Reopen, case: Any, invitation: FeedbackInvitation, *, now: datetime) -> Message | None:
    """Say why the case is not opened by this answer, if there is a reason."""
    if case.category != "closed":
        return msg("feedback.case_is_open")
    closing = inviting.last_closing(session, case)
    if closing.sequence != invitation.closing_sequence:
        return msg("feedback.closed_again_since")
    if now >= closing.at + timedelta(days=rule.within_days):
        return msg("feedback.closed_too_long_ago", days=rule.within_days)
    before = session.scalar(select(func.count()).where(CaseEvent.case_id == case.id, CaseEvent.verb == rule.verb)) or 0
    if before >= rule.at_most:
        return msg("feedback.reopened_before", times=before)
    return None


def _take(session: Session, actor: Actor, case: Any, rule: Reopen, answer: FeedbackAnswer) -> tuple[Message | None, int | None]:
    """Take the step as the system; give why it was refused, or the number of the step."""
    words = {field: _filled(session, title[DEFAULT_LOCALE], answer) for field, title in rule.form.items()}
    try:
        with session.begin_nested():
            moving.take_step(session, actor, case, rule.verb, words)
    except WanggeError as error:
        return error.message, None
    return None, case.chain_length + 1


def _filled(session: Session, text: str, answer: FeedbackAnswer) -> str:
    """Put what was answered into a text of the reopening's form, by the names of the options."""
    form: CompiledForm = store.compiled(store.version(session, answer.form_id))
    spoken = {}
    for _, one in form.definition.walk():
        options = {option["value"]: say(option["label"], DEFAULT_LOCALE) for option in one.settings.get("options", ())}
        value = answer.data.get(one.id)
        spoken[one.id] = "、".join(
            options.get(part, str(part)) for part in (value if isinstance(value, list) else [value]) if part is not None
        )
    for name, value in spoken.items():
        text = text.replace(f"{{{ANSWER}.{name}}}", value)
    return text


def _tell(session: Session, delivery: outbox.Delivery, case: Any, rule: Reopen, *, waiting: bool) -> None:
    """Tell those who decide, or who could take the step themselves."""
    workflow = known.workflow(session, case.definition_id)
    place = {"grid_id": case.grid_id, "department_id": case.department_id, "now": delivery.now}
    people = {user for right in _rights(workflow, rule, case.state) for user in holders(session, right, **place)}
    message = msg("feedback.to_be_reopened" if waiting else "feedback.not_reopened", number=case.number)
    notices.tell(
        session,
        agency_id=delivery.agency_id,
        users=people,
        topic=TOPIC,
        subject=f"case:{case.number}",
        title={locale: message.text(locale) for locale in LOCALES},
        source=f"outbox:{delivery.id}",
        now=delivery.now,
    )


def _rights(workflow: Workflow, rule: Reopen, state: str) -> set[str]:
    party = workflow.parties.get(rule.decides)
    if party is not None and party.right is not None:
        return {party.right}
    return {way.right for way in workflow.ways.get((rule.verb, state), ()) if way.right}
