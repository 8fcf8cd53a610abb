"""Plugins are on, off or alone, in any order: the base runs without one, and no plugin needs another or minds who came first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from core.pluginmanager import Plugins, plugins
from tests.contract.source import ROOT
from tests.installing import installed

WITHOUT = """
from core import parts
from core.authz import known_rights
from core.definitions.installed import check_installed
from core.pluginmanager import plugins

parts.load()
assert plugins().manifests == {}, plugins().manifests
assert plugins().failed == []
assert not [right for right in known_rights() if right.startswith("urban_mgmt:")]
outcome = check_installed()
assert outcome.problems == [], [problem.text("en") for problem in outcome.problems]
paths = {route.path for group in parts.routes() for route in group.all}
assert {"/cases", "/ledgers/<ledger>/records", "/me"} <= paths
assert not [path for path in paths if "urban_mgmt" in path]
"""


def test_base_runs_without_any_plugin() -> None:
    env = {**os.environ, "WANGGE_SAFE_MODE": "1"}
    done = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Two plugins that know nothing of each other."""
    outside = Path(__file__).parents[1] / "journeys/outside/playground"
    with installed(outside, tmp_path_factory.mktemp("site"), key="playground"):
        yield {key: plugins()._pm.get_plugin(key) for key in ("playground", "urban_mgmt")}


@pytest.mark.parametrize("order", [(), *permutations(["playground", "urban_mgmt"], 1), *permutations(["playground", "urban_mgmt"])])
def test_order_and_company_change_nothing_of_a_plugin(modules: dict[str, Any], order: tuple[str, ...]) -> None:
    found = Plugins()
    for key in order:
        found.register(key, modules[key])
    brought = {
        key: (
            [str(right.key) for right in found.rights() if right.key.startswith(f"{key}:")],
            [route.path for group in found.routes() if group.plugin == key for route in group.all],
        )
        for key in order
    }
    assert found.failed == []
    assert set(found.manifests) == set(order)
    for key in order:
        alone = Plugins()
        alone.register(key, modules[key])
        rights, routes = brought[key]
        assert rights == [str(right.key) for right in alone.rights()]
        assert routes == [route.path for group in alone.routes() for route in group.all]
        assert rights
        assert routes
