"""What a plugin says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable

from core.lib.text import Title


@dataclass(frozen=True)
class PluginManifest:
    """The head of a plugin's ``plugin.py``.

    ``definitions`` is the package folder that holds ``ledgers/``, ``forms/``,
    ``workflows/``, ``catalogues/`` and ``roles/``. ``migrations`` is a folder of
    Alembic versions when the plugin has tables of its own (prefixed by its key).
    ``watches`` names, by workflow key, the states whose entering ``case_moved``
    tells the plugin; nothing else is written for it after a step.
    """

    key: str
    title: Title
    version: str
    requires_core: str
    definitions: Traversable
    migrations: Traversable | None = None
    description: Title | None = None
    watches: Mapping[str, Collection[str]] = field(default_factory=dict)
