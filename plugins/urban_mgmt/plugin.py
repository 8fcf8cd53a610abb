"""Urban management: components and events, from a report to a checked closure.

Read this file first. The ledgers, forms, workflows, catalogues and roles are
the YAML files in the folders beside it; each hook below answers one question
they leave open, and says where the answer is worked out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from core.api import PluginManifest, Right, hookimpl
from plugins.urban_mgmt import components, duties, permissions

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.api import Actor
    from core.api.http import Routes

manifest = PluginManifest(
    key="urban_mgmt",
    title={"zh_CN": "数字城管", "en": "Urban management"},
    version="1.0.0",
    requires_core=">=1.0,<2.0",
    definitions=files("plugins.urban_mgmt"),
    description={
        "zh_CN": "部件与事件管理：上报、立案、派遣、处置、核查、结案的闭环。",
        "en": "Components and events in a closed loop: report, file, dispatch, handle, check, close.",
    },
    watches={"urban_mgmt.case": {"filed", "closed", "void"}},
)


@hookimpl
def register_permissions() -> Sequence[Right]:  # noqa: D103  # the hookspec's docstring is the contract
    return permissions.CATALOGUE


@hookimpl
def register_routes() -> Sequence[Routes]:  # noqa: D103  # as above
    # Routes need the web framework, which the worker can do without.
    from plugins.urban_mgmt import views  # noqa: PLC0415

    return [views.routes]


@hookimpl
def register_demo() -> Callable[..., Any]:  # noqa: D103  # the hookspec's docstring is the contract
    # The geometry libraries that make the demo's land stay out of every process that does not seed.
    from plugins.urban_mgmt.demo.seed import seed  # noqa: PLC0415

    return seed


@hookimpl
def resolve_case_duty(session: Session, case: Any, duty: str) -> Mapping[str, int | None] | None:  # noqa: D103  # as above
    return duties.answering_department(session, case) if case.workflow == "urban_mgmt.case" and duty == "dispatch" else None


@hookimpl
def check_case_transition(session: Session, actor: Actor, workflow: str, transition: str, data: Mapping[str, Any]) -> None:  # noqa: D103  # as above
    if workflow == "urban_mgmt.case" and transition == "report":
        components.refuse_wrong_component(session, actor, data)


@hookimpl
def case_moved(session: Session, actor: Actor, case: Any) -> None:  # noqa: D103  # as above
    components.keep_record_state(session, actor, case)
