"""A compiled form: what a definition becomes once, and then serves every submission.

The server is the only judge: conditions, checks and computed values are worked
out here for everything that is sent. What is hidden is neither required nor
stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from core.definitions.registry import register_compiler
from core.definitions.types import Content, Reference
from core.forms.definition import FieldDefinition, FormDefinition
from core.forms.describe import json_schema, render_plan
from core.forms.fields.base import Moment, shown
from core.forms.nodes import FramePlan, Planner
from core.forms.parse import parse_form
from core.forms.personal import with_derived
from core.forms.prepare import prepare_form
from core.forms.run import Run, drop_empty_groups, take_personal
from core.forms.scopes import Scope
from core.forms.types import MAX_FORM_BYTES, Checked, FieldContext
from core.lib.errors import FieldError, Invalid
from core.lib.text import DEFAULT_LOCALE, msg

CHINA = ZoneInfo("Asia/Shanghai")
"""The zone in which a form's ``today`` is counted: there is one in the whole country."""

_REFERRING = {"catalogue": "catalogue", "record": "ledger"}
"""Field types that name another definition, and the kind they name."""


@dataclass(frozen=True)
class CompiledForm:
    """A form ready to check data; immutable and safe to share between threads."""

    definition: FormDefinition
    plan: FramePlan
    samples: Mapping[str, Any]

    def check(self, data: Any, *, now: datetime, context: FieldContext | None = None) -> Checked:
        """Check and normalise one submission.

        Never raises for what was sent: every wrong value is an error with its
        path. Without ``context``, values that name something outside the form
        are checked for their writing only.
        """
        if type(data) is not dict:
            return Checked({}, errors=[FieldError("", msg("forms.not_object", found=shown(data)))])
        if _is_too_large(data):
            return Checked({}, errors=[FieldError("", msg("forms.form_too_large", limit=MAX_FORM_BYTES))])
        run = Run(Moment(now, now.astimezone(CHINA).date()))
        values = run.frame(self.plan, data, (), "").values
        if context is not None and run.named:
            run.check_references(context)
        checked = Checked(values, errors=run.errors)
        if self.plan.has_personal:
            take_personal(self.plan, values, "", checked.personal)
        if len(self.plan.ids) > 1 or any(node.items is not None for node in self.plan.nodes):
            drop_empty_groups(self.plan, values)
        return checked

    def json_schema(self, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Give the JSON Schema 2020-12 of the form's data.

        It says what every valid submission fulfils in the fields that are shown;
        conditions are told in ``x-wangge-*`` and judged by the server alone.
        """
        return json_schema(self.definition, locale)

    def render_plan(self) -> dict[str, Any]:
        """Give what a browser needs to draw the form and to run its rules."""
        return render_plan(self.definition)

    def personal_fields(self) -> Iterator[tuple[str, FieldDefinition]]:
        """Yield the fields whose values are kept apart, by path without item numbers."""
        return ((".".join(path), one) for path, one in self.definition.walk() if one.is_personal)

    def indexed_fields(self) -> Iterator[tuple[tuple[str, ...], FieldDefinition]]:
        """Yield the fields that ask for an index; none lies in a repeat group."""
        return ((path, one) for path, one in self.definition.walk() if one.index)


def compile_form(content: Content) -> CompiledForm:
    """Compile prepared content; raises Invalid with the place of every mistake in the definition."""
    definition = with_derived(parse_form(content))
    planner = Planner()
    plan = planner.frame(definition.fields, definition.checks, "", Scope.of(definition.fields))
    if planner.errors:
        raise Invalid.many(planner.errors)
    return CompiledForm(definition, plan, content.get("samples", {}))


def form_references(content: Content) -> Iterator[Reference]:
    """Yield the catalogues and ledgers that the form names."""
    yield from _field_references(content["fields"], "fields")


def _field_references(fields: list[dict[str, Any]], path: str) -> Iterator[Reference]:
    for index, one in enumerate(fields):
        key = _REFERRING.get(one["type"])
        if key is not None:
            yield Reference(f"{path}[{index}].{key}", key, one[key])
        yield from _field_references(one.get("fields", []), f"{path}[{index}].fields")


def _is_too_large(data: dict[str, Any]) -> bool:
    try:
        return len(orjson.dumps(data)) > MAX_FORM_BYTES
    except orjson.JSONEncodeError:
        # Not plain JSON (an integer of a thousand digits, a lone surrogate, a list a thousand deep): some field refuses it by name.
        return False


register_compiler("form", compile_form, prepare=prepare_form, references=form_references)
