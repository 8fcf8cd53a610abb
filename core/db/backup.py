"""Backup and restore: the whole database and every attachment in one archive that can prove itself whole.

The dump is PostgreSQL's own, so it also carries an installation to a server of another
major version. It must not know which plugins exist: the caller names the components.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import fsspec
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from core.db import archive, migrate
from core.db.archive import ArchiveWriter, Manifest
from core.db.migrate import Component
from core.lib.errors import Conflict, Unavailable
from core.lib.text import msg
from core.settings import Settings
from core.version import VERSION

_DUMP = "database.dump"
_ATTACHMENTS = "attachments/"
_SECRETS = "secrets.env"
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Place:
    """What is backed up or restored: the database as its owner, the attachments, and the folder of secrets."""

    engine: Engine
    attachments_url: str
    var: Path

    @classmethod
    def of(cls, settings: Settings, engine: Engine) -> Place:
        """Give the place of an installation."""
        return cls(engine, settings.attachments_url or str(settings.var / "attachments"), settings.var)


def backup(place: Place, target: Path, components: Sequence[Component], *, now: datetime, with_secrets: bool = False) -> Manifest:
    """Write everything into the archive `target`, while the installation goes on; refuses to overwrite a file.

    The database comes first: an attachment is stored before its row and never changes, so
    every row of the dump finds its file.
    """
    if target.exists():
        raise Conflict(msg("db.archive_exists", file=str(target)))
    manifest = Manifest(VERSION, now.isoformat(), _server_version(place.engine), _heads(place.engine, components))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".wangge-") as work, archive.writing(target, manifest) as writer:
        dump = Path(work) / _DUMP
        # The owner's policy shows it every row; without the option pg_dump refuses tables that force row-level security.
        arguments = ["--format=custom", "--enable-row-security", "--no-owner", "--no-comments", "--file", str(dump)]
        _run("pg_dump", place.engine, arguments)
        _add_file(writer, _DUMP, dump)
        _add_attachments(writer, place.attachments_url)
        if with_secrets and (place.var / _SECRETS).exists():
            _add_file(writer, _SECRETS, place.var / _SECRETS)
    return manifest


def restore(place: Place, source: Path, components: Sequence[Component]) -> Manifest:
    """Read an archive into an empty installation, then migrate it to this release.

    Raises Conflict when anything is there already or the archive is of a newer release, Invalid
    when it is not whole. A restore that fails in the database leaves that empty.
    """
    manifest = archive.check(source)
    _refuse_newer(manifest, components)
    _refuse_filled(place)
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".wangge-") as work:
        with _emptied_on_failure(place.attachments_url):
            archive.read_members(source, lambda name, content: _take_member(place, Path(work), name, content))
            _restore_database(place.engine, Path(work) / _DUMP)
    migrate.upgrade(place.engine, components)
    return manifest


def _restore_database(engine: Engine, dump: Path) -> None:
    arguments = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-comments", f"--dbname={engine.url.database}"]
    _run("pg_restore", engine, [*arguments, str(dump)])


@contextmanager
def _emptied_on_failure(attachments_url: str) -> Iterator[None]:
    """Take back the attachments of a restore that failed, so that it can be tried again."""
    try:
        yield
    except BaseException:
        store, root = fsspec.core.url_to_fs(attachments_url)
        if store.exists(root):
            store.rm(root, recursive=True)
        raise


def _add_file(writer: ArchiveWriter, name: str, path: Path) -> None:
    with path.open("rb") as content:
        writer.add(name, content, path.stat().st_size)


def _add_attachments(writer: ArchiveWriter, url: str) -> None:
    store, root = fsspec.core.url_to_fs(url)
    if not store.exists(root):
        return
    for path, facts in sorted(store.find(root, detail=True).items()):
        with store.open(path, "rb") as content:
            writer.add(_ATTACHMENTS + path[len(root) :].lstrip("/"), content, facts["size"])


def _take_member(place: Place, work: Path, name: str, content: IO[bytes]) -> None:
    if name.startswith(_ATTACHMENTS):
        store, root = fsspec.core.url_to_fs(place.attachments_url)
        path = f"{root}/{name.removeprefix(_ATTACHMENTS)}"
        store.makedirs(path.rpartition("/")[0], exist_ok=True)
        with store.open(path, "wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
    elif name == _DUMP:
        with (work / _DUMP).open("wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
    elif name == _SECRETS:
        descriptor = os.open(place.var / _SECRETS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(content, file, _CHUNK)


def _heads(engine: Engine, components: Sequence[Component]) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {
            component.key: list(MigrationContext.configure(connection, opts={"version_table": component.version_table}).get_current_heads())
            for component in components
        }


def _refuse_newer(manifest: Manifest, components: Sequence[Component]) -> None:
    known = {component.key: component for component in components}
    for key, heads in manifest.heads.items():
        if heads and key not in known:
            raise Conflict(msg("db.archive_of_missing_plugin", plugin=key))
        if heads and not migrate.knows(known[key], heads):
            raise Conflict(msg("db.archive_of_newer_release", made_by=manifest.version, version=VERSION))


def _refuse_filled(place: Place) -> None:
    with place.engine.connect() as connection:
        tables = connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
    if tables:
        raise Conflict(msg("db.restore_into_filled_database", database=place.engine.url.database, count=tables))
    store, root = fsspec.core.url_to_fs(place.attachments_url)
    if store.exists(root) and store.find(root):
        raise Conflict(msg("db.restore_over_attachments", folder=place.attachments_url))


def _server_version(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("SHOW server_version")))


def _run(program: str, engine: Engine, arguments: list[str]) -> None:
    path = _client_program(program, int(_server_version(engine).split(".")[0]))
    env = _client_environment(engine.url)
    done = subprocess.run([path, *arguments], env=env, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise Unavailable(msg("db.client_failed", program=program, reason=lines[0] if lines else "-"))


def _client_environment(url: URL) -> dict[str, str]:
    # By environment and not by argument: every user of the machine can read the arguments of a process.
    given = {
        "PGHOST": url.query.get("host") or url.host,
        "PGPORT": url.query.get("port") or url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": url.query.get("sslmode"),
        "PGSSLROOTCERT": url.query.get("sslrootcert"),
    }
    return {"PATH": os.environ.get("PATH", os.defpath), **{name: str(value) for name, value in given.items() if value}}


def _client_program(name: str, server_major: int) -> Path:
    """Find the program of the server's own major version, else the newest that is installed.

    An older pg_dump refuses a newer server, and a newer pg_restore may say what an older server does not know.
    """
    from core.db.server_account import programs, server_account  # noqa: PLC0415 - not wanted on a machine without the wheel

    places = [Path(f"/usr/lib/postgresql/{server_major}/bin/{name}"), Path(shutil.which(name) or "/nonexistent")]
    try:
        places.append(programs(server_account()) / name)
    except Unavailable:
        places.append(Path("/nonexistent"))
    found = {path: _major(path) for path in places if path.exists()}
    exact = [path for path, major in found.items() if major == server_major]
    newer = sorted((path for path, major in found.items() if major > server_major), key=lambda path: found[path])
    if not exact and not newer:
        raise Unavailable(msg("db.no_client_program", program=name, version=server_major))
    return (exact or newer)[0]


def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - a fixed program
    match = re.search(r"\) (\d+)", said)
    return int(match[1]) if match else 0
