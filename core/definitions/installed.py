"""The definition files of this installation: the shared library and every loaded plugin's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from core.db.engine import AgencySession, Database
from core.definitions.check import Outcome, check
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.definitions.registry import run_after_sync
from core.definitions.store import StoredDefinitions
from core.definitions.sync import SyncReport, sync, wait_for_turn
from core.definitions.types import LIBRARY, PLUGIN, Content, DefinitionSource, LeftOut, Loaded, Problem
from core.lib.errors import FieldError, Invalid
from core.lib.text import LOCALES, msg
from core.pluginmanager import plugins, unsound
from core.version import VERSION

COMPILERS = (
    "core.definitions.kinds",
    "core.forms.compile",
    "core.ledgers.definition",
    "core.ledgers.indexing",
    "core.workflow.compiler",
    "core.feedback.compiler",
    "core.scoring.compiler",
    "core.dashboards.compiler",
)
"""Modules that register a compiler, or what follows a sync; named, not imported, since all but the first stand above this package."""


def import_compilers() -> None:
    """Import every module that registers a compiler, so that all kinds can be checked."""
    for module in COMPILERS:
        import_module(module)


def load_installed() -> list[Loaded]:
    """Read the files of the library and of every loaded plugin, switched on anywhere or not."""
    loaded = [load_folder(FORMS / LIBRARY, origin=f"{LIBRARY}@{VERSION}", prefix=LIBRARY, within=f"forms/{LIBRARY}/")]
    for key, manifest in sorted(plugins().manifests.items()):
        loaded.append(load_folder(manifest.definitions, origin=f"{PLUGIN}{key}@{manifest.version}", prefix=key, within=f"{key}/"))
    return loaded


def check_installed(loaded: Sequence[Loaded] | None = None) -> Outcome:
    """Check the installation's files, all together."""
    import_compilers()
    return check(load_installed() if loaded is None else loaded)


def sync_installed(database: Database, *, now: datetime) -> SyncReport:
    """Bring the installation's files into the database and commit.

    A plugin whose files have a problem is left out, as the report says; what is
    in force of it stays. Raises Invalid, naming file, line and field, when any
    other file has a problem; nothing is stored then.
    """
    import_compilers()
    with AgencySession(database.owner_engine, agency_id=None) as session:
        wait_for_turn(session)
        outcome, left_out = check_apart(load_installed(), StoredDefinitions(session))
        report = sync(session, outcome.prepared, now=now)
        report.left_out = left_out
        unsound.keep(session, {one.plugin: [_as_kept(problem) for problem in one.problems] for one in left_out}, now=now)
        run_after_sync(session)
        session.commit()
    return report


def check_apart(loaded: Sequence[Loaded], stored: DefinitionSource) -> tuple[Outcome, list[LeftOut]]:
    """Check all files, leaving out one plugin after the other until what remains is sound.

    In place of the files that are left out stands what is ``stored`` of the same
    plugin: another that builds on it is judged by what will be in force. Raises
    Invalid when a file that is no plugin's has a problem.
    """
    remaining, left_out = list(loaded), dict[str, LeftOut]()
    while True:
        outcome = check(remaining, _InForce(stored, left_out.keys()) if left_out else None)
        wrong = [part for part in remaining if part.origin in outcome.problems_by_origin]
        if not wrong:
            return outcome, list(left_out.values())
        own = [problem for part in wrong if not part.origin.startswith(PLUGIN) for problem in outcome.problems_by_origin[part.origin]]
        if own:
            raise Invalid.many([as_field_error(problem) for problem in own])
        left_out |= {part.prefix: LeftOut(part.prefix, outcome.problems_by_origin[part.origin]) for part in wrong}
        remaining = [part for part in remaining if part not in wrong]


@dataclass(frozen=True)
class _InForce(DefinitionSource):
    """What is in force of the plugins that are left out, and of nobody else."""

    stored: DefinitionSource
    plugins: Collection[str]

    def find(self, kind: str, key: str) -> Content | None:
        return self.stored.find(kind, key) if key.partition(".")[0] in self.plugins else None

    def every(self, kind: str) -> Iterator[Content]:
        return (content for content in self.stored.every(kind) if str(content["key"]).partition(".")[0] in self.plugins)


def as_field_error(problem: Problem) -> FieldError:
    """Give a problem of a file as an error whose path is file, line and field."""
    return FieldError(f"{problem.file}:{problem.line}", msg("definitions.at_field", field=problem.path or "-", problem=problem.message))


def _as_kept(problem: Problem) -> dict[str, str]:
    return {locale: problem.text(locale) for locale in LOCALES}
