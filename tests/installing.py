"""Installing a plugin that lives outside the project, as pip would, and taking every trace of it away again."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import parts
from core.authz import catalogue
from core.db.base import Base
from core.db.epoch import forget_all
from core.grid.service import succession
from core.health import views as health
from core.lib import text
from core.pluginmanager import Plugins, plugins


@contextmanager
def installed(package: Path, site: Path, *, key: str) -> Iterator[Plugins]:
    """Copy ``package`` to ``site``, enter it as the plugin ``key`` and load it into this process; undo all of it at the end."""
    if package.parent != site:
        shutil.copytree(package, site / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    (site / package.name / "migrations").mkdir(exist_ok=True)
    about = site / f"{package.name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[wangge.plugins]\n{key} = {package.name}.plugin\n")
    sys.path.insert(0, str(site))
    _start_anew()
    try:
        yield plugins()
    finally:
        sys.path.remove(str(site))
        _forget(package.name, key)
        _start_anew()


def _start_anew() -> None:
    """Let the process ask again what is installed."""
    importlib.invalidate_caches()
    for cached in (plugins, parts.load, health.components, text._catalogue):
        cached.cache_clear()
    forget_all()
    parts.load()


def _forget(package: str, key: str) -> None:
    for mapper in [one for one in Base.registry.mappers if one.class_.__module__.split(".")[0] == package]:
        Base.metadata.remove(mapper.local_table)
        Base.registry._dispose_cls(mapper.class_)
        mapper._set_dispose_flags()
    for follower in [one for one in succession.registered() if one.follow.__module__.split(".")[0] == package]:
        del succession._followers[follower.name]
    for right in [one for one in catalogue._rights if one.startswith(f"{key}:")]:
        del catalogue._rights[right]
    for module in [one for one in sys.modules if one.split(".")[0] == package]:
        del sys.modules[module]
