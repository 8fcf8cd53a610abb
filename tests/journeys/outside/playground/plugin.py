"""Play equipment: a register, and a repair that somebody asks for and a department does.

It stands for every plugin of others in the tests: each hook is here, and each can be made to fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from core.api import PluginManifest, Right, hookimpl, msg
from core.api.accounts import find_department_id
from core.api.errors import Conflict
from playground import permissions, visits

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api import Actor
    from core.api.http import Routes

WORKSHOP = "W1"

manifest = PluginManifest(
    key="playground",
    title={"zh_CN": "游乐设施", "en": "Playgrounds"},
    version="1.0.0",
    requires_core=">=1.0,<2.0",
    definitions=files("playground"),
    migrations=files("playground") / "migrations",
    watches={"playground.repair": {"mended"}},
)


@hookimpl
def register_permissions() -> Sequence[Right]:
    return permissions.CATALOGUE


@hookimpl
def register_routes() -> Sequence[Routes]:
    # The worker does without the web framework.
    from playground import views  # noqa: PLC0415

    return [views.routes]


@hookimpl
def register_demo() -> Callable[..., Any]:
    return visits.seed


@hookimpl
def resolve_case_duty(session: Session, duty: str, case: Any) -> Mapping[str, int | None] | None:
    if duty != "send" or case.workflow != "playground.repair":
        return None
    return {"department_id": find_department_id(session, WORKSHOP)}


@hookimpl
def check_case_transition(session: Session, actor: Actor, workflow: str, case: Any, transition: str, data: Mapping[str, Any]) -> None:
    assert workflow == "playground.repair"
    if data.get("words") == "break":
        raise ZeroDivisionError("the plugin has a defect")
    if transition == "mend" and visits.count(session, case.id) == 0:
        visits.note(session, actor, case.id, "refused")  # gone again with the transaction
        raise Conflict(msg("playground.nobody_was_there", number=case.number))


@hookimpl
def case_moved(session: Session, actor: Actor, case: Any, transition: str, from_state: str | None, to_state: str) -> None:
    visits.note(session, actor, case.id, f"{from_state}>{transition}>{to_state}", case)
    if visits.workshop_is_closed:
        raise RuntimeError("the workshop is closed")
