"""Recovery codes: ten ways past a lost second factor, each good once.

They are shown when they are made and never again: only their keyed digests are
stored. A new set ends the old one, and all go with the second factor.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from secrets import choice
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from core.accounts.signin.models import RecoveryCode
from core.accounts.signin.seals import Seals

NUMBER = 10
# No letter or digit that is taken for another when it is copied by hand; fifty bits a code.
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_FORM = re.compile(r"[0-9A-Z]{10}")


def make_set(session: Session, seals: Seals, *, user_id: int, now: datetime) -> Sequence[str]:
    """Make a new set in place of the old and give its codes, this once; the person's second factor must be there."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    codes = ["".join(choice(_LETTERS) for _ in range(10)) for _ in range(NUMBER)]
    rows = [{"user_id": user_id, "digest": _digest(seals, user_id, code), "created_at": now} for code in codes]
    session.execute(insert(RecoveryCode), rows)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def use(session: Session, seals: Seals, *, user_id: int, code: str, now: datetime) -> bool:
    """Check a code and use it up: of two requests at once only one has it."""
    digest = _digest(seals, user_id, _bare(code))
    unused = (RecoveryCode.user_id == user_id, RecoveryCode.digest == digest, RecoveryCode.used_at.is_(None))
    done: Any = session.execute(update(RecoveryCode).where(*unused).values(used_at=now))
    return bool(done.rowcount)


def left(session: Session, user_id: int) -> int:
    """Count the codes that are still good."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(unused) or 0


def is_recovery_code(code: str) -> bool:
    """Tell a recovery code from a time-based one by its form."""
    return _FORM.fullmatch(_bare(code)) is not None


def _bare(code: str) -> str:
    return "".join(code.split()).replace("-", "").upper()


def _digest(seals: Seals, user_id: int, bare: str) -> bytes:
    return seals.digest(f"recovery code:{user_id}:{bare}")
