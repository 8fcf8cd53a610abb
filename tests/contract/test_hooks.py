"""Every hook has its heading in the reference, a test here and a user among the plugins; and works as its docstring says."""

from __future__ import annotations

import ast
import inspect
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from core import hookspecs
from core.authz import Actor, Right
from core.db import outbox
from core.db.epoch import forget_all
from core.hookspecs import hookimpl
from core.http.routes import Routes
from core.lib.errors import Conflict
from core.pluginmanager import PluginManifest, Plugins
from core.pluginmanager import plugins as installed
from core.pluginmanager import service as switching
from core.pluginmanager.reference import signature
from core.workflow import tasks
from core.workflow.service import step
from tests.contract.source import ROOT

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if inspect.isfunction(hook) and hasattr(hook, "wangge_spec")}
REFERENCE = ROOT / "docs/reference/hooks.md"


def plugin(key: str, **members: Any) -> Any:
    """A plugin module made in memory."""
    manifest = PluginManifest(key, {"zh_CN": key, "en": key}, "1.0", ">=1.0", Path(), **members.pop("about", {}))
    plugin = ModuleType(manifest.key)
    vars(plugin).update(manifest=manifest, **{name: hookimpl(function) for name, function in members.items()})
    return plugin


def loaded(*modules: Any) -> Plugins:
    found = Plugins()
    for module in modules:
        found.register(module.manifest.key, module)
    assert found.failed == []
    return found


@pytest.fixture
def switch(session, make_actor):
    def turn(found: Plugins, key: str, *, on: bool = True) -> None:
        switching.switch(session, make_actor(is_system=True), found, key, enabled=on)
        forget_all()

    return turn


# --- the trio -----------------------------------------------------------------


def test_there_are_hooks_of_four_families_only() -> None:
    assert len(HOOKS) >= 6
    for name in HOOKS:
        assert name.startswith(("register_", "resolve_", "check_")) or name.endswith("ed"), name


@pytest.mark.parametrize("name", HOOKS)
def test_hook_is_documented_by_its_exact_signature(name: str) -> None:
    assert f"\n### `{signature(HOOKS[name])}`\n" in REFERENCE.read_text("utf-8")
    assert inspect.getdoc(HOOKS[name])


@pytest.mark.parametrize("name", HOOKS)
def test_hook_has_a_test_of_its_own(name: str) -> None:
    here = ast.parse(Path(__file__).read_text("utf-8"))
    tests = [node.name for node in ast.walk(here) if isinstance(node, ast.FunctionDef)]
    assert any(test.startswith(f"test_hook_{name}") for test in tests)


@pytest.mark.parametrize("name", HOOKS)
def test_hook_has_a_user_among_the_plugins(name: str) -> None:
    found = installed()
    assert found.failed == []
    users = [key for key in found.manifests if hasattr(found._pm.get_plugin(key), name)]
    assert users


# --- what each does -----------------------------------------------------------


def test_hook_register_permissions() -> None:
    own, stray = Right("alpha:thing:see", {}), Right("gamma:thing:see", {})
    found = loaded(plugin("alpha", register_permissions=lambda: [own]), plugin("beta", register_permissions=lambda: [stray]))
    assert found.rights() == [own]
    assert [(one.key, "'gamma:thing:see'" in one.reason) for one in found.failed] == [("beta", True)]


def test_hook_register_routes() -> None:
    own, stray = Routes("alpha", plugin="alpha"), Routes("beta")
    found = loaded(plugin("alpha", register_routes=lambda: [own]), plugin("beta", register_routes=lambda: [stray]))
    assert found.routes() == [own]
    assert [one.key for one in found.failed] == ["beta"]
    assert "register_routes" in found.failed[0].reason


def test_hook_register_demo() -> None:
    def seed() -> None: ...

    assert loaded(plugin("alpha", register_demo=lambda: seed)).collect("register_demo") == {"alpha": seed}


def test_hook_resolve_case_duty(session, switch) -> None:
    asked = []

    def answer(session: Any, duty: str) -> dict[str, int]:
        asked.append(duty)
        return {"department_id": 7}

    found = loaded(plugin("alpha", resolve_case_duty=answer))
    arguments = {"actor": None, "case": None, "duty": "dispatch"}
    assert found.resolve(session, "resolve_case_duty", **arguments) is None
    switch(found, "alpha")
    assert found.resolve(session, "resolve_case_duty", **arguments) == {"department_id": 7}
    assert asked == ["dispatch"]
    switch(found, "alpha", on=False)
    assert found.resolve(session, "resolve_case_duty", **arguments) is None


def test_hook_check_case_transition(session, switch) -> None:
    def veto(transition: str) -> None:
        raise Conflict(step.msg("http.plugin_off"))

    found = loaded(plugin("alpha", check_case_transition=veto))
    arguments = {"actor": None, "case": None, "transition": "file", "data": {}}
    found.check(session, "check_case_transition", **arguments)
    switch(found, "alpha")
    with pytest.raises(Conflict):
        found.check(session, "check_case_transition", **arguments)


def test_hook_case_moved(session, switch) -> None:
    told: list[tuple[Any, ...]] = []

    def note(actor: Actor, case: Any, to_state: str) -> None:
        told.append((actor.is_system, case, to_state))

    watching = {"watches": {"some.flow": {"filed"}}}
    found = loaded(plugin("alpha", about=watching, case_moved=note), plugin("beta", case_moved=note))
    switch(found, "alpha")
    switch(found, "beta")
    assert found.watchers(session, "some.flow", "filed") == ["alpha"]
    assert found.watchers(session, "some.flow", "closed") == []
    assert found.watchers(session, "other.flow", "filed") == []
    actor = Actor(None, session.agency_id, "alpha", "system", (), datetime(2026, 3, 18, tzinfo=UTC), is_system=True)
    moved = {"actor": actor, "case": "the case", "transition": "file", "from_state": "reported", "to_state": "filed"}
    found.tell(session, "alpha", "case_moved", **moved)
    assert told == [(True, "the case", "filed")]
    switch(found, "alpha", on=False)
    assert found.watchers(session, "some.flow", "filed") == []
    found.tell(session, "alpha", "case_moved", **moved)
    assert len(told) == 1


def test_every_after_commit_hook_has_its_task() -> None:
    """The message that a step leaves is delivered by a handler of the workflow's own."""
    assert tasks.tell_plugin is outbox._handlers[step.MOVED]
