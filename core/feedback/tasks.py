"""What the worker runs for residents' answers: sending links, and opening cases again."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core.db import outbox
from core.feedback.service import answering, inviting, reopening, sending


@outbox.handler(inviting.INVITE)
def send_invitation(session: Session, delivery: outbox.Delivery) -> None:
    """Send one invitation's link."""
    sending.send_invitation(session, delivery)


@outbox.handler(answering.REOPEN)
def reopen_case(session: Session, delivery: outbox.Delivery) -> None:
    """Do what a bad answer calls for."""
    reopening.reopen_for(session, delivery)
