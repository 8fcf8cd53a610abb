"""The demo district: seeded once, taken back when its seeding was killed, and whole after backup and restore."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.db.embedded import EmbeddedPostgres
from core.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def env_of(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return {**kept, "WANGGE_VAR": str(var), "WANGGE_LANG": "en", "WANGGE_PORT": "18987"}


def wangge(var: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments], env=env_of(var), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def server_of(var: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres.of(Settings.from_env(env_of(var)))


def counts(var: Path) -> dict[str, int]:
    with server_of(var).held() as urls:
        engine = create_engine(urls.owner)
        with engine.connect() as connection:
            tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).all()
            found = {table: connection.scalar(text(f'SELECT count(*) FROM "{table}"')) for table in tables}
            for view in ("pg_policies", "pg_indexes", "pg_trigger", "pg_constraint"):
                found[view] = connection.scalar(text(f"SELECT count(*) FROM {view}"))
        engine.dispose()
    return found


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    var = tmp_path_factory.mktemp("seeded")
    killed = subprocess.Popen([sys.executable, "-m", "core", "demo", "--seed-only"], env=env_of(var), stdout=subprocess.DEVNULL)
    while not (var / "demo.unfinished").exists():
        assert killed.poll() is None
        time.sleep(0.2)
    time.sleep(8)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    said = wangge(var, "demo", "--seed-only")
    assert "The last seeding was interrupted" in said
    yield var
    server_of(var).stop()
    shutil.rmtree(server_of(var).folder)


def test_seeding_begun_again_makes_the_whole_district(seeded):
    found = counts(seeded)
    assert found["record"] == 168_339
    assert found["agency"] == 2
    assert found["cases"] >= 6_000
    assert not (seeded / "demo.unfinished").exists()


def test_sign_ins_are_kept_for_this_user_alone(seeded):
    path = seeded / "demo-users.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {"username", "password", "role", "agency"} <= set(json.loads(path.read_text())[0])


def test_second_demo_changes_nothing(seeded):
    before, users = counts(seeded), (seeded / "demo-users.json").read_text()
    wangge(seeded, "demo", "--seed-only")
    assert counts(seeded) == before
    assert (seeded / "demo-users.json").read_text() == users


def test_district_comes_back_whole_from_a_backup(seeded, tmp_path):
    archive, fresh = tmp_path / "district.tar", tmp_path / "fresh"
    wangge(seeded, "backup", str(archive))
    wangge(fresh, "restore", str(archive))
    try:
        assert counts(fresh) == counts(seeded)
        assert json.loads(wangge(fresh, "audit", "verify", "--json"))["broken"] == []
        kept = sorted(path.relative_to(seeded) for path in (seeded / "attachments").rglob("*") if path.is_file())
        assert sorted(path.relative_to(fresh) for path in (fresh / "attachments").rglob("*") if path.is_file()) == kept
    finally:
        server_of(fresh).stop()
        shutil.rmtree(server_of(fresh).folder)
