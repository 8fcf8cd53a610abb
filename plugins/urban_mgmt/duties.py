"""Which department answers for a matter: its class names kinds of body, the agency says which department each is.

The agency keeps that in its own layer of the catalogue ``departments``: an
item's ``data.department`` is a department code, in which ``{street}`` stands for
the nine digits of the street that the case lies in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sqlalchemy.orm import Session

from core.api.accounts import find_department_id
from core.api.cases import catalogue_items
from core.api.grids import code_of

STREET_DIGITS = 9


class Item(Protocol):
    """A catalogue item, as far as duties need it."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What the class carries."""


def answering_department(session: Session, case: Any) -> Mapping[str, int | None] | None:
    """Find the first department that answers for the case's class at its place; None when nobody is known to."""
    grid_code = code_of(session, case.grid_id) if case.grid_id is not None else None
    for code in department_codes(catalogue_items(session, "urban_mgmt"), case.class_code, grid_code):
        department_id = find_department_id(session, code)
        if department_id is not None:
            return {"department_id": department_id}
    return None


def department_codes(items: Mapping[str, Item], class_code: str | None, grid_code: str | None) -> Iterator[str]:
    """Yield the codes of the departments that answer for a class, first in duty first.

    A body that exists once a street is passed over while the street is not known.
    """
    found = items.get(class_code or "")
    for key in found.data.get("departments", ()) if found else ():
        code = items[key].data.get("department") if key in items else None
        if not code:
            continue
        if "{street}" not in code:
            yield code
        elif grid_code and len(grid_code) >= STREET_DIGITS:
            yield code.replace("{street}", grid_code[:STREET_DIGITS])
