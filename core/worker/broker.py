"""The default broker: messages as files, each one whole before it can be seen and taken by one reader only.

Kombu's own transport writes a message under its final name, so that a reader may
meet half of one, and takes messages through the machine's temporary folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from queue import Empty
from time import time_ns
from typing import Any
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, filesystem

SCHEME = "wangge-files"
TRANSPORT_ALIASES[SCHEME] = "core.worker.broker:FileTransport"


class FileChannel(filesystem.Channel):
    """A channel that puts and takes each message by a rename."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]  # noqa: ARG002 - of the base class
        name = f"{time_ns()}-{uuid4().hex}.{queue}.msg"
        fresh = Path(self.data_folder_out) / f".{name}"
        fresh.write_text(json.dumps(payload), "utf-8")
        fresh.rename(fresh.with_name(name))

    def _get(self, queue: str, timeout: float | None = None) -> Any:  # noqa: ARG002 - of the base class
        names = sorted(path.name for path in Path(self.data_folder_in).iterdir())
        for name in names:
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = Path(self.processed_folder) / name
            try:
                (Path(self.data_folder_in) / name).rename(taken)
            except FileNotFoundError:
                continue  # Another reader was faster.
            text = taken.read_text("utf-8")
            taken.unlink()
            return json.loads(text)
        raise Empty


class FileTransport(filesystem.Transport):
    """Kombu's transport over files, with our channel."""

    Channel = FileChannel


def options(folder: Path) -> dict[str, Any]:
    """Give the transport's options for messages in `folder`, and make the folders it needs."""
    places = {name: folder / name for name in ("queue", "taken", "control")}
    for place in places.values():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "data_folder_in": str(places["queue"]),
        "data_folder_out": str(places["queue"]),
        "processed_folder": str(places["taken"]),
        "control_folder": str(places["control"]),
        "polling_interval": 0.2,
    }


def clear(folder: Path) -> None:
    """Throw away what an earlier run left: only nudges are lost, and the beat sends new ones."""
    for path in folder.glob("*/*"):
        if path.is_file():
            path.unlink(missing_ok=True)
