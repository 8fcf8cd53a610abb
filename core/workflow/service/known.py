"""The definitions that cases need, found in memory: a published version never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.epoch import EpochCache
from core.definitions import store
from core.definitions.kinds.catalogue import Catalogue, CatalogueItem
from core.definitions.models import Definition
from core.forms.compile import CompiledForm
from core.lib.errors import NotFound
from core.lib.text import msg
from core.pluginmanager import plugins
from core.workflow.definition import Workflow


@dataclass(frozen=True)
class KnownWorkflow:
    """A version of a workflow and its id."""

    id: int
    key: str
    workflow: Workflow


@dataclass(frozen=True)
class KnownForm:
    """A version of a form and its id."""

    id: int
    form: CompiledForm
    fields_by_type: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class KnownFormVersion:
    """One version of a form: its key, and where in its data people are named."""

    id: int
    key: str
    people: tuple[tuple[str, ...], ...]


_by_id: EpochCache[Workflow] = EpochCache()
_all: EpochCache[tuple[KnownWorkflow, ...]] = EpochCache()
_items: EpochCache[Mapping[str, CatalogueItem]] = EpochCache()
_forms: EpochCache[KnownForm] = EpochCache()
_form_versions: EpochCache[KnownFormVersion] = EpochCache()


def plugin_of(key: str) -> str:
    """Name the plugin that a definition key belongs to."""
    return key.partition(".")[0]


def current_workflow(session: Session, key: str) -> KnownWorkflow:
    """Give the present version of a workflow whose plugin is on for the agency; raise NotFound otherwise."""
    if not plugins().is_enabled(session, plugin_of(key)):
        raise NotFound(msg("workflow.no_workflow", key=key))
    found = store.find_current(session, "workflow", key)
    if found is None:
        raise NotFound(msg("workflow.no_workflow", key=key))
    return KnownWorkflow(found.id, key, store.compiled(found))


def workflow(session: Session, definition_id: int) -> Workflow:
    """Give one version, whether or not it is still the present one."""
    place = (getattr(session, "agency_id", None), definition_id)
    return _by_id.get(session, place, lambda: store.compiled(store.version(session, definition_id)))


def all_workflows(session: Session) -> tuple[KnownWorkflow, ...]:
    """Give every version that a case may belong to, of the plugins that are on."""

    def read() -> tuple[KnownWorkflow, ...]:
        rows = session.execute(
            select(Definition.id, Definition.key).where(Definition.kind == "workflow", Definition.status != "draft")
        ).all()
        on = plugins().enabled(session)
        return tuple(KnownWorkflow(row.id, row.key, workflow(session, row.id)) for row in rows if plugin_of(row.key) in on)

    return _all.get(session, getattr(session, "agency_id", None), read)


def catalogue_items(session: Session, plugin: str) -> Mapping[str, CatalogueItem]:
    """Give every item of the plugin's catalogues by code."""

    def read() -> Mapping[str, CatalogueItem]:
        found: dict[str, CatalogueItem] = {}
        for version in store.list_current(session, "catalogue"):
            if plugin_of(version.key) == plugin:
                catalogue: Catalogue = store.compiled(version)
                found = {**catalogue.items, **found}
        return found

    return _items.get(session, (getattr(session, "agency_id", None), plugin), read)


def items_of(session: Session, key: str) -> Mapping[str, CatalogueItem]:
    """Give the items of one catalogue by code; raise NotFound when there is none."""
    catalogue: Catalogue = store.compiled(store.current(session, "catalogue", key))
    return catalogue.items


def form_version(session: Session, definition_id: int) -> KnownFormVersion:
    """Give the version of a form that a step was made with, whether or not it is still the present one."""

    def read() -> KnownFormVersion:
        found = store.version(session, definition_id)
        form: CompiledForm = store.compiled(found)
        people = tuple(path for path, field in form.definition.walk() if field.type == "person")
        return KnownFormVersion(definition_id, found.key, people)

    return _form_versions.get(session, (getattr(session, "agency_id", None), definition_id), read)


def form(session: Session, key: str) -> KnownForm:
    """Give the present version of a form; raise NotFound when there is none."""

    def read() -> KnownForm:
        found = store.current(session, "form", key)
        compiled: CompiledForm = store.compiled(found)
        by_type: dict[str, list[str]] = {}
        for field in compiled.definition.fields:
            by_type.setdefault(field.type, []).append(field.id)
        return KnownForm(found.id, compiled, {name: tuple(ids) for name, ids in by_type.items()})

    return _forms.get(session, (getattr(session, "agency_id", None), key), read)
