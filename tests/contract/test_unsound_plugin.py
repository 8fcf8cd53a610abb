"""A plugin with unsound definition files is left out with its reason; what was in force of it stays, and everybody else's is stored."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from core.authz.console import Console
from core.cli.demo import demo
from core.cli.health import health
from core.cli.init import init
from core.cli.plugin import plugin
from core.db.engine import AgencySession
from core.definitions import check as checking
from core.definitions import store
from core.definitions.commands import definitions
from core.definitions.installed import sync_installed
from core.definitions.registry import Compiler
from core.health import service
from core.lib.errors import Invalid
from core.lib.terminal import Terminal
from core.pluginmanager import plugins
from core.testing.fixtures import NOON, new_database
from tests.contract.source import ROOT
from tests.installing import installed

BAD = ROOT / "tests/journeys/outside/playground"
WORKFLOW = "workflows/repair.yaml"
GOOD_PLUGIN = """
from pathlib import Path
from core.api import PluginManifest
manifest = PluginManifest("orchard", {"zh_CN": "果园", "en": "Orchard"}, "1.0", ">=1.0", Path(__file__).parent)
"""
GOOD_FORM = """
key: orchard.visit
title: {zh_CN: 巡园, en: Visit}
fields:
  - {id: note, type: text, label: {zh_CN: 备注, en: Note}}
"""
STUCK = ("to: sent", "to: nowhere")
NO_YAML = ("key: playground.repair", "key: [playground.repair")


@pytest.fixture
def database(server_urls, blank):
    """A database of each test's own: a sync commits."""
    with new_database(server_urls, template=blank) as made:
        yield made


@contextmanager
def two_plugins(folder: Path) -> Iterator[Callable[[str, str, str], None]]:
    """Install a plugin to be broken beside a good one; give what writes into the first one's files."""
    good = folder / "good" / "orchard"
    (good / "forms").mkdir(parents=True)
    (good / "plugin.py").write_text(GOOD_PLUGIN, "utf-8")
    (good / "__init__.py").write_text("", "utf-8")
    (good / "forms" / "visit.yaml").write_text(GOOD_FORM, "utf-8")
    bad = shutil.copytree(BAD, folder / "bad" / "playground", ignore=shutil.ignore_patterns("__pycache__"))

    def write(file: str, old: str, new: str) -> None:
        text = (bad / file).read_text("utf-8")
        assert old in text
        (bad / file).write_text(text.replace(old, new), "utf-8")

    with ExitStack() as stack:
        stack.enter_context(installed(good, folder / "good", key="orchard"))
        stack.enter_context(installed(bad, folder / "bad", key="playground"))
        assert {"orchard", "playground", "urban_mgmt"} <= plugins().manifests.keys()
        yield write


@pytest.fixture
def write(tmp_path):
    with two_plugins(tmp_path) as writer:
        yield writer


@pytest.fixture
def command(settings, database, monkeypatch):
    """Run a command on the database and give exit code and output."""
    monkeypatch.setenv("WANGGE_LANG", "en")
    monkeypatch.setenv("WANGGE_VAR", str(settings.var))

    def run(group: Any, *arguments: str, as_json: bool = False) -> tuple[int, Any]:
        out = io.StringIO()
        console = Console(settings, Terminal(as_json=as_json, out=out))
        console.__dict__["database"] = database
        result = CliRunner().invoke(group, arguments, obj=console, standalone_mode=False)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        return code, json.loads(out.getvalue()) if as_json else out.getvalue()

    return run


def version_of(database: Any, kind: str, key: str) -> int | None:
    with AgencySession(database.owner_engine, agency_id=None) as session:
        found = store.find_current(session, kind, key)
    return found.version if found else None


@pytest.mark.parametrize(("mistake", "field"), [(STUCK, "transitions."), (NO_YAML, "")], ids=["stuck", "no YAML"])
def test_unsound_plugin_is_left_out_and_the_good_one_is_stored(database, write, mistake, field):
    write(WORKFLOW, *mistake)
    report = sync_installed(database, now=NOON)
    [left_out] = report.left_out
    assert left_out.plugin == "playground"
    assert {problem.file for problem in left_out.problems} == {f"playground/{WORKFLOW}"}
    assert any(problem.path.startswith(field) for problem in left_out.problems)
    assert version_of(database, "form", "orchard.visit") == 1
    assert version_of(database, "workflow", "urban_mgmt.case") == 1
    # All or nothing of one plugin: its sound files belong to the ones that are not.
    assert [name for name in report.created if ":playground." in name] == []


def test_earlier_versions_of_a_plugin_left_out_stay_in_force(database, write):
    sync_installed(database, now=NOON)
    write(WORKFLOW, *STUCK)
    write("forms/device.yaml", "en: Name}", "en: Device name}")
    report = sync_installed(database, now=NOON)
    assert [one.plugin for one in report.left_out] == ["playground"]
    assert (report.created, report.updated, report.gone) == ([], [], [])
    assert version_of(database, "workflow", "playground.repair") == 1
    assert version_of(database, "form", "playground.device") == 1


def test_corrected_files_are_taken_in_and_the_reason_is_gone(database, write):
    write(WORKFLOW, *STUCK)
    sync_installed(database, now=NOON)
    assert "playground" in service.check_plugins(database, []).detail
    write(WORKFLOW, *reversed(STUCK))
    assert sync_installed(database, now=NOON).left_out == []
    assert version_of(database, "workflow", "playground.repair") == 1
    assert service.check_plugins(database, []).detail == ""


def test_sync_tells_what_was_left_out_and_what_to_do_and_fails(command, write):
    write(WORKFLOW, *STUCK)
    code, told = command(definitions, "sync")
    assert code == 1
    block = told[told.index("Left out: the definitions of the plugin playground") :]
    assert f"playground/{WORKFLOW}:" in block
    assert "nowhere" in block
    assert "wangge definitions sync" in block
    code, answer = command(definitions, "sync", as_json=True)
    assert (code, [one["plugin"] for one in answer["left_out"]]) == (1, ["playground"])
    assert {"file", "line", "column", "path", "message"} == answer["left_out"][0]["problems"][0].keys()


def test_list_and_health_give_the_reason(command, database, write):
    write(WORKFLOW, *STUCK)
    code, _ = command(init, *INIT)
    assert code == 1
    _, rows = command(plugin, "list", as_json=True)
    reasons = {row["key"]: row["reason"] for row in rows}
    assert (reasons["orchard"], f"playground/{WORKFLOW}:" in reasons["playground"]) == ("", True)
    _, found = command(health, as_json=True)
    [check] = [one for one in found["checks"] if one["name"] == "plugins"]
    assert (check["condition"], f"playground/{WORKFLOW}:" in check["detail"]) == ("degraded", True)


INIT = [
    *("--agency", "sample", "--title-zh", "示例", "--title-en", "Sample", "--longitude", "116.4", "--latitude", "39.9"),
    *("--username", "admin", "--name", "张三"),
]


@pytest.fixture(autouse=True)
def _migrated(monkeypatch):
    """The database of these tests is made whole; nothing is to be migrated."""
    monkeypatch.setattr("core.cli.init.bring_up_to_date", lambda _: [])
    monkeypatch.setattr("core.cli.demo.bring_up_to_date", lambda _: [])
    monkeypatch.setattr("core.cli.demo._refuse_while_running", lambda _: None)
    monkeypatch.setattr("core.cli.demo.become_supervisor", lambda _: None)


def test_init_founds_the_installation_and_tells_what_it_lacks(command, database, write):
    write(WORKFLOW, *STUCK)
    code, told = command(init, *INIT)
    assert code == 1
    assert told.index("sample") < told.index("Left out: the definitions of the plugin playground")
    assert version_of(database, "form", "orchard.visit") == 1
    with database.session(None) as session:
        assert session.connection().exec_driver_sql("SELECT key FROM agency").scalars().all() == ["sample"]


def test_demo_seeds_nothing_without_the_definitions_of_its_plugin(command, database, write, monkeypatch):
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError

    write(WORKFLOW, *STUCK)
    monkeypatch.setattr("core.cli.demo.plugins", type("Found", (), {"collect": lambda *_: {"playground": never}}))
    code, told = command(demo, "--seed-only")
    assert code == 1
    assert "Left out: the definitions of the plugin playground" in told
    with database.session(None) as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM agency").scalar_one() == 0


def test_key_of_another_plugin_harms_only_the_one_that_took_it(database, write, tmp_path):
    """A file that claims another's key is its author's mistake, whichever of the two is read first."""
    forms = tmp_path / "bad/playground/forms"
    taken = (forms / "device.yaml").read_text("utf-8").replace("key: playground.device", "key: urban_mgmt.report", 1)
    (forms / "report.yaml").write_text(taken, "utf-8")
    report = sync_installed(database, now=NOON)
    assert [one.plugin for one in report.left_out] == ["playground"]


def test_library_that_is_wrong_stops_everything(database, write, monkeypatch, tmp_path):
    library = shutil.copytree(ROOT / "forms/library", tmp_path / "forms/library")
    form = next((library / "forms").glob("*.yaml"))
    form.write_text("key: [", "utf-8")
    monkeypatch.setattr("core.definitions.installed.FORMS", tmp_path / "forms")
    with pytest.raises(Invalid) as refused:
        sync_installed(database, now=NOON)
    assert {error.path.partition(":")[0] for error in refused.value.errors} >= {f"forms/library/forms/{form.name}"}
    assert version_of(database, "form", "orchard.visit") is None


def test_check_that_breaks_off_is_the_trouble_of_one_file(database, write, monkeypatch):
    def broken(content: Any) -> Any:
        if content["key"] == "playground.device":
            raise ZeroDivisionError("a defect")
        return whole.compile(content)

    whole = checking.compiler_of("form")
    known = checking.compiler_of
    monkeypatch.setattr(
        checking, "compiler_of", lambda kind: Compiler(broken, whole.prepare, whole.references) if kind == "form" else known(kind)
    )
    report = sync_installed(database, now=NOON)
    assert ["ZeroDivisionError: a defect" in one.problems[0].text("en") for one in report.left_out] == [True]
    assert version_of(database, "form", "orchard.visit") == 1


def test_plugin_that_builds_on_one_left_out_is_judged_by_what_is_in_force(database, write, tmp_path):
    """A reference into another plugin is met by its earlier version; when there is none, both are left out."""
    orchard = tmp_path / "good/orchard/workflows"
    orchard.mkdir()
    text = (tmp_path / "bad/playground" / WORKFLOW).read_text("utf-8").replace("key: playground.repair", "key: orchard.repair")
    (orchard / "repair.yaml").write_text(text, "utf-8")
    write(WORKFLOW, *STUCK)
    assert [one.plugin for one in sync_installed(database, now=NOON).left_out] == ["playground", "orchard"]
    write(WORKFLOW, *reversed(STUCK))
    sync_installed(database, now=NOON)
    write(WORKFLOW, *STUCK)
    report = sync_installed(database, now=NOON)
    assert [one.plugin for one in report.left_out] == ["playground"]
    assert "workflow:orchard.repair" in report.unchanged
