"""The command line: check without a database, sync and config on one of its own."""

from __future__ import annotations

import functools
import io
import json
import re
import shutil
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.accounts.models import Agency
from core.authz.console import Console
from core.db.engine import AgencySession, Database
from core.db.schema import create_all
from core.definitions import installed, service, store
from core.definitions.commands import config, definitions
from core.definitions.installed import check_installed
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.lib.errors import Conflict, Invalid, Malformed
from core.lib.terminal import Terminal
from core.testing.fixtures import NOON
from tests.core.definitions.test_files import GOOD


@pytest.fixture(scope="module")
def installation(server_urls):
    """A database that a sync may commit to, with one agency."""
    name = f"wangge_test_{uuid4().hex[:12]}"
    urls = [make_url(url).set(database=name).render_as_string(hide_password=False) for url in server_urls]
    admin = create_engine(server_urls[1], isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    database = Database(app_url=urls[0], owner_url=urls[1], scan_url=urls[2])
    with database.owner_engine.begin() as connection:
        create_all(connection)
    with AgencySession(database.owner_engine, agency_id=None) as session:
        session.add(Agency(key="alpha", title={"zh_CN": "甲", "en": "A"}, origin_lon=116.4, origin_lat=39.9))
        session.commit()
    yield database
    database.dispose()
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def command(settings, installation):
    """Run a command and give its exit code and its JSON answer."""

    def run(group, *arguments):
        out = io.StringIO()
        console = Console(settings, Terminal(as_json=True, out=out))
        console.__dict__["database"] = installation
        result = CliRunner().invoke(group, [str(argument) for argument in arguments], obj=console, standalone_mode=False)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        code = result.return_value if isinstance(result.return_value, int) else result.exit_code
        return code, json.loads(out.getvalue())

    return run


def test_installed_files_are_right():
    assert [problem.text("en") for problem in check_installed().problems] == []


def test_check_tells_file_line_and_field_and_fails(command, tmp_path):
    (tmp_path / "catalogues").mkdir()
    (tmp_path / "catalogues" / "a.yaml").write_text(GOOD.replace("code: '01'", "code: 5"), "utf-8")
    code, answer = command(definitions, "check", tmp_path)
    (problem,) = answer["problems"]
    assert (code, problem["file"], problem["line"], problem["path"]) == (1, "catalogues/a.yaml", 4, "items[0].code")


def test_sync_twice_changes_nothing_the_second_time(command):
    _, first = command(definitions, "sync")
    _, second = command(definitions, "sync")
    assert "form:library.contact" in [*first["created"], *first["updated"], *first["unchanged"]]
    assert (second["created"], second["updated"], second["gone"]) == ([], [], [])
    assert "form:library.contact" in second["unchanged"]


def test_sync_stores_nothing_when_a_file_is_wrong(installation, monkeypatch, tmp_path):
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "bad.yaml").write_text("key: library.bad", "utf-8")
    loaded = [load_folder(FORMS / "library", origin="library@9"), load_folder(tmp_path, origin="test@1")]
    monkeypatch.setattr(installed, "load_installed", lambda: loaded)
    with pytest.raises(Invalid) as refused:
        installed.sync_installed(installation, now=NOON)
    assert {"forms/bad.yaml:1"} == {error.path for error in refused.value.errors}


def test_configuration_goes_out_and_comes_back(command, installation, settings, tmp_path):
    command(definitions, "sync")
    console = Console(settings, Terminal(out=io.StringIO()))
    console.__dict__["database"] = installation
    with console.work("alpha") as (session, actor):
        base = store.current(session, "form", "library.contact")
        own = {**base.content, "title": {"zh_CN": "我的联系人", "en": "My contact"}}
        service.publish_overlay(session, actor, "form", "library.contact", own)
    file = tmp_path / "alpha.json"
    assert command(config, "export", file)[1]["count"] == 1
    assert command(config, "diff", file)[1]["changes"] == []
    with console.work("alpha") as (session, actor):
        service.retire(session, actor, "form", "library.contact")
    plan = command(config, "diff", file)[1]
    assert [(one["action"], one["paths"]) for one in plan["changes"]] == [("change", ["title.zh_CN", "title.en"])]
    with pytest.raises(Conflict):
        command(config, "apply", file, "--plan-hash", "0" * 32)
    assert len(command(config, "apply", file, "--plan-hash", plan["hash"])[1]["changes"]) == 1
    with installation.session(actor.agency_id) as session:
        assert store.current(session, "form", "library.contact").content["title"]["en"] == "My contact"


def test_sync_names_an_edit_whose_draft_is_to_be_rebased(command, installation, settings, monkeypatch, tmp_path):
    shutil.copytree(FORMS / "library", tmp_path / "library")
    loaded = functools.partial(load_folder, tmp_path / "library", origin="library@9", prefix="library")
    monkeypatch.setattr(installed, "load_installed", lambda: [loaded()])
    command(definitions, "sync")
    console = Console(settings, Terminal(out=io.StringIO()))
    console.__dict__["database"] = installation
    with console.work("alpha") as (session, actor):
        base = store.current(session, "form", "library.contact")
        for title in ("一", "二"):
            own = {**base.content, "title": {"zh_CN": title, "en": title}}
            kept = service.save_draft(session, actor, "form", "library.contact", own)
            if title == "一":
                service.publish(session, actor, kept.id)
    form = tmp_path / "library/forms/contact.yaml"
    form.write_text(re.sub(r"^title: .*$", "title: {zh_CN: 新, en: New}", form.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    _, answer = command(definitions, "sync")
    assert [(one["kind"], one["key"]) for one in answer["waiting"]] == [("form", "library.contact")]
    with console.work("alpha") as (session, actor):
        service.discard_draft(session, actor, kept.id)
        service.retire(session, actor, "form", "library.contact")


def test_file_that_is_no_export_is_told(command, tmp_path):
    file = tmp_path / "x.json"
    file.write_text("[]", "utf-8")
    with pytest.raises(Malformed):
        command(config, "diff", file)
