"""Every command explains itself, answers as JSON when asked, and fails with one clear line."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import click
import pytest
from chinese_calendar import constants
from sqlalchemy import delete, select, text

from core.accounts.service.founding import base_rights
from core.cli import cli
from core.cli.lazy import Entry, LazyGroup
from core.cli.main import COMMANDS, run
from core.cli.scaffold import write_plugin
from core.cli.secrets import ensure_secrets, write_private
from core.db import outbox
from core.db.engine import Database
from core.db.outbox import OutboxMessage
from core.db.uow import unit_of_work
from core.lib.errors import Conflict, Invalid
from core.lib.terminal import Progress, Terminal, terminal_locale
from core.settings import Settings
from core.testing.fixtures import NOON, new_database


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process; give exit code, output and error output."""
    monkeypatch.setenv("WANGGE_LANG", "en")
    monkeypatch.delenv("WANGGE_DEBUG", raising=False)
    monkeypatch.setenv("WANGGE_VAR", str(tmp_path))

    def call_with(*arguments: str) -> tuple[int, str, str]:
        code = run(Terminal(as_json="--json" in arguments), list(arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return call_with


@pytest.fixture
def on_database(database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands work on the database of the tests."""
    work_on(database, monkeypatch)


def work_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, url in (("", database.app_url), ("OWNER_", database.owner_url), ("SCAN_", database.scan_url)):
        monkeypatch.setenv(f"WANGGE_DATABASE_{name}URL", url)


@pytest.mark.parametrize("path", list(walk(cli)), ids=" ".join)
def test_every_command_has_help(path, call):
    code, out, _ = call(*path, "--help")
    assert code == 0
    assert out.startswith("Usage: wangge")


@pytest.mark.parametrize("path", [path for path in walk(cli) if path], ids=" ".join)
def test_every_command_can_answer_as_json(path, call):
    assert "--json" in call(*path, "--help")[1]


def test_help_imports_nothing_heavy():
    code = "import sys; from core.cli.main import run; from core.lib.terminal import Terminal; run(Terminal(), ['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "flask", "celery", "shapely", "numpy"} & set(loaded)


def test_summary_in_the_table_is_the_commands_own():
    context = click.Context(cli)
    said = {name: (cli.get_command(context, name).help or "").splitlines()[0] for name in COMMANDS}
    assert {name for name in COMMANDS if not said[name]} == set()


@pytest.mark.parametrize("arguments", [["nothing"], ["db", "nothing"], ["task", "retry"], ["restore", "/nonexistent"]], ids=" ".join)
def test_wrong_call_is_told_in_one_line(arguments, call):
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("wangge: ")


def test_failure_as_json_is_json(call):
    code, _, err = call("nothing", "--json")
    assert code == 2
    assert json.loads(err)["error"]["type"] == "usage"


def test_unreachable_database_is_told_in_one_line(call, monkeypatch):
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql+psycopg://a@/b?host=/nonexistent")
    code, _, err = call("task", "list")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("wangge: The database cannot be reached:")


def test_broken_part_breaks_its_own_commands_only(call, monkeypatch):
    monkeypatch.setitem(cli.entries, "broken", Entry("core.nowhere:command", "Broken."))
    code, _, err = call("broken")
    assert (code, err) == (
        1,
        "wangge: The part that holds \"broken\" cannot be loaded: ModuleNotFoundError: No module named 'core.nowhere'.\n",
    )
    assert call("--version")[0] == 0
    assert "broken" in call("--help")[1]


def test_lazy_group_knows_only_its_table():
    assert LazyGroup("x", entries={"a": Entry("m:n", "s")}).list_commands(click.Context(cli)) == ["a"]


@pytest.mark.usefixtures("on_database")
def test_run_without_secrets_says_what_to_do(call):
    code, _, err = call("run")
    assert code == 1
    assert "run `wangge init` first" in err


@pytest.mark.usefixtures("on_database")
def test_health_exits_with_1_while_migrations_wait(call):
    code, out, _ = call("health", "--json")
    found = json.loads(out)
    assert code == 1
    assert found["condition"] == "failing"
    assert {check["name"] for check in found["checks"]} == {"database", "migrations", "workers", "outbox", "facts", "plugins"}


@pytest.fixture
def given_up(database, agencies):
    with unit_of_work(database, agencies[0].id) as session:
        outbox.add(session, "tests.given_up", {}, agency_id=agencies[0].id, due_at=NOON)
    with database.owner_engine.begin() as connection:
        number = connection.scalar(select(OutboxMessage.id).where(OutboxMessage.topic == "tests.given_up"))
        connection.execute(OutboxMessage.__table__.update().values(state="dead", attempts=8, last_error="no"))
    yield number
    with database.owner_engine.begin() as connection:
        connection.execute(delete(OutboxMessage))


@pytest.mark.usefixtures("on_database")
def test_given_up_task_is_listed_and_tried_again(call, given_up):
    _, out, _ = call("task", "list", "--agency", "alpha", "--json")
    assert [(row["id"], row["last_error"]) for row in json.loads(out)] == [(given_up, "no")]
    assert json.loads(call("task", "retry", str(given_up), "--agency", "alpha", "--json")[1]) == {"retried": [given_up]}
    assert json.loads(call("task", "list", "--agency", "alpha", "--json")[1]) == []


@pytest.mark.usefixtures("on_database")
def test_retry_of_another_agencys_task_is_refused(call, given_up):
    code, _, err = call("task", "retry", str(given_up), "--agency", "beta")
    assert (code, err) == (1, f"wangge: There is no given-up task {given_up}.\n")


@pytest.mark.usefixtures("on_database", "agencies")
def test_agency_must_be_named_when_there_are_several(call):
    assert call("task", "list")[2] == "wangge: Say which agency with --agency; there are: alpha, beta.\n"
    assert call("task", "list", "--agency", "gamma")[2] == 'wangge: There is no agency "gamma"; there are: alpha, beta.\n'


FIRST = ["--agency", "first", "--title-zh", "第一区", "--title-en", "First", "--longitude", "116.4", "--latitude", "39.9"]


def test_init_makes_an_installation_that_somebody_administers(call, server_urls, monkeypatch):
    with new_database(server_urls) as fresh:
        work_on(fresh, monkeypatch)
        code, out, err = call("init", *FIRST, "--name", "张三", "--username", "chief", "--json")
        assert code == 0, err
        answer = json.loads(out)
        assert (answer["agency"], answer["username"], len(answer["password"]) >= 12) == ("first", "chief", True)
        with fresh.owner_engine.connect() as connection:
            rights = connection.execute(
                text(
                    "SELECT role.rights FROM role_assignment JOIN role ON role.agency_id = role_assignment.agency_id AND role.id = role_id "
                    "JOIN ab_user ON ab_user.id = user_id WHERE username = 'chief' AND is_installation_admin AND must_change_password"
                )
            ).scalar_one()
            published = dict(connection.execute(text("SELECT day, kind FROM holiday WHERE agency_id IS NULL")).all())
            years = set(connection.scalars(text("SELECT year FROM holiday_year WHERE agency_id IS NULL")))
    assert rights == base_rights()
    # What the calendar package knows, this year among it: 1 October has been free in every one.
    assert years == {day.year for day in (*constants.holidays, *constants.workdays)}
    assert {year for year in years if published[date(year, 10, 1)] == "day_off"} == years
    assert set(published) == {*constants.holidays, *constants.workdays}


@pytest.mark.usefixtures("on_database", "agencies")
def test_second_init_is_refused(call, monkeypatch):
    monkeypatch.setattr("core.db.migrate.upgrade", lambda *_: [])
    given = ["--agency", "new", "--title-zh", "新", "--title-en", "New", "--longitude", "116.4", "--latitude", "39.9", "--name", "张三"]
    code, _, err = call("init", *given, "--username", "admin")
    assert (code, err) == (1, "wangge: There are 2 agencies already; this installation was initialised before.\n")


def test_secrets_are_made_once_and_private(tmp_path, monkeypatch):
    for name in ("WANGGE_SECRET_KEY", "WANGGE_JWT_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert ensure_secrets(tmp_path / "var") == ["WANGGE_SECRET_KEY", "WANGGE_JWT_SECRET_KEY"]
    path = tmp_path / "var" / "secrets.env"
    before = path.read_text()
    assert ensure_secrets(tmp_path / "var") == []
    assert path.read_text() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = Settings.from_env({"WANGGE_VAR": str(tmp_path / "var")})
    assert len(made.secret_key) >= 48
    assert made.secret_key != made.jwt_secret_key
    assert made.secret_key not in repr(made)


def test_secret_of_the_environment_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setenv("WANGGE_SECRET_KEY", "given")
    monkeypatch.delenv("WANGGE_JWT_SECRET_KEY", raising=False)
    assert ensure_secrets(tmp_path) == ["WANGGE_JWT_SECRET_KEY"]


def test_private_file_is_never_open_to_others(tmp_path):
    os.umask(0o022)
    write_private(tmp_path / "a", "first")
    write_private(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "second"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project.entry-points."wangge.plugins"]\nurban_mgmt = "plugins.urban_mgmt.plugin"\n')
    return tmp_path


def test_new_plugin_works_and_its_test_passes(project):
    written = write_plugin(project, "fire_safety", title_zh="消防安全", title_en="Fire safety")
    assert "plugins/fire_safety/plugin.py" in written
    assert 'fire_safety = "plugins.fire_safety.plugin"\nurban_mgmt' in (project / "pyproject.toml").read_text()
    code = f"import plugins, runpy; plugins.__path__.append({str(project / 'plugins')!r})\n"
    code += "from core.pluginmanager import Plugins\nfrom plugins.fire_safety import plugin\n"
    code += "found = Plugins(); found.register('fire_safety', plugin); assert not found.failed, found.failed\n"
    code += f"test = runpy.run_path({str(project / 'plugins/fire_safety/tests/test_definitions.py')!r}); test['test_definition_files_are_sound']()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_new_plugin_never_overwrites(project):
    write_plugin(project, "fire_safety", title_zh="消防", title_en="Fire")
    with pytest.raises(Conflict, match="exists already"):
        write_plugin(project, "fire_safety", title_zh="消防", title_en="Fire")


def test_title_that_would_break_a_file_is_refused(project):
    with pytest.raises(Invalid):
        write_plugin(project, "fire_safety", title_zh='消"防', title_en="Fire")
    assert not (project / "plugins/fire_safety").exists()


@pytest.mark.parametrize(
    ("env", "locale"),
    [({}, "en"), ({"LANG": "zh_CN.UTF-8"}, "zh_CN"), ({"LANG": "C.UTF-8"}, "en"), ({"LANG": "zh_CN.UTF-8", "WANGGE_LANG": "en"}, "en")],
)
def test_terminal_speaks_the_language_it_is_set_to(env, locale):
    assert terminal_locale(env) == locale


def test_table_lines_up_chinese():
    out = io.StringIO()
    Terminal(out=out).table([{"a": "网格", "b": 1}, {"a": "x", "b": None}], {"a": "name", "b": "number"})
    assert out.getvalue() == "name  number\n网格  1\nx\n"


def test_progress_is_silent_on_a_pipe():
    err = io.StringIO()
    progress = Terminal(err=err).progress("Seeding")
    progress(1, 2)
    progress.close()
    assert err.getvalue() == ""


def test_progress_shows_the_end():
    stream = io.StringIO()
    Progress("Seeding", stream)(2, 2)
    assert stream.getvalue().endswith("100% ")
