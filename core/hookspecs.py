"""The whole plugin contract, grouped by life cycle. A hook's docstring is its reference.

Four families: ``register_<things>`` contributes at start-up and returns data;
``resolve_<thing>`` answers a question, the first answer wins; ``check_<thing>``
may veto inside the transaction by raising an error of ``core.api``;
``<thing>_<past participle>`` tells after the commit, one task per plugin.
Arguments are passed by keyword and are only ever added. (Not written behind a
bare ``*``: pluggy sees no argument that is keyword-only.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.authz import Actor, Right
    from core.http.routes import Routes

PROJECT = "wangge"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

SignIns = Sequence[Mapping[str, str]]
"""Of a demo: ``agency``, ``role``, ``username`` and ``password`` of each."""

# --- start-up -----------------------------------------------------------------


@hookspec
def register_permissions() -> Sequence[Right]:  # type: ignore[empty-body]
    """Return every right that the plugin asks for; a right that is not registered cannot be granted.

    Each begins with the plugin's key, as in ``<key>:case:close``; a plugin that brings another's is skipped.
    """


@hookspec
def register_routes() -> Sequence[Routes]:  # type: ignore[empty-body]
    """Return the plugin's own routes: ``core.api.http.Routes("<key>", plugin="<key>")``.

    They answer 404 for an agency that has the plugin off. Group and paths begin
    with the plugin's key (``/<key>/…``); a plugin that brings others is skipped.
    """


@hookspec
def register_demo() -> Callable[..., SignIns] | None:
    """Return the function that seeds the plugin's demo data: ``seed(database, *, settings, progress)``.

    ``wangge demo`` calls it once on an empty installation. It goes through the
    services a user would use, calls ``progress(step, done, total)`` as it goes on,
    and gives the sign-ins that it made: ``agency``, ``role``, ``username`` and
    ``password`` of each.
    """


# --- inside the transaction ---------------------------------------------------


@hookspec(firstresult=True)
def resolve_case_duty(session: Session, actor: Actor, case: Any, duty: str) -> Mapping[str, int | None] | None:
    """Say who takes over a case: ``{"department_id": …}`` or ``{"assignee_id": …}``, or None for no opinion.

    Asked where a step hands the case over and its form leaves open to whom; ``duty`` is the verb of the step.
    Every plugin that is on is asked about the cases of every workflow, so look at ``case.workflow`` first.
    """


@hookspec
def check_case_transition(session: Session, actor: Actor, workflow: str, case: Any, transition: str, data: Mapping[str, Any]) -> None:
    """Veto a transition by raising ``core.api.errors.Conflict`` or ``Invalid``; return nothing to let it pass.

    Every plugin that is on is asked about the steps of every workflow, so look at ``workflow`` first. ``case`` is
    None for the transition that brings a case to life. ``data`` is what the step's form let through.
    """


# --- after the commit ---------------------------------------------------------


@hookspec
def case_moved(session: Session, actor: Actor, case: Any, transition: str, from_state: str | None, to_state: str) -> None:
    """Take note that a case went into a state that the manifest's ``watches`` names; ``actor`` is the system in the case's agency.

    Runs in a task of the plugin's own, perhaps late and perhaps more than once:
    ``case`` is the case as it is now, which may have moved on since. What is
    raised is kept with the task, which is tried again.
    """
