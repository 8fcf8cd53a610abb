"""Discovery, validation and calling.

Every installed plugin is loaded at boot; one that cannot be imported or does
not fit this version is skipped, kept with its reason, and hurts nobody. Which
plugins answer is decided at call time from the agency's switches.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import hookspecs
from core.db.epoch import EpochCache
from core.pluginmanager.manifest import PluginManifest
from core.pluginmanager.models import AgencyPlugin
from core.version import VERSION

log = logging.getLogger(__name__)

ENTRY_POINTS = "wangge.plugins"


@dataclass(frozen=True)
class FailedPlugin:
    """A plugin that was skipped, and why."""

    key: str
    reason: str


class Plugins:
    """The loaded plugins of one process; tests make their own."""

    def __init__(self) -> None:
        self._pm = pluggy.PluginManager(hookspecs.PROJECT)
        self._pm.add_hookspecs(hookspecs)
        self.manifests: dict[str, PluginManifest] = {}
        self.failed: list[FailedPlugin] = []
        self._switches: EpochCache[frozenset[str]] = EpochCache()

    def discover(self) -> None:
        """Load every installed plugin, by entry point, in the order of their names."""
        for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda found: found.name):
            try:
                module = entry.load()
            except Exception as error:  # noqa: BLE001  # a plugin may fail in any way and must not stop the others
                self._skip(entry.name, f"{type(error).__name__}: {error}")
            else:
                self.register(entry.name, module)

    def register(self, key: str, module: Any) -> None:
        """Validate and register one plugin module; a misfit is recorded, not raised."""
        reason = _misfit(key, module)
        if reason is None:
            try:
                self._pm.register(module, name=key)
                self._pm.check_pending()
            except Exception as error:  # noqa: BLE001  # pluggy refuses unknown hooks and wrong arguments in several ways
                reason = str(error)
                self._pm.unregister(name=key)
        if reason is None:
            self.manifests[key] = module.manifest
        else:
            self._skip(key, reason)

    def _skip(self, key: str, reason: str) -> None:
        log.error("plugin %s is skipped: %s", key, reason)
        self.failed.append(FailedPlugin(key, reason))

    def collect(self, hook: str) -> dict[str, Any]:
        """Call a ``register_*`` hook of every plugin; give the answers by plugin key."""
        answers: dict[str, Any] = {}
        for key in list(self.manifests):
            implementation = getattr(self._pm.get_plugin(key), hook, None)
            if implementation is None:
                continue
            try:
                answers[key] = implementation()
            except Exception as error:  # noqa: BLE001  # as above: isolate the failing plugin
                self._drop(key, f"{hook}: {type(error).__name__}: {error}")
        return answers

    def routes(self) -> list[Any]:
        """Give the routes of every plugin; one that brings routes which switching it off would not close is skipped."""
        found: list[Any] = []
        for key, groups in self.collect("register_routes").items():
            if all(group.plugin == key for group in groups):
                found += groups
            else:
                self._drop(key, f"register_routes: every group must be Routes(…, plugin={key!r})")
        return found

    def _drop(self, key: str, reason: str) -> None:
        self._pm.unregister(name=key)
        del self.manifests[key]
        self._skip(key, reason)

    def enabled(self, session: Session) -> frozenset[str]:
        """Give the keys of the loaded plugins that the session's agency has switched on."""
        agency_id = getattr(session, "agency_id", None)

        def read() -> frozenset[str]:
            switched_on = session.scalars(select(AgencyPlugin.plugin).where(AgencyPlugin.enabled))
            return frozenset(switched_on) & self.manifests.keys()

        return self._switches.get(session, agency_id, read)

    def is_enabled(self, session: Session, plugin: str) -> bool:
        """Say whether ``plugin`` is on for the session's agency."""
        return plugin in self.enabled(session)

    def resolve(self, session: Session, hook: str, **arguments: Any) -> Any:
        """Ask a ``resolve_*`` hook of the enabled plugins; the first answer wins."""
        return self._caller(session, hook)(session=session, **arguments)

    def check(self, session: Session, hook: str, **arguments: Any) -> None:
        """Call a ``check_*`` hook of the enabled plugins; what they raise is the veto."""
        self._caller(session, hook)(session=session, **arguments)

    def watchers(self, session: Session, workflow: str, state: str) -> list[str]:
        """Name the enabled plugins that watch for cases of ``workflow`` to enter ``state``, for one task each."""
        on = self.enabled(session)
        return [key for key, manifest in self.manifests.items() if state in manifest.watches.get(workflow, ()) and key in on]

    def tell(self, session: Session, plugin: str, hook: str, **arguments: Any) -> None:
        """Call an after-commit hook of one plugin, if it is still on."""
        if self.is_enabled(session, plugin):
            others = [module for name, module in self._pm.list_name_plugin() if name != plugin]
            self._pm.subset_hook_caller(hook, remove_plugins=others)(session=session, **arguments)

    def _caller(self, session: Session, hook: str) -> pluggy.HookCaller:
        on = self.enabled(session)
        off = [module for name, module in self._pm.list_name_plugin() if name not in on]
        return self._pm.subset_hook_caller(hook, remove_plugins=off)


def _misfit(key: str, module: Any) -> str | None:
    manifest = getattr(module, "manifest", None)
    if not isinstance(manifest, PluginManifest):
        return "its module has no `manifest = PluginManifest(…)`"
    if manifest.key != key:
        return f"its manifest says {manifest.key!r} but its entry point says {key!r}"
    try:
        fits = SpecifierSet(manifest.requires_core).contains(VERSION, prereleases=True)
    except InvalidSpecifier:
        return f"requires_core {manifest.requires_core!r} is not a version range"
    return None if fits else f"it needs core {manifest.requires_core} and this is {VERSION}"


@cache
def plugins() -> Plugins:
    """Give the process's plugins, discovered once."""
    found = Plugins()
    found.discover()
    return found
