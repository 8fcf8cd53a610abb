"""The embedded server is a real one: private, durable, and back after any kill."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from core.db import server_config
from core.db.embedded import EmbeddedPostgres, ServerState, default_folder
from core.db.server_account import server_account
from core.lib.errors import Unavailable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root borrows a system user")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(default_folder(tmp_path_factory.mktemp("var")), options={"shared_buffers": "16MB", "max_wal_size": "64MB"})
    made.ensure()
    yield made
    made.stop()
    shutil.rmtree(made.folder)


def connect(server: EmbeddedPostgres, role: str, database: str = "wangge") -> psycopg.Connection:
    return psycopg.connect(host=str(server.socket_folder), user=role, dbname=database, autocommit=True)


def one(server: EmbeddedPostgres, role: str, query: str) -> object:
    with connect(server, role) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return row[0]


@pytest.mark.parametrize("role", ["wangge_owner", "wangge_app", "wangge_scan"])
def test_each_role_connects_without_password(server, role):
    assert role == one(server, role, "SELECT current_user")


@pytest.mark.parametrize("role", ["wangge_owner", "wangge_app", "wangge_scan"])
def test_no_role_bypasses_row_level_security(server, role):
    assert one(server, role, "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user") is False


def test_urls_reach_the_database(server):
    assert server.urls("other").app == f"postgresql+psycopg://wangge_app@/other?host={server.socket_folder}"


def test_app_makes_no_table_but_a_temporary_one(server):
    with connect(server, "wangge_app") as connection:
        connection.execute("CREATE TEMPORARY TABLE staging (a integer)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE kept (a integer)")


def test_scan_makes_no_temporary_table(server):
    with connect(server, "wangge_scan") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TEMPORARY TABLE staging (a integer)")


def test_new_database_of_owner_has_extensions(server):
    with connect(server, "wangge_owner") as connection:
        connection.execute("CREATE DATABASE fresh")
        with connect(server, "wangge_app", "fresh") as fresh:
            names = {name for (name,) in fresh.execute("SELECT extname FROM pg_extension")}
        connection.execute("DROP DATABASE fresh")
    assert {"btree_gist", "ltree", "pg_trgm", "plpgsql"} == names


def test_trigrams_find_chinese(server):
    assert one(server, "wangge_app", "SELECT similarity('朝阳门街道', '朝阳门')") > 0.2
    assert one(server, "wangge_app", "SELECT cardinality(show_trgm('网格'))") == 3


def test_upper_case_and_classes_know_unicode(server):
    assert one(server, "wangge_app", "SELECT upper('é') || ('网' ~ '[[:alpha:]]')::text") == "Étrue"


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_durability_is_on(server, setting):
    assert one(server, "wangge_app", f"SHOW {setting}") == "on"


def test_no_network_address_is_listened_on(server):
    kinds = {connection.family.name for connection in psutil.Process(server.pid()).net_connections()}
    assert kinds == {"AF_UNIX"} or not kinds
    assert one(server, "wangge_app", "SHOW listen_addresses") == ""


def test_folders_are_private(server):
    for folder in (server.folder, server.socket_folder, server.data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_the_user_of_the_server_is_no_role_of_wangge(server):
    asked = server_account().run(
        [server.program("psql"), "-h", server.socket_folder, "-U", "wangge_owner", "-d", "wangge", "-c", "SELECT 1"], folder=server.folder
    )
    assert asked.returncode != 0
    assert "Peer authentication failed" in asked.stderr


@as_root
def test_the_user_of_wangge_is_not_the_superuser(server):
    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        connect(server, "postgres")


@as_root
def test_root_keeps_no_data_under_a_home(tmp_path):
    assert Path("/var/lib/wangge") == default_folder(tmp_path).parent


def test_unknown_role_is_rejected(server):
    with pytest.raises(psycopg.OperationalError, match="rejects connection"):
        connect(server, "somebody")


def test_second_ensure_changes_nothing(server):
    before = server.pid()
    server.ensure()
    assert before == server.pid()


def test_killed_server_keeps_what_it_acknowledged(server):
    with connect(server, "wangge_owner") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value integer)")
        connection.execute("INSERT INTO kept VALUES (42)")
        killed = psutil.Process(server.pid())
        killed.kill()
        psutil.wait_procs([killed], timeout=10)
    assert server.status() is ServerState.STOPPED
    server.ensure()
    assert one(server, "wangge_owner", "SELECT max(value) FROM kept") == 42


def test_server_killed_under_open_connections_comes_back_at_once(server):
    opened = [connect(server, "wangge_app") for _ in range(4)]
    psutil.Process(server.pid()).kill()
    while server.pid() is not None:
        time.sleep(0.01)
    server.ensure()
    assert one(server, "wangge_app", "SELECT 1") == 1
    for connection in opened:
        connection.close()


def test_reason_of_a_failed_start_is_the_servers_own(server):
    server.stop()
    server.overrides["shared_buffers"] = "nonsense"
    with pytest.raises(Unavailable, match="contains errors"):
        server.ensure()
    server.overrides["shared_buffers"] = "16MB"
    server.ensure()


def test_pid_taken_over_by_another_program_does_not_stop_the_start(server):
    server.stop()
    pid_file = server.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{server.data}\n0\n5432\n{server.socket_folder}\n\n0 0\nready\n")
    assert server.status() is ServerState.STOPPED
    server.ensure()
    assert server.status() is ServerState.RUNNING


def test_stop_twice_is_stopped(server):
    server.stop()
    server.stop()
    assert server.status() is ServerState.STOPPED
    server.ensure()


def test_four_processes_ensure_one_server(server):
    server.stop()
    code = f"from core.db.embedded import *; from pathlib import Path; s = EmbeddedPostgres(Path({str(server.folder)!r})); s.ensure(); print(s.pid())"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    pids = {process.communicate(timeout=60)[0].strip() for process in running}
    assert {str(server.pid())} == pids


def test_half_made_data_is_made_again(tmp_path):
    made = EmbeddedPostgres(default_folder(tmp_path))
    try:
        server_account().own(made.folder)
        (made.folder / "data.new").mkdir()
        (made.folder / "data.new" / "remains").touch()
        assert made.status() is ServerState.ABSENT
        made.ensure()
        assert not (made.data / "remains").exists()
    finally:
        made.stop()
        shutil.rmtree(made.folder)


def test_data_of_another_major_version_is_refused(server):
    server.stop()
    mark = server.data / "PG_VERSION"
    real = mark.read_text()
    mark.write_text("17\n")
    try:
        with pytest.raises(Unavailable, match="written by PostgreSQL 17"):
            server.ensure()
    finally:
        mark.write_text(real)
    server.ensure()


def test_long_folder_gets_a_short_socket():
    server = EmbeddedPostgres(Path("/var") / ("long" * 30))
    assert len(str(server.socket_folder / ".s.PGSQL.5432")) <= 107
    assert server.socket_folder != EmbeddedPostgres(Path("/var") / ("lone" * 30)).socket_folder


def test_settings_cannot_open_the_network():
    text = server_config.settings_text(Path("/s"), "posix", {"listen_addresses": "*", "work_mem": "1'MB"})
    assert "listen_addresses = ''\n" in text
    assert "work_mem = '1''MB'\n" in text
