"""The embedded PostgreSQL: a real server on a private unix socket, made and kept by Wangge itself.

It needs no package of the machine and no password: the operating system vouches for who connects.
It must not know tables; those come with the migrations.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from core.db import server_config
from core.db.server_account import SYSTEM_FOLDER, ServerAccount, programs, server_account
from core.lib.errors import Unavailable
from core.lib.text import msg
from core.settings import Settings

_LONGEST_SOCKET_PATH = 107  # sun_path of the kernel, without its closing zero
_ENOUGH_SHARED_MEMORY = 256 * 1024 * 1024
_ORPHAN_PATIENCE = 10.0


class ServerState(StrEnum):
    """What the embedded server is doing."""

    ABSENT = "absent"
    STOPPED = "stopped"
    RUNNING = "running"


@dataclass(frozen=True)
class DatabaseURLs:
    """How to reach one database, as each of its three roles."""

    app: str
    owner: str
    scan: str


def default_folder(var: Path) -> Path:
    """Give the folder of the server for an installation that keeps its files in `var`.

    Root keeps it under /var/lib/wangge, because its system user could not enter a private home.
    """
    if os.geteuid() == 0:
        return SYSTEM_FOLDER / hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:12]
    return var.resolve() / "postgres"


class EmbeddedPostgres:
    """One server: its data, its socket, and the roles and database that Wangge starts from."""

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.overrides = dict(options or {})
        # One knob of the machine, not of Wangge: a larger one may give the server more memory.
        if shared_buffers := os.environ.get("WANGGE_POSTGRES_SHARED_BUFFERS"):
            self.overrides.setdefault("shared_buffers", shared_buffers)

    @classmethod
    def of(cls, settings: Settings) -> EmbeddedPostgres:
        """Give the server of an installation, whether or not it runs."""
        return cls(default_folder(settings.var))

    @property
    def socket_folder(self) -> Path:
        """Give the folder of the socket, at a path short enough for the kernel."""
        wished = self.folder / "socket"
        if len(os.fsencode(wished / f".s.PGSQL.{server_config.PORT}")) <= _LONGEST_SOCKET_PATH:
            return wished
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(f"/tmp/wangge-{os.geteuid()}-{digest}")  # noqa: S108 - made private, and refused when another's

    def urls(self, database: str = server_config.DATABASE) -> DatabaseURLs:
        """Give the URLs of a database of this server."""
        base = f"@/{database}?host={self.socket_folder}"
        return DatabaseURLs(
            *(f"postgresql+psycopg://{role}{base}" for role in (server_config.APP, server_config.OWNER, server_config.SCAN))
        )

    def ensure(self) -> DatabaseURLs:
        """Make and start the server as far as it is not yet so; safe to call from many processes at once."""
        account = server_account()
        account.own(self.folder)
        with self._locked():
            account.own(self.socket_folder)
            self._initialise(account)
            self._check_version(account)
            changed = self._configure(account)
            if self.status() is not ServerState.RUNNING:
                self._start(account)
                self._sql(account, "template1", server_config.roles_sql() + server_config.database_sql(server_config.DATABASE))
            elif changed:
                self._control(account, "reload")
        return self.urls()

    def stop(self) -> None:
        """Stop the server; connections still open are closed, and nothing committed is lost."""
        if self.status() is not ServerState.RUNNING:
            return
        with self._locked():
            try:
                self._control(server_account(), "stop", "-m", "fast", "-w", "-t", "60")
            except Unavailable:
                # It may have died by itself meanwhile, which is as good.
                if self.status() is ServerState.RUNNING:
                    raise

    @contextmanager
    def held(self) -> Iterator[DatabaseURLs]:
        """Keep the server running while the block lasts; stop it afterwards if nobody else holds it.

        Holders share a lock of the kernel, which goes with them however they end.
        """
        account = server_account()
        account.own(self.folder)
        with (self.folder / "holders").open("a") as holders:
            fcntl.flock(holders, fcntl.LOCK_SH)
            try:
                yield self.ensure()
            finally:
                self._stop_unless_held(holders.fileno())

    def _stop_unless_held(self, holders: int) -> None:
        try:
            fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        self.stop()

    def status(self) -> ServerState:
        """Tell what the server is doing, by its process and not by its pid file alone."""
        if not (self.data / "PG_VERSION").exists():
            return ServerState.ABSENT
        return ServerState.RUNNING if self.pid() is not None else ServerState.STOPPED

    def pid(self) -> int | None:
        """Give the process of the running server, or none; a pid taken over by another program does not count."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            process = psutil.Process(int(lines[0]))
            ready = len(lines) > 7 and lines[7].strip() == "ready"
            return process.pid if ready and self._is_ours(process) else None
        except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def recreate_database(self, name: str = server_config.DATABASE) -> None:
        """Throw a database away with everything in it, and make it anew, empty."""
        with self.held():
            account = server_account()
            self._sql(account, "template1", f"DROP DATABASE IF EXISTS {name} WITH (FORCE);\n{server_config.database_sql(name)}")

    def superuser_sql(self, database: str, statements: str) -> str:
        """Run statements as the server's superuser and give what psql prints; for maintenance, never for requests."""
        return self._sql(server_account(), database, statements)

    def program(self, name: str) -> Path:
        """Give the path of a client program of the server's own version, such as pg_dump."""
        return programs(server_account()) / name

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _initialise(self, account: ServerAccount) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        # Made beside and renamed, so that a start killed half-way is simply made again.
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        command: list[str | Path] = [
            programs(account) / "initdb",
            "-D",
            fresh,
            "-U",
            server_config.SUPERUSER,
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth-local=peer", "--auth-host=reject", "--no-instructions"]
        made = account.run(command, folder=self.folder)
        if made.returncode != 0:
            raise Unavailable(msg("db.initdb_failed", reason=_last_line(made.stderr)))
        with (fresh / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'wangge.conf'\n")
        fresh.rename(self.data)

    def _check_version(self, account: ServerAccount) -> None:
        written = (self.data / "PG_VERSION").read_text().strip()
        said = account.run([programs(account) / "postgres", "--version"], folder=self.folder).stdout
        installed = said.split()[-1].split(".")[0]
        if written != installed:
            raise Unavailable(msg("db.other_major_version", written=written, installed=installed, folder=str(self.data)))

    def _configure(self, account: ServerAccount) -> bool:
        shared = Path("/dev/shm")  # noqa: S108 - only measured
        roomy = shared.exists() and shutil.disk_usage(shared).free >= _ENOUGH_SHARED_MEMORY
        texts = {
            "wangge.conf": server_config.settings_text(self.socket_folder, "posix" if roomy else "mmap", self.overrides),
            "pg_hba.conf": server_config.access_text(),
            "pg_ident.conf": server_config.identity_text(account.client, account.name),
        }
        changed = [name for name, text in texts.items() if not (self.data / name).exists() or (self.data / name).read_text() != text]
        for name in changed:
            (self.data / name).write_text(texts[name])
            (self.data / name).chmod(0o600)
            os.chown(self.data / name, account.uid, account.gid)
        return bool(changed)

    def _start(self, account: ServerAccount) -> None:
        self._clear_remains()
        log = self.folder / "start.log"
        log.unlink(missing_ok=True)
        command: list[str | Path] = [programs(account) / "pg_ctl", "start", "-D", self.data, "-w", "-t", "120", "-s", "-l", log]
        if account.run(command, folder=self.folder).returncode != 0:
            raise Unavailable(
                msg("db.start_failed", reason=_last_line(log.read_text() if log.exists() else ""), log=str(self.data / "log"))
            )

    def _clear_remains(self) -> None:
        """Clear what a killed server left: children that outlive it, then lock files with a pid that seems to be alive.

        It may be another program's by now, or a dead process that nobody has fetched, as in a container without an init.
        """
        deadline = time.monotonic() + _ORPHAN_PATIENCE
        while orphans := [process for process in psutil.process_iter() if self._is_ours(process)]:
            if time.monotonic() > deadline:
                raise Unavailable(msg("db.orphans_remain", pids=", ".join(str(process.pid) for process in orphans)))
            for process in orphans:
                process.terminate()
            psutil.wait_procs(orphans, timeout=1)
        socket = self.socket_folder / f".s.PGSQL.{server_config.PORT}"
        for path in (self.data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
            path.unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and Path(process.cwd()) == self.data.resolve()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def _control(self, account: ServerAccount, *words: str) -> None:
        done = account.run([programs(account) / "pg_ctl", *words, "-D", self.data, "-s"], folder=self.folder)
        if done.returncode != 0:
            raise Unavailable(msg("db.control_failed", action=words[0], reason=_last_line(done.stderr)))

    def _sql(self, account: ServerAccount, database: str, statements: str) -> str:
        command: list[str | Path] = [programs(account) / "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"]
        command += ["-h", self.socket_folder, "-p", str(server_config.PORT), "-U", server_config.SUPERUSER, "-d", database]
        done = account.run(command, folder=self.folder, stdin=f"SET client_min_messages = warning;\n{statements}")
        if done.returncode != 0:
            raise Unavailable(msg("db.statement_failed", reason=_last_line(done.stderr)))
        return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "-"
