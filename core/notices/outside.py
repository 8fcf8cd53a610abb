"""Telling somebody who has no account: a text to a telephone number, through the agency's own gateway.

A channel whose URL holds ``{phone}`` is such a gateway. The number is put in
only while the text is on its way, and stands nowhere else.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.notices.models import NoticeChannel
from core.notices.sender import Outside, SendingFailed, send

_PLACE = "{phone}"
_NOT_DIALLED = re.compile(r"[^0-9+]")
_NUMBER = re.compile(r"\+?[0-9]{5,20}")


def has_place_for_number(url: str) -> bool:
    """Tell whether a channel's URL has a place for a telephone number."""
    return _PLACE in url


def with_number(url: str, number: str) -> str:
    """Put a number into a channel's URL."""
    return url.replace(_PLACE, number)


def tell_outside(session: Session, outside: Outside, *, number: str, title: str, text: str) -> bool:
    """Send ``text`` to a telephone number; False when the agency has no gateway, or the number is none.

    Raises SendingFailed when the gateway does not take it. Whoever calls runs
    after the commit that decided to tell, as a handler of the outbox does.
    """
    dialled = _NOT_DIALLED.sub("", number)
    if not _NUMBER.fullmatch(dialled):
        return False
    query = select(NoticeChannel).where(NoticeChannel.for_residents, NoticeChannel.active).order_by(NoticeChannel.id)
    failed: SendingFailed | None = None
    for channel in session.scalars(query):
        try:
            send(with_number(outside.sealer.unseal(channel.sealed_url), dialled), title=title, body=text, inside=outside.inside)
        except SendingFailed as error:
            failed = error
            continue
        return True
    if failed is not None:
        raise failed
    return False
