"""Sending the link: to the inbox of whoever has an account, or as a text to the number that was left with the case."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.db import outbox
from core.feedback import links
from core.feedback.definition import After
from core.feedback.models import FeedbackInvitation
from core.feedback.service import inviting, surveys
from core.lib.text import DEFAULT_LOCALE, say
from core.notices import service as notices
from core.notices.outside import tell_outside
from core.notices.sender import Outside
from core.settings import Settings
from core.workflow.models import Case
from core.workflow.service.timers import system_actor

TOPIC = "feedback"


def send_invitation(session: Session, delivery: outbox.Delivery) -> None:
    """Send one invitation's link; without any way out it stays on the desk's list of people to be called.

    What was answered, has run out or has got another link meanwhile is not sent.
    """
    settings = Settings.from_env()
    outside = Outside.of(settings)
    token = outside.sealer.unseal(delivery.payload["token"])
    invitation = session.scalar(
        select(FeedbackInvitation).where(
            FeedbackInvitation.id == delivery.payload["invitation_id"],
            FeedbackInvitation.token_sha256 == links.digest_of(token),
            FeedbackInvitation.used_at.is_(None),
            FeedbackInvitation.expires_at > delivery.now,
        )
    )
    survey = surveys.find_version(session, invitation.definition_id) if invitation else None
    if invitation is None or survey is None or survey.after is None:
        return
    case = session.scalars(select(Case).where(Case.id == invitation.case_id)).one()
    link = links.link_of(settings.public_url, system_actor(session, delivery.agency_id, delivery.now).agency_key, token)
    sent = _by_number(session, outside, survey.after, case, link) or _by_inbox(session, delivery, survey.after, case, link)
    if sent is not None:
        session.execute(
            update(FeedbackInvitation)
            .where(FeedbackInvitation.agency_id == delivery.agency_id, FeedbackInvitation.id == invitation.id)
            .values(sent_via=sent, sent_at=delivery.now)
        )


def _by_number(session: Session, outside: Outside, after: After, case: Case, link: str) -> str | None:
    number = inviting.number_to_tell(session, after, case.id)
    if number is None:
        return None
    # Nobody knows which language a number speaks; the country's it is.
    text = say(inviting.texts_of(after, case.number, link), DEFAULT_LOCALE)
    return "channel" if tell_outside(session, outside, number=number, title=case.number, text=text) else None


def _by_inbox(session: Session, delivery: outbox.Delivery, after: After, case: Case, link: str) -> str | None:
    if not after.to_reporter or case.reporter_id is None:
        return None
    notices.tell(
        session,
        agency_id=delivery.agency_id,
        users=[case.reporter_id],
        topic=TOPIC,
        subject=f"case:{case.number}",
        title=inviting.texts_of(after, case.number, link),
        source=f"outbox:{delivery.id}",
        now=delivery.now,
    )
    return "inbox"
