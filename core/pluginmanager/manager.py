"""Discovery and calling.

Every installed plugin is loaded at boot; one that cannot be imported or does
not fit this version is skipped, kept with its reason, and hurts nobody. Which
plugins answer is decided at call time from the agency's switches.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import pluggy
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import hookspecs
from core.db.epoch import EpochCache
from core.lib.errors import Unavailable, WanggeError
from core.lib.text import msg
from core.pluginmanager import fitness
from core.pluginmanager.manifest import PluginManifest
from core.pluginmanager.models import AgencyPlugin
from core.settings import Settings

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
        reason = fitness.misfit(key, module) or self._refused(key, module)
        if reason is None:
            self.manifests[key] = module.manifest
        else:
            self._skip(key, reason)

    def _refused(self, key: str, module: Any) -> str | None:
        if key in self.manifests:
            return "another plugin of this name is loaded already"
        try:
            fitness.import_models(module)
            self._pm.register(module, name=key)
            self._pm.check_pending()
        except Exception as error:  # noqa: BLE001  # pluggy refuses unknown hooks and wrong arguments in several ways; models may fail in any
            if self._pm.get_plugin(key) is not None:
                self._pm.unregister(name=key)
            return f"{type(error).__name__}: {error}"
        return None

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

    def rights(self) -> list[Any]:
        """Give the rights of every plugin; one that brings another owner's is skipped."""
        return self._contributed("register_permissions", fitness.rights_misfit)

    def routes(self, taken: Collection[str] = ()) -> list[Any]:
        """Give the routes of every plugin; one is skipped whose routes switching it off would not close, or that meet others'.

        ``taken`` holds the first words of core's own paths.
        """
        return self._contributed("register_routes", lambda key, groups: fitness.routes_misfit(key, groups, taken))

    def _contributed(self, hook: str, misfit: Callable[[str, Any], str | None]) -> list[Any]:
        found: list[Any] = []
        for key, answer in self.collect(hook).items():
            try:
                reason = misfit(key, answer)
            except (AttributeError, TypeError) as error:
                reason = f"not what the hook asks for: {error}"
            if reason is None:
                found += answer
            else:
                self._drop(key, f"{hook}: {reason}")
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
        answers = (self._call(one, session=session, **arguments) for one in self._implementations(session, hook))
        return next((answer for answer in answers if answer is not None), None)

    def check(self, session: Session, hook: str, **arguments: Any) -> None:
        """Call a ``check_*`` hook of the enabled plugins; what they raise is the veto."""
        for one in self._implementations(session, hook):
            self._call(one, session=session, **arguments)

    def watchers(self, session: Session, workflow: str, state: str) -> list[str]:
        """Name the enabled plugins that watch for cases of ``workflow`` to enter ``state``, for one task each."""
        on = self.enabled(session)
        return [key for key, manifest in self.manifests.items() if state in manifest.watches.get(workflow, ()) and key in on]

    def tell(self, session: Session, plugin: str, hook: str, **arguments: Any) -> None:
        """Call an after-commit hook of one plugin, if it is still on."""
        for one in self._implementations(session, hook):
            if one.plugin_name == plugin:
                one.function(**{name: {"session": session, **arguments}[name] for name in one.argnames})

    def _implementations(self, session: Session, hook: str) -> Iterator[pluggy.HookImpl]:
        on = self.enabled(session)
        found: Iterable[pluggy.HookImpl] = reversed(getattr(self._pm.hook, hook).get_hookimpls())  # in pluggy's own order
        return (one for one in found if one.plugin_name in on)

    def _call(self, one: pluggy.HookImpl, **arguments: Any) -> Any:
        """Call one plugin's part of a hook; a defect of the plugin ends the step, and says whose it is."""
        try:
            return one.function(**{name: arguments[name] for name in one.argnames})
        except WanggeError:
            raise
        except Exception as error:
            log.exception("plugin %s failed in %s", one.plugin_name, one.function.__name__)
            raise Unavailable(msg("pluginmanager.failed", plugin=self.manifests[one.plugin_name].title)) from error


@cache
def plugins() -> Plugins:
    """Give the process's plugins, discovered once; none in safe mode."""
    found = Plugins()
    if not Settings.from_env().safe_mode:
        found.discover()
    return found
