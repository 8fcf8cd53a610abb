"""A right: the smallest thing that a role can bundle."""

from __future__ import annotations

from dataclasses import dataclass

from core.lib.text import Title


@dataclass(frozen=True)
class Right:
    """``key`` is ``plugin:resource:action``; ``title`` is what an admin reads."""

    key: str
    title: Title
    reads_personal_data: bool = False
