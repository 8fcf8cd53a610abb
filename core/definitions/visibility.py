"""Which definitions an agency sees: those of the plugins it has switched on, the library's and its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from core.definitions import store
from core.definitions.store import Version
from core.definitions.types import LIBRARY, PLUGIN
from core.lib.errors import NotFound
from core.lib.text import msg
from core.pluginmanager import plugins


def is_visible(session: Session, found: Version) -> bool:
    """Say whether the definition belongs to no plugin, or to one that is switched on."""
    owner = found.key.partition(".")[0]
    of_plugin = found.origin.startswith(PLUGIN) or (found.base_version is not None and owner != LIBRARY)
    return not of_plugin or plugins().is_enabled(session, owner)


def visible(session: Session, versions: Iterable[Version]) -> Iterator[Version]:
    """Yield those that the session's agency sees."""
    return (one for one in versions if is_visible(session, one))


def visible_current(session: Session, kind: str, key: str) -> Version:
    """Give the current version; raises NotFound as well when its plugin is off."""
    found = store.current(session, kind, key)
    if not is_visible(session, found):
        raise NotFound(msg("definitions.unknown_definition", kind=kind, name=key))
    return found


def visible_version(session: Session, version_id: int) -> Version:
    """Give one version by its id; raises NotFound as well when its plugin is off."""
    found = store.version(session, version_id)
    if not is_visible(session, found):
        raise NotFound(msg("definitions.unknown_version", id=version_id))
    return found
