"""The contract that plugins inherit: a sound plugin keeps every promise, and each promise breaks by one mistake."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from _pytest.outcomes import Failed

import plugins
from core.cli.scaffold import write_plugin
from core.testing.contract import PluginContract
from tests.contract.source import ROOT
from tests.installing import installed

SOUND = ROOT / "tests/journeys/outside/playground"
PROMISES = [name for name in vars(PluginContract) if name.startswith("test_")]
MISTAKES = {
    "test_manifest_and_hooks_fit_this_release": ("plugin.py", ">=1.0,<2.0", ">=9.0"),
    "test_plugin_is_titled_in_both_languages": ("plugin.py", '"en": "Playgrounds"', '"en": ""'),
    "test_watches_are_states_of_its_workflows": ("plugin.py", '{"mended"}', '{"cured"}'),
    "test_definition_files_are_sound": ("workflows/repair.yaml", "to: sent", "to: nowhere"),
    "test_samples_of_forms_do_what_they_say": ("forms/device.yaml", "height: 2.5", "height: 7.5"),
    "test_words_of_definitions_are_in_both_languages": ("forms/device.yaml", "en: Name}", "en: ' '}"),
    "test_rights_are_its_own_named_and_titled": ("permissions.py", '"en": "Mend"', '"en": "Report damage"'),
    "test_rights_of_definitions_exist": ("roles/keeper.yaml", "core:case:read", "core:case:reed"),
    "test_every_right_of_its_own_is_held_by_a_role": ("roles/keeper.yaml", "  - playground:repair:report\n", ""),
    "test_routes_are_its_own_and_described": ("views.py", '"/playground/visits", answers', '"/visits", answers'),
    "test_followers_of_the_land_are_its_own": ("visits.py", '"playground.visits"', '"visits"'),
    "test_tables_belong_to_agencies_and_say_what_they_keep": ("models.py", "what: Mapped", "visitor_name: Mapped[str]\n    what: Mapped"),
    "test_migrations_make_the_tables_secure_them_and_take_them_away": ("migrations/0001_first_tables.py", "ENABLE ROW", "DISABLE ROW"),
    "test_core_is_reached_through_its_api_alone": ("visits.py", "from core.api import Actor", "from core.authz import Actor"),
    "test_messages_are_complete": ("messages.yaml", "{number} yet", "{nummer} yet"),
}
"""For each promise: file, what stands there, and what an author might have written instead."""

BY_ANOTHER_TEST = {
    "test_steps_that_a_workflow_does_not_have_are_refused",  # a promise of the engine's: tests/core/workflow
    "test_routes_answer_404_while_the_plugin_is_off",  # the loader itself refuses such routes: tests/core/pluginmanager
}


def keep(promise: str, request: pytest.FixtureRequest, contract: type[PluginContract] | None = None) -> None:
    contract = contract or type("Made", (PluginContract,), {"plugin": sys.modules["playground.plugin"]})
    run = getattr(contract(), promise)
    arguments: list[Any] = [request] if "request" in signature(run).parameters else []
    run(*arguments)


@pytest.mark.parametrize("promise", PROMISES)
def test_sound_plugin_keeps_the_promise(promise: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with installed(SOUND, tmp_path, key="playground"):
        keep(promise, request)


def test_every_promise_is_seen_to_break() -> None:
    assert set(PROMISES) == MISTAKES.keys() | BY_ANOTHER_TEST


@pytest.mark.parametrize("promise", sorted(MISTAKES))
def test_mistake_breaks_the_promise(promise: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    file, right, wrong = MISTAKES[promise]
    copy = shutil.copytree(SOUND, tmp_path / "playground", ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text("utf-8")
    assert right in text
    (copy / file).write_text(text.replace(right, wrong), "utf-8")
    with installed(copy, tmp_path, key="playground"), pytest.raises((AssertionError, Failed)):
        keep(promise, request)


def test_new_plugin_from_the_template_keeps_the_contract(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project.entry-points."wangge.plugins"]\n')
    write_plugin(tmp_path, "fire_safety", title_zh="消防安全", title_en="Fire safety")
    monkeypatch.setattr(plugins, "__path__", [*plugins.__path__, str(tmp_path / "plugins")])
    contract = import_module("plugins.fire_safety.tests.test_contract").TestContract
    try:
        assert contract.plugin.manifest.key == "fire_safety"
        for promise in PROMISES:
            keep(promise, request, contract)
    finally:
        for module in [one for one in sys.modules if one.startswith("plugins.fire_safety")]:
            del sys.modules[module]
