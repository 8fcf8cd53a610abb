"""Taking records out: who may, with which columns, and that it is on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere
from core.ledgers.exchange.writing import Layout, write_records
from core.ledgers.permissions import LedgerRight
from core.ledgers.service.finding import Wanted, stream_records
from core.ledgers.service.reading import surroundings
from core.ledgers.types import FileFormat
from core.lib.errors import Invalid
from core.lib.text import msg


@dataclass(frozen=True)
class ExportOrder:
    """What is to be taken out, and in which form."""

    ledger_key: str
    file_format: FileFormat
    wanted: Wanted
    locale: str
    personal: bool = False
    purpose: str | None = None


def order_export(session: Session, actor: Actor, order: ExportOrder) -> None:
    """Check the rights for an export and put it on record; to be called before ``export_records``.

    Personal values go along only for who may read them and names the purpose,
    which is kept in the audit log. Raises Forbidden and Invalid.
    """
    require_anywhere(actor, LedgerRight.EXPORT)
    surroundings(session, actor, order.ledger_key)
    if order.personal:
        require_anywhere(actor, LedgerRight.READ_PERSONAL)
        if not (order.purpose or "").strip():
            raise Invalid(msg("ledgers.purpose_needed"), path="purpose")
    details = {"format": str(order.file_format), "personal": order.personal, "purpose": order.purpose}
    audit.record(session, actor, "ledgers:record:exported", subject=f"ledger:{order.ledger_key}", new=details)


def export_records(session: Session, actor: Actor, order: ExportOrder) -> Iterator[bytes]:
    """Yield the visible records that are wanted, as a file in pieces; ``session`` is read from until the last piece."""
    around = surroundings(session, actor, order.ledger_key)
    # Personal values leave only where both rights reach the record.
    also = LedgerRight.READ_PERSONAL if order.personal else None
    rows = iter(stream_records(session, actor, around, order.wanted, right=LedgerRight.EXPORT, also=also))
    # What is wrong with the order shows at the first row, and must be told before a byte of the file is out.
    first = list(islice(rows, 1))
    return write_records(chain(first, rows), Layout.of(around, order.locale, personal=order.personal), order.file_format)
