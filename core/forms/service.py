"""Checking what was filled in against the right version of a form, with the database behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Actor
from core.definitions import store
from core.definitions.visibility import visible_current
from core.forms.compile import CompiledForm
from core.forms.context import DatabaseContext
from core.forms.types import Checked, FieldContext
from core.lib.errors import NotFound
from core.lib.text import msg


@dataclass(frozen=True)
class Submission:
    """Valid data, and the form version it belongs to for good."""

    form_version_id: int
    form_key: str
    data: dict[str, Any]
    personal: dict[str, Any]


def compiled(session: Session, version_id: int) -> CompiledForm:
    """Give the form of one version, whatever its status: records keep the version they were made with.

    Raises NotFound for a version of another kind or another agency.
    """
    found = store.version(session, version_id)
    if found.kind != "form":
        raise NotFound(msg("definitions.unknown_version", id=version_id))
    form: CompiledForm = store.compiled(found)
    return form


def current(session: Session, key: str) -> tuple[int, CompiledForm]:
    """Give the form in force and its version id; raises NotFound, also when its plugin is off."""
    found = visible_current(session, "form", key)
    return found.id, store.compiled(found)


def check(session: Session, actor: Actor, form: int | str, data: Mapping[str, Any], *, context: FieldContext | None = None) -> Submission:
    """Check ``data`` against a form version (by id) or the form in force (by key).

    What values name is looked up in the actor's agency unless a ``context`` is
    given. Raises Invalid with the path of every wrong value, NotFound for an
    unknown form.
    """
    version_id, compiled_form = (form, compiled(session, form)) if isinstance(form, int) else current(session, form)
    checked = examine(session, actor, compiled_form, data, context=context)
    checked.raise_invalid()
    return Submission(version_id, compiled_form.definition.key, checked.data, checked.personal)


def examine(session: Session, actor: Actor, form: CompiledForm, data: Any, *, context: FieldContext | None = None) -> Checked:
    """Check data and give the outcome, errors included, without raising."""
    return form.check(data, now=actor.now, context=context or DatabaseContext(session, actor))
