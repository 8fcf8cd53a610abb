"""Each component migrates by itself, once, whoever else upgrades at the same time."""

from __future__ import annotations

import threading
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import inspect, text

from core.db import migrate
from core.db.migrate import Component

REVISION = '''
    """Make a table of the plugin."""
    import sqlalchemy as sa
    from alembic import op

    revision, down_revision, branch_labels, depends_on = "{number}", {previous!r}, None, None


    def upgrade():
        op.create_table("sample_{number}", sa.Column("id", sa.Integer, primary_key=True))


    def downgrade():
        op.drop_table("sample_{number}")
'''


@pytest.fixture
def sample(tmp_path: Path) -> Component:
    write(tmp_path, "1", None)
    return migrate.plugin_component("sample", tmp_path)


def write(folder: Path, number: str, previous: str | None) -> None:
    (folder / f"{number}.py").write_text(dedent(REVISION).format(number=number, previous=previous))
    migrate._script.cache_clear()


def test_pending_names_what_upgrade_will_run(engine, sample):
    assert [found.revision for found in migrate.pending(engine, [sample])] == ["1"]
    assert [found.revision for found in migrate.upgrade(engine, [sample])] == ["1"]
    assert migrate.pending(engine, [sample]) == []


def test_upgrade_twice_runs_nothing(engine, sample):
    migrate.upgrade(engine, [sample])
    assert migrate.upgrade(engine, [sample]) == []


def test_later_revision_runs_alone(engine, sample, tmp_path):
    migrate.upgrade(engine, [sample])
    write(tmp_path, "2", "1")
    assert [found.revision for found in migrate.upgrade(engine, [sample])] == ["2"]


def test_component_has_its_own_version_table(engine, sample):
    migrate.upgrade(engine, [sample])
    assert {"alembic_version_sample", "sample_1"} == set(inspect(engine).get_table_names())


def test_application_may_read_the_version(engine, sample, as_app):
    migrate.upgrade(engine, [sample])
    assert migrate.pending(as_app(engine), [sample]) == []


def test_deleted_plugin_stops_nobody(engine, sample, tmp_path):
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    migrate.upgrade(engine, [sample])
    (tmp_path / "1.py").unlink()
    other = migrate.plugin_component("other", other_folder)
    assert migrate.upgrade(engine, [other]) == []


def test_newer_database_is_left_alone(engine, sample, tmp_path):
    migrate.upgrade(engine, [sample])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version_sample SET version_num = '99'"))
    assert migrate.pending(engine, [sample]) == []


def test_two_upgrades_at_once_run_each_revision_once(engine, sample):
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append([one.revision for one in migrate.upgrade(engine, [sample])])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [[], ["1"]]


def test_failed_migration_leaves_nothing_of_itself(engine, sample, tmp_path):
    migrate.upgrade(engine, [sample])
    write(tmp_path, "2", "1")
    path = tmp_path / "2.py"
    path.write_text(path.read_text().replace("def downgrade", "    raise RuntimeError\n\n\ndef downgrade"))
    with pytest.raises(RuntimeError):
        migrate.upgrade(engine, [sample])
    assert "sample_2" not in inspect(engine).get_table_names()
    assert [found.revision for found in migrate.pending(engine, [sample])] == ["2"]


def test_downgrade_takes_the_tables_away(engine, sample):
    migrate.upgrade(engine, [sample])
    migrate.downgrade(engine, sample)
    assert {"alembic_version_sample"} == set(inspect(engine).get_table_names())
