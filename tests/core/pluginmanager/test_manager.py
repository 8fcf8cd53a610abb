"""Plugins: a misfit is skipped and hurts nobody; who answers is decided by each agency's switches when asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from inspect import get_annotations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import insert, inspect

from core.api.cases import CaseView
from core.authz import Actor, Right
from core.cli.main import run
from core.db.engine import AgencySession
from core.hookspecs import hookimpl
from core.http.routes import Routes
from core.lib.errors import Conflict, Forbidden, NotFound, Unavailable
from core.lib.terminal import Terminal
from core.lib.text import msg
from core.pluginmanager import plugins as installed
from core.pluginmanager import service
from core.pluginmanager.manager import Plugins
from core.pluginmanager.manifest import PluginManifest
from core.pluginmanager.models import AgencyPlugin
from core.pluginmanager.permissions import PluginRight
from core.version import VERSION
from core.workflow.models import Case
from tests.journeys.town import Town

Hooks = Mapping[str, Callable[..., Any]]


def module(key: str, hooks: Hooks | None = None, **manifest: Any) -> ModuleType:
    """Make a plugin's module."""
    made = ModuleType(key)
    given = {"key": key, "title": {"zh_CN": key}, "version": "1.0", "requires_core": ">=0.1", "definitions": files("core"), **manifest}
    made.manifest = PluginManifest(**given)  # type: ignore[attr-defined]
    for name, function in (hooks or {}).items():
        setattr(made, name, hookimpl(function))
    return made


def switch_on(session: AgencySession, actor: Actor, *keys: str) -> None:
    """Switch plugins on by hand."""
    for key in keys:
        session.execute(insert(AgencyPlugin).values(agency_id=actor.agency_id, plugin=key, enabled=True, changed_at=actor.now))


def broken(plugins: Plugins) -> dict[str, str]:
    """Give the reason for each plugin that was skipped."""
    return {one.key: one.reason for one in plugins.failed}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (ModuleType("bad"), "manifest"),
        (module("other"), "its entry point says 'bad'"),
        (module("bad", requires_core=">=99"), f"this is {VERSION}"),
        (module("bad", requires_core="newest"), "not a version range"),
        (module("bad", migrations=files("core")), "No module named"),
        (module("bad", definitions="forms"), "'forms' is no folder"),
        (module("bad", {"resolve_case_duty": lambda duty, surprise: (duty, surprise)}), "surprise"),
    ],
)
def test_misfit_is_skipped_with_its_reason_and_the_others_live(made: ModuleType, reason: str) -> None:
    plugins = Plugins()
    plugins.register("bad", made)
    plugins.register("good", module("good", {"register_permissions": lambda: ["x"]}))
    assert reason in broken(plugins)["bad"]
    assert list(plugins.manifests) == ["good"]
    assert plugins.collect("register_permissions") == {"good": ["x"]}


def test_plugin_that_cannot_be_imported_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        """An installed plugin."""

        def __init__(self, name: str, made: ModuleType | None) -> None:
            self.name, self._made = name, made

        def load(self) -> ModuleType:
            if self._made is None:
                raise ImportError("no module named nothing")
            return self._made

    entries = [Entry("good", module("good")), Entry("bad", None)]
    monkeypatch.setattr("core.pluginmanager.manager.entry_points", lambda **_: entries)
    plugins = Plugins()
    plugins.discover()
    assert list(plugins.manifests) == ["good"]
    assert broken(plugins) == {"bad": "ImportError: no module named nothing"}


def test_plugin_that_fails_at_start_is_dropped_and_asked_no_more(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    def fails() -> None:
        raise ZeroDivisionError("oops")

    plugins = Plugins()
    plugins.register("bad", module("bad", {"register_permissions": fails, "resolve_case_duty": lambda: "from bad"}))
    plugins.register("good", module("good", {"register_permissions": lambda: ["x"], "resolve_case_duty": lambda: "from good"}))
    switch_on(session, make_actor(), "bad", "good")
    assert plugins.collect("register_permissions") == {"good": ["x"]}
    assert "ZeroDivisionError: oops" in broken(plugins)["bad"]
    assert plugins.enabled(session) == {"good"}
    assert plugins.resolve(session, "resolve_case_duty", actor=make_actor(), case=None, duty="dispatch") == "from good"


def test_only_what_the_agency_has_switched_on_answers(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    plugins = Plugins()
    for key in ("one", "two"):
        plugins.register(key, module(key, {"resolve_case_duty": lambda key=key: f"from {key}"}))
    ask: dict[str, Any] = {"actor": make_actor(), "case": None, "duty": "dispatch"}
    assert plugins.resolve(session, "resolve_case_duty", **ask) is None
    actor = make_actor({PluginRight.SWITCH})
    service.switch(session, actor, plugins, "one", enabled=True)
    assert plugins.resolve(session, "resolve_case_duty", **ask) == "from one"
    service.switch(session, actor, plugins, "two", enabled=True)
    service.switch(session, actor, plugins, "one", enabled=False)
    assert plugins.resolve(session, "resolve_case_duty", **ask) == "from two"
    assert plugins.enabled(session) == {"two"}


def test_veto_of_a_plugin_holds_only_while_it_is_on(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    def veto() -> None:
        raise Conflict(msg("pluginmanager.unknown", plugin="veto"))

    plugins, actor = Plugins(), make_actor({PluginRight.SWITCH})
    plugins.register("veto", module("veto", {"check_case_transition": veto}))
    ask = {"actor": actor, "case": None, "transition": "file", "data": {}}
    plugins.check(session, "check_case_transition", **ask)
    service.switch(session, actor, plugins, "veto", enabled=True)
    with pytest.raises(Conflict):
        plugins.check(session, "check_case_transition", **ask)


def test_plugin_is_told_only_of_the_states_it_watches(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    heard: list[str] = []
    plugins, actor = Plugins(), make_actor({PluginRight.SWITCH})
    told = {"actor": actor, "case": None, "transition": "file", "from_state": "reported", "to_state": "filed"}

    def hear(to_state: str) -> None:
        heard.append(to_state)

    plugins.register("one", module("one", {"case_moved": hear}, watches={"x.case": ["filed"]}))
    assert plugins.watchers(session, "x.case", "filed") == []
    plugins.tell(session, "one", "case_moved", **told)
    assert heard == []
    service.switch(session, actor, plugins, "one", enabled=True)
    assert plugins.watchers(session, "x.case", "filed") == ["one"]
    assert plugins.watchers(session, "x.case", "closed") == []
    assert plugins.watchers(session, "y.case", "filed") == []
    plugins.tell(session, "one", "case_moved", **told)
    assert heard == ["filed"]


def test_switching_needs_its_right_and_a_known_plugin(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    plugins = Plugins()
    plugins.register("one", module("one"))
    with pytest.raises(Forbidden):
        service.switch(session, make_actor({PluginRight.READ}), plugins, "one", enabled=True)
    with pytest.raises(NotFound):
        service.switch(session, make_actor({PluginRight.SWITCH}), plugins, "nothing", enabled=True)


def view(work: Any) -> None:
    """See nothing."""


def routes(*paths: str, group: str = "bad", plugin: str | None = "bad") -> Routes:
    """Make a group of routes that all have one view."""
    made = Routes(group, plugin=plugin)
    for path in paths:
        made.get(path, answers={})(view)
    return made


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([routes("/bad/x", plugin=None)], "every group must be"),
        ([routes("/bad/x", group="cases")], "every group must be"),
        ([routes("/cases/x")], "does not begin with /bad"),
        ([routes("/badly")], "does not begin with /bad"),
        ([routes("/bad/x", "/bad/y")], "two of its views"),
        (None, "not what the hook asks for"),
        ([None], "not what the hook asks for"),
    ],
)
def test_routes_that_are_not_the_plugins_own_are_refused(answer: Any, reason: str) -> None:
    plugins, own = Plugins(), routes("/good/x", group="good", plugin="good")
    plugins.register("bad", module("bad", {"register_routes": lambda: answer}))
    plugins.register("good", module("good", {"register_routes": lambda: [own]}))
    assert plugins.routes() == [own]
    assert list(plugins.manifests) == ["good"]
    assert reason in broken(plugins)["bad"]


def test_plugin_cannot_stand_where_the_base_does() -> None:
    plugins = Plugins()
    plugins.register("cases", module("cases", {"register_routes": lambda: [routes("/cases/mine", group="cases", plugin="cases")]}))
    plugins.register("grid", module("grid"))
    assert plugins.routes({"cases", "users"}) == []
    assert "resource of the base" in broken(plugins)["cases"]
    assert "no package of the base" in broken(plugins)["grid"]


@pytest.mark.parametrize(
    ("rights", "reason"),
    [
        ([Right("bad:thing:see", {}), Right("core:plugin:switch", {})], "'core:plugin:switch' does not begin"),
        ([Right("bad:thing:see", {"en": "a"}), Right("bad:thing:see", {"en": "b"})], "two rights have one key"),
        (["bad:thing:see"], "not what the hook asks for"),
    ],
)
def test_rights_that_are_not_the_plugins_own_are_refused(rights: Any, reason: str) -> None:
    plugins, own = Plugins(), Right("good:thing:see", {})
    plugins.register("bad", module("bad", {"register_permissions": lambda: rights}))
    plugins.register("good", module("good", {"register_permissions": lambda: [own]}))
    assert plugins.rights() == [own]
    assert reason in broken(plugins)["bad"]


def test_hook_without_its_mark_is_told_at_start() -> None:
    plugins, made = Plugins(), module("bad")
    made.case_moved = lambda case: case  # type: ignore[attr-defined]
    plugins.register("bad", made)
    assert "never be called" in broken(plugins)["bad"]


def test_plugin_wraps_nobody() -> None:
    plugins, made = Plugins(), module("bad")
    made.resolve_case_duty = hookimpl(lambda: (yield), wrapper=True)  # type: ignore[attr-defined]
    plugins.register("bad", made)
    assert "wraps nobody" in broken(plugins)["bad"]


def test_second_plugin_of_a_name_leaves_the_first_as_it_was(session: AgencySession, make_actor: Callable[..., Actor]) -> None:
    plugins = Plugins()
    plugins.register("one", module("one", {"resolve_case_duty": lambda: "the first"}))
    plugins.register("one", module("one", {"resolve_case_duty": lambda: "the second"}))
    switch_on(session, make_actor(), "one")
    assert "loaded already" in broken(plugins)["one"]
    assert plugins.resolve(session, "resolve_case_duty", actor=make_actor(), case=None, duty="dispatch") == "the first"


@pytest.mark.parametrize("hook", ["resolve_case_duty", "check_case_transition"])
def test_defect_of_a_plugin_ends_the_step_and_says_whose_it_is(session: AgencySession, make_actor: Callable[..., Actor], hook: str) -> None:
    def breaks(session: Any) -> None:
        raise ZeroDivisionError(session)

    plugins = Plugins()
    plugins.register("bad", module("bad", {hook: breaks}, title={"zh_CN": "坏插件", "en": "Bad plugin"}))
    switch_on(session, make_actor(), "bad")
    ask = plugins.resolve if hook.startswith("resolve") else plugins.check
    with pytest.raises(Unavailable, match="Bad plugin"):
        ask(session, hook, actor=make_actor(), case=None, duty="dispatch", transition="file", data={})


def test_check_of_one_plugin_tells_its_files_and_no_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "one.yaml").write_text("key: one.two\n", "utf-8")
    found = installed()
    found.register("one", module("one", definitions=tmp_path))
    try:
        assert run(Terminal(as_json=True), ["plugin", "check", "one", "--json"]) == 1
        assert {row["reason"].split(":")[0] for row in json.loads(capsys.readouterr().out)} == {"one/forms/one.yaml"}
        assert run(Terminal(as_json=True), ["plugin", "check", "urban_mgmt", "--json"]) == 0
    finally:
        found._drop("one", "of this test alone")
        found.failed.clear()


def test_safe_mode_loads_no_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_SAFE_MODE", "1")
    assert installed.__wrapped__().manifests == {}
    monkeypatch.delenv("WANGGE_SAFE_MODE")
    assert "urban_mgmt" in installed.__wrapped__().manifests


def test_list_over_http_says_what_is_on_and_what_failed(town: Town) -> None:
    listed = town.as_("admin").get("/plugins").get_json()
    assert [(one["key"], one["enabled"]) for one in listed["items"] if one["key"] == "urban_mgmt"] == [("urban_mgmt", True)]
    assert listed["failed"] == []
    assert town.as_("inspector").get("/plugins").status_code == 403
    assert town.as_("inspector").send("PUT", "/plugins/urban_mgmt", json={"enabled": False}).status_code == 403
    assert town.as_("admin").send("PUT", "/plugins/nothing", json={"enabled": True}).status_code == 404
    assert town.as_("admin").send("PUT", "/plugins/urban_mgmt", json={"enabled": "yes"}).status_code == 422


def test_case_has_what_hooks_are_promised_to_read_of_it() -> None:
    promised = get_annotations(CaseView)
    columns = {column.key: column for column in inspect(Case).columns}
    assert promised.keys() <= columns.keys()
    assert {name for name, kind in promised.items() if kind.endswith("| None")} == {name for name in promised if columns[name].nullable}
