"""Where the bytes are: a folder, or whatever fsspec reaches by URL."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import fsspec

from core.lib.errors import NotFound
from core.lib.text import msg
from core.settings import Settings


class Store:
    """Bytes by agency and UUID; written once, never changed."""

    def __init__(self, url: str) -> None:
        self.url = url

    @classmethod
    def of(cls, settings: Settings) -> Store:
        """Open the store of an installation."""
        return cls(settings.attachments_url or f"file://{settings.var / 'attachments'}")

    @cached_property
    def _place(self) -> tuple[Any, str]:
        found: tuple[Any, str] = fsspec.core.url_to_fs(self.url)
        return found

    def path(self, agency_id: int, uuid: UUID, part: str) -> str:
        """Name the place of one file; two levels of folders keep each small."""
        text = uuid.hex
        return f"{self._place[1]}/{agency_id}/{text[-2:]}/{text}.{part}"

    def write(self, agency_id: int, uuid: UUID, part: str, data: bytes) -> None:
        """Write ``data``; it is there whole or not at all, and on disk when this returns."""
        filesystem, _ = self._place
        path = self.path(agency_id, uuid, part)
        filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        partial = f"{path}.{uuid4().hex[:8]}.partial"
        with filesystem.open(partial, "wb") as out:
            out.write(data)
            out.flush()
            if "file" in _protocols(filesystem):
                os.fsync(out.fileno())
        filesystem.mv(partial, path)

    def read(self, agency_id: int, uuid: UUID, part: str) -> bytes:
        """Read a file; raise NotFound when its bytes are gone."""
        filesystem, _ = self._place
        try:
            found: bytes = filesystem.cat_file(self.path(agency_id, uuid, part))
        except FileNotFoundError:
            raise NotFound(msg("attachments.bytes_gone")) from None
        return found

    def delete(self, agency_id: int, uuid: UUID) -> None:
        """Delete every part of a file."""
        filesystem, _ = self._place
        for part in ("data", "thumbnail"):
            path = self.path(agency_id, uuid, part)
            if filesystem.exists(path):
                filesystem.rm_file(path)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)
