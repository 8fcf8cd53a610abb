"""Whether a plugin fits: each function gives the reason why it does not, or None."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Collection, Iterable
from importlib import import_module
from importlib.resources.abc import Traversable
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

import core
from core import hookspecs
from core.pluginmanager.manifest import PluginManifest
from core.version import VERSION

KEY = re.compile(r"[a-z][a-z0-9_]{2,39}")
RESERVED = {"core", "library", "plugins", *(found.name for found in pkgutil.iter_modules(core.__path__))}
"""Keys that would be taken for the base's own: its packages name rights, messages and definitions too."""

_HOOKS = frozenset(name for name, found in vars(hookspecs).items() if hasattr(found, f"{hookspecs.PROJECT}_spec"))


def misfit(key: str, module: Any) -> str | None:
    """Judge the module by itself: its manifest, the range of versions, and whether its hooks are marked as such."""
    manifest = getattr(module, "manifest", None)
    if not isinstance(manifest, PluginManifest):
        return "its module has no `manifest = PluginManifest(…)`"
    if manifest.key != key:
        return f"its manifest says {manifest.key!r} but its entry point says {key!r}"
    if not KEY.fullmatch(key) or key in RESERVED:
        return f"its key {key!r} must be 3 to 40 of a-z, 0-9 and _, begin with a letter, and be no package of the base"
    try:
        fits = SpecifierSet(manifest.requires_core).contains(VERSION, prereleases=True)
    except InvalidSpecifier:
        return f"requires_core {manifest.requires_core!r} is not a version range"
    if not fits:
        return f"it needs core {manifest.requires_core} and this is {VERSION}"
    folder: object = manifest.definitions
    if not isinstance(folder, Traversable):
        return f"definitions {folder!r} is no folder: use importlib.resources.files or pathlib.Path"
    return _wrong_marks(module)


def _wrong_marks(module: Any) -> str | None:
    for name, found in vars(module).items():
        if not inspect.isfunction(found):
            continue
        mark = getattr(found, f"{hookspecs.PROJECT}_impl", None)
        if name in _HOOKS and mark is None:
            return f"{name} is named as a hook but not decorated with @hookimpl, so it would never be called"
        if mark and (mark["wrapper"] or mark["hookwrapper"]):
            return f"{name} is a wrapper: a plugin answers for itself and wraps nobody"
    return None


def import_models(module: Any) -> None:
    """Map the tables of a plugin that has some: they stand in ``models.py`` beside its ``plugin.py``."""
    if module.manifest.migrations is not None:
        import_module(f"{module.__package__ or module.__name__}.models")


def rights_misfit(key: str, rights: Iterable[Any]) -> str | None:
    """Judge the rights that a plugin brings: its own alone, each once."""
    keys = [str(right.key) for right in rights]
    foreign = [one for one in keys if not one.startswith(f"{key}:")]
    if foreign:
        return f"{foreign[0]!r} does not begin with {key + ':'!r}"
    return None if len(set(keys)) == len(keys) else "two rights have one key"


def routes_misfit(key: str, groups: Iterable[Any], taken: Collection[str]) -> str | None:
    """Judge the routes that a plugin brings: under its own name, closed with it, and each once."""
    if any(group.plugin != key or group.group != key for group in groups):
        return f"every group must be Routes({key!r}, plugin={key!r})"
    routes = [route for group in groups for route in group.all]
    stray = [route.path for route in routes if f"{route.path}/".split("/")[1] != key]
    if stray:
        return f"{stray[0]} does not begin with /{key}"
    if routes and key in taken:
        return f"/{key} is a resource of the base"
    names = [route.name for route in routes]
    return None if len(set(names)) == len(names) else "two of its views have one name"
