"""What was backed up comes back whole, or not at all."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import Engine, inspect, text

from core.db import archive, migrate
from core.db.backup import Place, backup, restore
from core.db.migrate import Component
from core.lib.errors import Conflict, Invalid, Unavailable

NOW = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
REVISION = '''
    """Make a table that shows each agency its own rows."""
    from alembic import op

    revision, down_revision, branch_labels, depends_on = "1", None, None, None


    def upgrade():
        op.execute("CREATE TABLE sample_note (agency_id integer, body text, path ltree)")
        op.execute("GRANT SELECT ON sample_note TO wangge_app")
        op.execute("ALTER TABLE sample_note ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE sample_note FORCE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY owner_all ON sample_note TO wangge_owner USING (true) WITH CHECK (true)")
        op.execute("CREATE POLICY own_agency ON sample_note TO wangge_app USING (agency_id = current_setting('wangge.agency')::integer)")
'''


@pytest.fixture
def component(tmp_path: Path) -> Component:
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "1.py").write_text(dedent(REVISION))
    return migrate.plugin_component("sample", folder)


@pytest.fixture
def source(engine: Engine, component: Component, tmp_path: Path) -> Place:
    migrate.upgrade(engine, [component])
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO sample_note VALUES (1, '甲区的记录', 'a.b'), (2, '乙区的记录', 'a.c')"))
    place = Place(engine, str(tmp_path / "source" / "attachments"), tmp_path / "source")
    photo = tmp_path / "source" / "attachments" / "ab" / "photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"\xff\xd8" + bytes(range(256)) * 5000)
    (tmp_path / "source" / "secrets.env").write_text("WANGGE_SECRET_KEY=x\n")
    return place


@pytest.fixture
def target(make_database, tmp_path: Path) -> Place:
    (tmp_path / "target").mkdir()
    return Place(make_database(), str(tmp_path / "target" / "attachments"), tmp_path / "target")


@pytest.fixture
def file(source: Place, component: Component, tmp_path: Path) -> Path:
    backup(source, tmp_path / "day.tar", [component], now=NOW)
    return tmp_path / "day.tar"


def rows(engine: Engine) -> list[tuple[int, str, str]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT agency_id, body, path::text FROM sample_note ORDER BY 1"))]


def test_restored_rows_of_every_agency_are_equal(source, target, file, component):
    restore(target, file, [component])
    assert rows(source.engine) == rows(target.engine) == [(1, "甲区的记录", "a.b"), (2, "乙区的记录", "a.c")]


def test_restored_attachments_are_equal(source, target, file, component):
    restore(target, file, [component])
    assert (target.var / "attachments/ab/photo.jpg").read_bytes() == (source.var / "attachments/ab/photo.jpg").read_bytes()


def test_restored_security_still_divides_agencies(target, file, component, as_app):
    restore(target, file, [component])
    with as_app(target.engine).connect() as connection:
        connection.execute(text("SELECT set_config('wangge.agency', '2', true)"))
        assert connection.execute(text("SELECT agency_id FROM sample_note")).scalars().all() == [2]


def test_restored_database_is_up_to_date(target, file, component):
    restore(target, file, [component])
    assert migrate.pending(target.engine, [component]) == []


def test_older_archive_is_migrated_by_restore(target, file, component):
    (component.versions / "2.py").write_text(
        'revision, down_revision = "2", "1"\nfrom alembic import op\n\n\ndef upgrade():\n    op.execute("CREATE TABLE sample_later (a integer)")\n'
    )
    migrate._script.cache_clear()
    restore(target, file, [component])
    assert "sample_later" in inspect(target.engine).get_table_names()


def test_archive_is_private(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_secrets_come_only_when_asked(source, target, file, component, tmp_path):
    assert "secrets.env" not in archive.check(file).checksums
    backup(source, tmp_path / "full.tar", [component], now=NOW, with_secrets=True)
    restore(target, tmp_path / "full.tar", [component])
    assert (target.var / "secrets.env").read_text() == "WANGGE_SECRET_KEY=x\n"
    assert stat.S_IMODE((target.var / "secrets.env").stat().st_mode) == 0o600


def test_existing_archive_is_not_overwritten(source, file, component):
    with pytest.raises(Conflict, match="exists already"):
        backup(source, file, [component], now=NOW)


def test_filled_database_is_refused(source, file, component):
    with pytest.raises(Conflict, match="not empty"):
        restore(source, file, [component])


def test_filled_attachments_are_refused(source, target, file, component):
    with pytest.raises(Conflict, match="attachment store"):
        restore(Place(target.engine, source.attachments_url, target.var), file, [component])


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_changed_byte_is_refused(target, file, component, place):
    content = bytearray(file.read_bytes())
    content[int(len(content) * place)] ^= 1
    file.write_bytes(content)
    with pytest.raises(Invalid):
        restore(target, file, [component])
    assert inspect(target.engine).get_table_names() == []


def test_cut_archive_is_refused(target, file, component):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(Invalid, match="not a whole backup"):
        restore(target, file, [component])


def test_archive_of_newer_release_is_refused(target, file, component, tmp_path):
    (component.versions / "1.py").unlink()
    migrate._script.cache_clear()
    with pytest.raises(Conflict, match="newer release"):
        restore(target, file, [component])


def test_archive_of_missing_plugin_is_refused(target, file):
    with pytest.raises(Conflict, match="install it first"):
        restore(target, file, [])


def test_failed_restore_can_be_tried_again(target, file, component):
    with target.engine.begin() as connection:
        connection.execute(text("CREATE TYPE sample_note AS ENUM ('in the way')"))
    with pytest.raises(Unavailable, match="pg_restore failed"):
        restore(target, file, [component])
    with target.engine.begin() as connection:
        connection.execute(text("DROP TYPE sample_note"))
    restore(target, file, [component])
    assert rows(target.engine)[0][1] == "甲区的记录"


def test_interrupted_backup_leaves_no_file(source, component, tmp_path, monkeypatch):
    monkeypatch.setattr("core.db.backup._add_attachments", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        backup(source, tmp_path / "day.tar", [component], now=NOW)
    assert [path.name for path in tmp_path.iterdir() if "day" in path.name or path.name.startswith(".")] == []
