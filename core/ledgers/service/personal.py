"""What records keep about people who have no account: found and erased by the digits of a telephone number."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, column, func, select
from sqlalchemy.orm import Session

from core.accounts.service import digits_of, register_callers
from core.authz import Actor
from core.ledgers.models import Record
from core.ledgers.service import records


def export_records(session: Session, digits: str) -> list[dict[str, Any]]:
    """Give the personal values of every record that names this telephone number, a retired one too."""
    rows = session.execute(select(Record.ledger_key, Record.code, Record.personal).where(_names(digits)).order_by(Record.id))
    return [{"ledger": row.ledger_key, "record": row.code, "values": row.personal} for row in rows]


def erase_records(session: Session, actor: Actor, digits: str) -> int:
    """Empty the personal values of those records; say how many values went. The records and their history stay."""
    found = session.scalars(select(Record).where(_names(digits)).with_for_update()).all()
    gone = sum(len(record.personal or ()) for record in found)
    for record in found:
        records.empty_personal(session, actor, record)
    return gone


def _names(digits: str) -> ColumnElement[bool]:
    """Give the condition of the records of which a personal value is a number of these digits, however it is written."""
    values = func.jsonb_each_text(Record.personal).table_valued(column("key"), column("value")).alias("one")
    return select(values.c.key).where(digits_of(values.c.value) == digits).correlate(Record).exists()


register_callers("records", export_records, erase_records)
