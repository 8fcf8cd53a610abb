"""Components and the cases about them: what a report may name, and what becomes of the ledger record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.api import Actor, msg
from core.api.cases import count_open_of_record, items_of
from core.api.errors import Invalid
from core.api.ledgers import data_of, mark_record, surroundings

LEDGER = "urban_mgmt.component"
MENDED_STATES = frozenset({"closed", "void"})
"""A case that ends here leaves its component whole: mended, or never broken. A forced closing says neither."""


def refuse_wrong_component(session: Session, actor: Actor, data: Mapping[str, Any]) -> None:
    """Raise Invalid when a report names a component that is no thing of the class it names.

    The ledger numbers its kinds by CJ/T 214, the report by GB/T 30428; the
    catalogue ``mapping`` says which belong together. A kind that it does not
    know is let pass.
    """
    uuid, class_code = data.get("component"), data.get("component_class")
    if uuid is None or class_code is None:
        return
    record = data_of(session, actor, UUID(uuid)) or {}
    kind = items_of(session, "urban_mgmt.mapping").get(record.get("kind", ""))
    if kind is None or class_code in kind.data["classes"]:
        return
    wanted = items_of(session, "urban_mgmt.components")[class_code]
    raise Invalid(msg("urban_mgmt.wrong_component", component=kind.title, wanted=wanted.title), path="component")


def keep_record_state(session: Session, actor: Actor, case: Any) -> None:
    """Mark the component of a case damaged while a filed case about it is open, and intact when the last has ended well.

    What is open is looked up, not told, so that a late or repeated call does no harm.
    """
    if case.record_id is None:
        return
    around = surroundings(session, actor, LEDGER)
    if count_open_of_record(session, case.record_id, milestone="filed"):
        mark_record(session, actor, around, case.record_id, state="damaged", only_from="intact", reason=case.number)
    elif case.state in MENDED_STATES:
        mark_record(session, actor, around, case.record_id, state="intact", only_from="damaged", reason=case.number)
