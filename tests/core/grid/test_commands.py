"""`wangge grid` as a person or a program calls it."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager

import click
import pytest
from click.testing import CliRunner
from sqlalchemy import text

from core.grid.commands import grid
from core.grid.service import succession
from core.grid.service.succession import Followed, Follower
from core.lib.errors import Invalid, Malformed
from core.lib.terminal import Terminal
from tests.core.grid.conftest import COMMUNITY, HIGH, WIDE, collection, community, feature, square


class ConsoleInTest:
    """A console whose unit of work is the test's own session."""

    def __init__(self, session, actor, *, as_json):
        self.out = io.StringIO()
        self.terminal = Terminal(as_json=as_json, out=self.out, err=self.out)
        self.terminal.locale = "en"
        self._session, self._actor = session, actor

    @contextmanager
    def work(self, _agency=None):
        yield self._session, self._actor


@pytest.fixture
def call(session, keeper, scheme):
    def run(*arguments, as_json=False):
        console = ConsoleInTest(session, keeper, as_json=as_json)
        code = 0
        try:
            code = grid.main([str(one) for one in arguments], standalone_mode=False, obj=console) or 0
        except click.exceptions.Exit as ended:
            code = ended.exit_code
        text = console.out.getvalue()
        return (code, json.loads(text)) if as_json else (code, text)

    return run


def write(tmp_path, content):
    file = tmp_path / "grids.geojson"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return file


def test_check_says_sound_or_exits_with_one(call, tmp_path):
    assert call("check") == (0, "The division is sound: no gap, no overlap.\n")
    assert call("check", as_json=True) == (0, [])

    call("import", write(tmp_path, collection(feature(f"{COMMUNITY}001", "窄", "unit_grid", f"{COMMUNITY}01", square(0, columns=0.5)))))

    code, text = call("check")
    assert code == 1
    assert text.splitlines()[0].startswith("gap of 5,1")
    assert call("check", as_json=True)[1][0]["kind"] == "gap"


def test_locate_names_the_grid(call):
    inside = call("locate", 116.4 + WIDE / 2, 39.9 - HIGH / 2)
    outside = call("locate", 116.0, 39.0, as_json=True)

    assert inside == (0, f"inside {COMMUNITY}001 单元1\n")
    assert (outside[1]["located"], outside[1]["code"]) == ("outside", None)
    assert "m from" in call("locate", 116.4 - 0.00005, 39.9 - HIGH / 2)[1]


def test_import_reports_and_dry_run_stores_nothing(call, tmp_path):
    file = write(tmp_path, collection(*community(3, column=8)))

    assert call("import", file, "--dry-run", as_json=True)[1]["created"] == 7
    assert call("import", file)[1] == "Imported: 7 new, 0 changed, 0 as they were, 0 mended.\n"
    assert call("import", file, as_json=True)[1]["unchanged"] == 7


def test_import_dry_run_with_faults_tells_each_and_exits_with_one(call, tmp_path):
    code, text = call("import", write(tmp_path, collection(feature("1", "x", "community", None, None))), "--dry-run")

    assert code == 1
    assert text.startswith('features[0]: Code "1" must be 12 digits long')


def test_import_refuses_faults_and_what_is_no_json(call, tmp_path):
    with pytest.raises(Invalid):
        call("import", write(tmp_path, collection(feature("1", "x", "community", None, None))))
    for content in ("{", "[]"):
        with pytest.raises(Malformed):
            call("import", write(tmp_path, content))


@pytest.mark.parametrize("command", ["check", "locate", "import"])
def test_each_command_has_help(command):
    result = CliRunner().invoke(grid, [command, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_follow_moves_what_stands_on_old_land_and_says_what_is_left(call, session, keeper, scheme, monkeypatch):
    rows = {1: "moves", 2: "stays"}

    def follow(_session, _actor, after, limit):
        behind = sorted(number for number in rows if number > after)[:limit]
        gone = [number for number in behind if rows[number] == "moves"]
        for number in gone:
            del rows[number]
        return Followed(behind[-1] if len(behind) == limit else None, len(gone))

    monkeypatch.setattr(succession, "_followers", {"cases": Follower("cases", lambda *_: len(rows), follow, 1)})

    code, answer = call("follow", as_json=True)
    assert (code, answer) == (0, {"moved": {"cases": 1}, "waiting": {"cases": 1}})
    code, said = call("follow")
    assert code == 0
    assert "Open cases: 0 moved, 1 left" in said
    audited = session.execute(text("SELECT new FROM audit_entry WHERE action = 'grid:grid:followed'")).scalars().all()
    assert audited == [{"moved": {"cases": 1}, "waiting": {"cases": 1}}]
