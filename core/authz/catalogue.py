"""Every right that exists in this process: what is not registered cannot be granted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.authz.right import Right

_rights: dict[str, Right] = {}


def register_rights(rights: Iterable[Right]) -> None:
    """Add rights at start-up; the same right twice is fine, two different ones under one key are a mistake (ValueError)."""
    for right in rights:
        known = _rights.setdefault(str(right.key), right)
        if known != right:
            raise ValueError(f"two different rights are called {right.key!r}")


def known_rights() -> Mapping[str, Right]:
    """Give every registered right by its key."""
    return _rights
