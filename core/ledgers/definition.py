"""A compiled ledger: which form, which geometry, which states and departments, how codes are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.definitions.registry import register_compiler
from core.definitions.types import Content, Reference
from core.ledgers.codes import CodeLayout, compile_layout
from core.ledgers.types import Geometry
from core.lib.errors import FieldError, Invalid
from core.lib.text import Title, msg

DEFAULT_STATES: Mapping[str, Any] = {
    "normal": {"title": {"zh_CN": "正常", "en": "Normal"}},
    "retired": {"title": {"zh_CN": "已注销", "en": "Retired"}, "category": "retired"},
}


@dataclass(frozen=True, slots=True)
class LedgerState:
    """One state; a record in a retired one is out of use and hidden from lists unless asked for."""

    key: str
    title: Title
    is_retired: bool


@dataclass(frozen=True, slots=True)
class DepartmentRole:
    """One part that a department plays for a record, such as owner or maintainer."""

    key: str
    title: Title
    is_required: bool


@dataclass(frozen=True)
class Ledger:
    """One register. The first department role is the one in charge: scopes go by it."""

    key: str
    title: Title
    form: str
    geometry: Geometry
    scheme: str | None
    layout: CodeLayout | None
    states: Mapping[str, LedgerState]
    departments: Mapping[str, DepartmentRole]
    title_field: str | None

    @property
    def first_state(self) -> str:
        """The state of a new record."""
        return next(state.key for state in self.states.values() if not state.is_retired)

    @property
    def retired_state(self) -> str | None:
        """The state that retiring leads to, if the ledger has one."""
        return next((state.key for state in self.states.values() if state.is_retired), None)


def compile_ledger(content: Content) -> Ledger:
    """Compile a ledger's content; raises Invalid with the path of what is wrong."""
    states = {
        key: LedgerState(key, raw["title"], raw.get("category") == "retired") for key, raw in content.get("states", DEFAULT_STATES).items()
    }
    if all(state.is_retired for state in states.values()):
        raise Invalid.many([FieldError("states", msg("ledgers.no_active_state"))])
    roles = {key: DepartmentRole(key, raw["title"], bool(raw.get("required"))) for key, raw in content.get("departments", {}).items()}
    return Ledger(
        key=content["key"],
        title=content["title"],
        form=content["form"],
        geometry=Geometry(content["geometry"]),
        scheme=content.get("scheme"),
        layout=compile_layout(content["code"]) if content.get("code") else None,
        states=states,
        departments=roles,
        title_field=content.get("title_field"),
    )


def references(content: Content) -> Iterable[Reference]:
    """Name the form that must exist."""
    return [Reference("form", "form", content["form"])]


register_compiler("ledger", compile_ledger, references=references)
