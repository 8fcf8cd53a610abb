"""Drawing serials for codes: many at once, safe under concurrency.

The counter's row stays locked until the transaction ends, so a serial that is
drawn and rolled back is drawn again; prefixes are locked in one order, so two
imports cannot wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

_DRAW = text("""
    INSERT INTO record_serial (agency_id, ledger_key, prefix, last)
    SELECT :agency, :ledger, wanted.prefix, wanted.count
    FROM unnest(CAST(:prefixes AS text[]), CAST(:counts AS bigint[])) AS wanted (prefix, count)
    ORDER BY wanted.prefix
    ON CONFLICT (agency_id, ledger_key, prefix) DO UPDATE SET last = record_serial.last + excluded.last
    RETURNING prefix, last
""")
_RAISE = text("""
    INSERT INTO record_serial (agency_id, ledger_key, prefix, last)
    SELECT :agency, :ledger, seen.prefix, seen.last
    FROM unnest(CAST(:prefixes AS text[]), CAST(:counts AS bigint[])) AS seen (prefix, last)
    ORDER BY seen.prefix
    ON CONFLICT (agency_id, ledger_key, prefix) DO UPDATE SET last = excluded.last WHERE record_serial.last < excluded.last
""")


def draw(session: Session, agency_id: int, ledger_key: str, counts: Mapping[str, int]) -> dict[str, int]:
    """Draw ``counts[prefix]`` serials of each prefix; give the first of each run."""
    if not counts:
        return {}
    rows = session.execute(_DRAW, _parameters(agency_id, ledger_key, counts)).all()
    return {prefix: last - counts[prefix] + 1 for prefix, last in rows}


def raise_to(session: Session, agency_id: int, ledger_key: str, seen: Mapping[str, int]) -> None:
    """Take note of serials that came from outside, so that none is drawn again."""
    if seen:
        session.execute(_RAISE, _parameters(agency_id, ledger_key, seen))


def _parameters(agency_id: int, ledger_key: str, counts: Mapping[str, int]) -> dict[str, object]:
    return {"agency": agency_id, "ledger": ledger_key, "prefixes": list(counts), "counts": list(counts.values())}
