"""The archive of a backup: a tar file of members whose checksums stand in its last member, the manifest.

It knows nothing of what the members hold.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from core.lib.errors import Invalid
from core.lib.text import msg

_MANIFEST = "manifest.json"
_FORMAT = 1
_CHUNK = 1024 * 1024


@dataclass
class Manifest:
    """What an archive holds: by which release it was made and when, and the checksum of each member."""

    version: str
    made_at: str
    server_version: str
    heads: dict[str, list[str]]
    checksums: dict[str, str] = field(default_factory=dict)
    format: int = _FORMAT


class ArchiveWriter:
    """Writes members one after the other and remembers their checksums."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self._manifest = tar, manifest

    def add(self, name: str, content: IO[bytes], size: int) -> None:
        """Write one member; `content` must have exactly `size` bytes."""
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        summed = _Summed(content)
        self._tar.addfile(member, summed)
        self._manifest.checksums[name] = summed.digest()

    def close(self) -> None:
        """Write the manifest, which ends the archive: without it an archive was cut off."""
        text = json.dumps(asdict(self._manifest), ensure_ascii=False, indent=1).encode()
        member = tarfile.TarInfo(_MANIFEST)
        member.size, member.mode = len(text), 0o600
        self._tar.addfile(member, io.BytesIO(text))


class _Summed:
    """A reader that sums what passes through it."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content, self._sum = content, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        part = self._content.read(size)
        self._sum.update(part)
        return part

    def digest(self) -> str:
        return self._sum.hexdigest()


@contextmanager
def writing(target: Path, manifest: Manifest) -> Iterator[ArchiveWriter]:
    """Write an archive beside `target` and move it there when it is whole; only its owner may read it."""
    fresh = target.with_name(f".{target.name}.part")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with tarfile.open(fileobj=file, mode="w") as tar:
                writer = ArchiveWriter(tar, manifest)
                yield writer
                writer.close()
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(target)
    finally:
        fresh.unlink(missing_ok=True)


def check(source: Path) -> Manifest:
    """Read the whole archive once and compare every checksum; raise Invalid when it is not whole and unchanged."""
    try:
        with tarfile.open(source, "r:") as tar:
            sums = {member.name: _sum_of(tar, member) for member in tar if member.name != _MANIFEST}
            manifest = _manifest_of(tar)
    except (tarfile.TarError, KeyError, ValueError, TypeError, OSError) as error:
        raise Invalid(msg("db.broken_archive", file=str(source), reason=f"{type(error).__name__}: {error}")) from error
    wrong = sorted({name for name, _ in sums.items() ^ manifest.checksums.items()})
    if wrong:
        raise Invalid(msg("db.changed_archive", file=str(source), member=wrong[0], count=len(wrong)))
    return manifest


def _manifest_of(tar: tarfile.TarFile) -> Manifest:
    content = tar.extractfile(_MANIFEST)
    if content is None:
        raise KeyError(_MANIFEST)
    values: dict[str, Any] = json.load(content)
    manifest = Manifest(**values)
    if manifest.format != _FORMAT:
        raise ValueError(f"format {manifest.format}")
    return manifest


def _sum_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = tar.extractfile(member)
    if content is None or not _is_plain(member.name):
        raise ValueError(f"member {member.name!r}")
    total = hashlib.sha256()
    while part := content.read(_CHUNK):
        total.update(part)
    return total.hexdigest()


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def read_members(source: Path, use: Callable[[str, IO[bytes]], None]) -> None:
    """Call `use(name, content)` for every member but the manifest, in the order they were written."""
    with tarfile.open(source, "r:") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if member.name != _MANIFEST and content is not None:
                use(member.name, content)
