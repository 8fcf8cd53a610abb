"""`wangge user` and `wangge person`, run as the command line runs them."""

from __future__ import annotations

import io
import json

import pytest
from click.testing import CliRunner

from core.accounts.commands import person as person_group
from core.accounts.commands import user as user_group
from core.accounts.permissions import AccountRight
from core.authz.console import Console
from core.lib.errors import Conflict, Invalid
from core.lib.terminal import Terminal
from core.testing.people import Browser


class HeldConsole(Console):
    """A console on the run's own database."""

    def __init__(self, settings, terminal, held):
        super().__init__(settings, terminal)
        self.__dict__["database"] = held


@pytest.fixture
def run(settings, database, agencies):
    def call(group, *arguments, typed=None):
        out = io.StringIO()
        console = HeldConsole(settings, Terminal(as_json=True, out=out, err=io.StringIO()), database)
        result = CliRunner().invoke(
            group, [str(one) for one in arguments], obj=console, input=typed, catch_exceptions=False, standalone_mode=False
        )
        text = out.getvalue() or result.output
        return json.loads(text) if text.strip().startswith(("{", "[")) else text

    return call


def test_a_made_person_signs_in_and_must_change_the_password(app, run):
    made = run(user_group, "create", "cli-1", "--name", "命令", "--agency", "alpha")
    answer = Browser(app).sign_in("cli-1", made["password"])
    assert (answer.status_code, answer.get_json()["must_change_password"]) == (200, True)
    assert "cli-1" in [one["username"] for one in run(user_group, "list", "--agency", "alpha")]


def test_a_given_password_obeys_the_policy_and_is_not_shown(run):
    with pytest.raises(Invalid):
        run(user_group, "create", "cli-2", "--name", "弱", "--agency", "alpha", "--password-stdin", typed="1\n")
    made = run(user_group, "create", "cli-2", "--name", "强", "--agency", "alpha", "--password-stdin", typed="strong horse 2026\n")
    assert "password" not in made
    with pytest.raises(Invalid):
        run(user_group, "password", "cli-2", "--agency", "alpha", "--password-stdin", typed="password123\n")


def test_a_new_password_signs_in(app, run):
    run(user_group, "create", "cli-3", "--name", "换", "--agency", "alpha")
    fresh = run(user_group, "password", "cli-3", "--agency", "alpha")["password"]
    assert Browser(app).sign_in("cli-3", fresh).status_code == 200


def test_handing_over_lists_then_moves(database, alpha, run, person):
    leaver, successor = person(AccountRight.TEAM_READ), person()
    listed = run(user_group, "hand-over", leaver.username, "--agency", "alpha")
    assert [one["kind"] for one in listed] == ["assignments"]
    moved = run(user_group, "hand-over", leaver.username, successor.username, "--agency", "alpha")
    assert moved["counts"]["assignments"] == 1
    assert run(user_group, "hand-over", leaver.username, "--agency", "alpha") == []


def test_a_person_is_exported_then_leaves_then_is_erased(app, run, person, tmp_path):
    someone = person(phone="13912340000")
    file = tmp_path / "person.json"
    run(person_group, "export", someone.username, "--output", file)
    assert json.loads(file.read_text("utf-8"))["agencies"]["alpha"]["membership"]["phone"] == "13912340000"
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Conflict):
        run(person_group, "erase", someone.username, "--yes")
    run(user_group, "deactivate", someone.username, "--agency", "alpha")
    run(person_group, "erase", someone.username, "--yes")
    exported = run(person_group, "export", f"erased-{someone.id}")
    assert "13912340000" not in json.dumps(exported)
    assert Browser(app).sign_in(someone.username).status_code == 401
