"""The definition files of this installation: the shared library and every loaded plugin's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module

from sqlalchemy.orm import Session

from core.db.engine import AgencySession, Database
from core.definitions.check import Outcome, check
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.definitions.registry import run_after_sync
from core.definitions.store import StoredDefinitions
from core.definitions.sync import SyncReport, sync
from core.definitions.types import Loaded, Problem
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.pluginmanager import plugins
from core.version import VERSION

COMPILERS = ("core.definitions.kinds", "core.forms.compile", "core.ledgers.definition", "core.ledgers.indexing", "core.workflow.compiler")
"""Modules that register a compiler, or what follows a sync; named, not imported, since all but the first stand above this package."""


def import_compilers() -> None:
    """Import every module that registers a compiler, so that all kinds can be checked."""
    for module in COMPILERS:
        import_module(module)


def load_installed() -> list[Loaded]:
    """Read the files of the library and of every loaded plugin, switched on anywhere or not."""
    loaded = [load_folder(FORMS / "library", origin=f"library@{VERSION}", prefix="library", within="forms/library/")]
    for key, manifest in sorted(plugins().manifests.items()):
        loaded.append(load_folder(manifest.definitions, origin=f"plugin:{key}@{manifest.version}", prefix=key, within=f"{key}/"))
    return loaded


def check_installed(loaded: Sequence[Loaded] | None = None, *, session: Session | None = None) -> Outcome:
    """Check the installation's files, together with what is stored when a session is given."""
    import_compilers()
    return check(load_installed() if loaded is None else loaded, StoredDefinitions(session) if session else None)


def sync_installed(database: Database, *, now: datetime) -> SyncReport:
    """Bring the installation's files into the database and commit.

    Raises Invalid, naming file, line and field, when any file has a problem;
    nothing is stored then.
    """
    outcome = check_installed()
    if outcome.problems:
        raise Invalid.many([as_field_error(problem) for problem in outcome.problems])
    with AgencySession(database.owner_engine, agency_id=None) as session:
        report = sync(session, outcome.prepared, now=now)
        run_after_sync(session)
        session.commit()
    return report


def as_field_error(problem: Problem) -> FieldError:
    """Give a problem of a file as an error whose path is file, line and field."""
    return FieldError(f"{problem.file}:{problem.line}", msg("definitions.at_field", field=problem.path or "-", problem=problem.message))
