"""Time-based one-time codes (RFC 6238): enrol, confirm, check, disable."""

from __future__ import annotations

import hmac
from datetime import datetime
from secrets import token_bytes

import pyotp
import segno
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.accounts.signin import recovery_codes
from core.accounts.signin.models import SecondFactor
from core.accounts.signin.seals import Seals
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg

_STEP_SECONDS = 30
_DRIFT = 1


def is_enrolled(session: Session, user_id: int) -> bool:
    """Say whether the person has confirmed a second factor."""
    return session.scalar(select(SecondFactor.confirmed_at).where(SecondFactor.user_id == user_id)) is not None


def enrol(session: Session, seals: Seals, *, user_id: int, username: str, now: datetime) -> dict[str, str]:
    """Begin: give the secret, its URI and the URI as a picture, once; nothing counts until a code has confirmed it.

    Raises Conflict when one is confirmed already.
    """
    if is_enrolled(session, user_id):
        raise Conflict(msg("accounts.second_factor_already"))
    salt = token_bytes(20)
    values = {"salt": salt, "created_at": now, "confirmed_at": None, "last_step": 0}
    session.execute(insert(SecondFactor).values(user_id=user_id, **values).on_conflict_do_update(index_elements=["user_id"], set_=values))
    secret = seals.totp_secret(salt)
    uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name="Wangge")
    return {"secret": secret, "uri": uri, "qr": _picture(uri)}


def confirm(session: Session, seals: Seals, *, user_id: int, code: str, now: datetime) -> None:
    """Confirm with the first code; raise Invalid for a wrong one."""
    if not _use(session, seals, user_id, code, now):
        raise Invalid(msg("accounts.wrong_code"), path="code")
    session.execute(update(SecondFactor).where(SecondFactor.user_id == user_id).values(confirmed_at=now))


def is_code(session: Session, seals: Seals, *, user_id: int, code: str, now: datetime) -> bool:
    """Check a code of the app or a recovery code, and use it up: none is accepted twice, not even by two requests at once."""
    if recovery_codes.is_recovery_code(code):
        return recovery_codes.use(session, seals, user_id=user_id, code=code, now=now)
    return _use(session, seals, user_id, code, now)


def disable(session: Session, user_id: int) -> None:
    """Forget the second factor, and its recovery codes with it."""
    session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))


def _picture(uri: str) -> str:
    """Draw the URI here: a secret that a picture service had drawn would be a secret no more."""
    return segno.make(uri, micro=False, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")


def _use(session: Session, seals: Seals, user_id: int, code: str, now: datetime) -> bool:
    row = session.execute(
        select(SecondFactor.salt, SecondFactor.last_step).where(SecondFactor.user_id == user_id).with_for_update()
    ).one_or_none()
    if row is None:
        return False
    totp, present = pyotp.TOTP(seals.totp_secret(row.salt)), int(now.timestamp()) // _STEP_SECONDS
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        if step > row.last_step and hmac.compare_digest(totp.generate_otp(step).encode(), code.strip().encode()):
            session.execute(update(SecondFactor).where(SecondFactor.user_id == user_id).values(last_step=step))
            return True
    return False
