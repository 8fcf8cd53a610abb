"""The machine's secrets: made once, kept in `var/secrets.env` for this user's eyes only, never shown."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from core.settings import SECRET_NAMES


def ensure_secrets(var: Path) -> list[str]:
    """Make the secrets that neither the environment nor the file has; return the names made."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = var / "secrets.env"
    known = {line.split("=", 1)[0].strip() for line in path.read_text("utf-8").splitlines() if "=" in line} if path.exists() else set()
    missing = [name for name in SECRET_NAMES if name not in known and not os.environ.get(name)]
    if missing:
        append_private(path, "".join(f"{name}={secrets.token_urlsafe(48)}\n" for name in missing))
    return missing


def append_private(path: Path, text: str) -> None:
    """Append to a file that only its owner may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    append_private(fresh, text)
    fresh.rename(path)
