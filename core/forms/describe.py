"""Describe a form to others: JSON Schema for programs, a render plan for the browser, an example for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.forms.definition import CheckDefinition, FieldDefinition, FormDefinition, Rule
from core.forms.fields import type_of
from core.lib.text import say

Schema = dict[str, Any]


def json_schema(form: FormDefinition, locale: str) -> Schema:
    """Give the JSON Schema 2020-12 of the form's data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": say(form.title, locale),
        **_object_schema(form.fields, locale),
    }


def render_plan(form: FormDefinition) -> dict[str, Any]:
    """Give the fields in order with labels in every language, and the rules as JsonLogic.

    In a rule, a name means the nearest field of that id: beside, then around.
    """
    return {"key": form.key, "title": dict(form.title), "fields": _render_fields(form.fields), "checks": _render_checks(form.checks)}


def example(form: FormDefinition) -> dict[str, Any]:
    """Make a submission with an example in every field; conditions and checks are not looked at."""
    return _example(form.fields)


def _object_schema(fields: Sequence[FieldDefinition], locale: str) -> Schema:
    return {
        "type": "object",
        "properties": {one.id: _field_schema(one, locale) for one in fields},
        "required": [one.id for one in fields if _must_be_there(one)],
        "additionalProperties": False,
    }


def _must_be_there(one: FieldDefinition) -> bool:
    if one.visible is not None:
        return False
    if one.type == "group":
        return any(_must_be_there(inner) for inner in one.fields)
    return one.required is True or bool(one.settings.get("min_items"))


def _field_schema(one: FieldDefinition, locale: str) -> Schema:
    inner = _object_schema(one.fields, locale) if one.fields else {}
    schema = type_of(one.type).json_schema(one, inner)
    if not _must_be_there(one) and one.type != "computed":
        # An optional field may also be sent as null, or as text without a character.
        schema = {"anyOf": [schema, {"type": "null"}, *_other_empties(one)]}
    notes: Schema = {"title": say(one.label, locale), "x-wangge-type": one.type}
    if one.help:
        notes["description"] = say(one.help, locale)
    if one.default is not None:
        notes["default"] = one.default
    if one.visible is not None:
        notes["x-wangge-visible"] = one.visible.logic
    if isinstance(one.required, Rule):
        notes["x-wangge-required"] = one.required.logic
    return {**notes, **schema}


def _other_empties(one: FieldDefinition) -> list[Schema]:
    """List the values beside null that mean nothing was filled in; only those the type itself takes so."""
    kind = type_of(one.type)
    empties: tuple[Any, ...] = ("", [])
    return [{"const": value} for value in empties if kind.is_empty(value) and one.type != "group"]


def _render_fields(fields: Sequence[FieldDefinition]) -> list[dict[str, Any]]:
    return [_render_field(one) for one in fields]


def _render_field(one: FieldDefinition) -> dict[str, Any]:
    plan: dict[str, Any] = {"id": one.id, "type": one.type, "label": dict(one.label), **type_of(one.type).render(one)}
    plan["required"] = one.required.logic if isinstance(one.required, Rule) else one.required
    if one.visible is not None:
        plan["visible"] = one.visible.logic
    if one.help:
        plan["help"] = dict(one.help)
    if one.default is not None:
        plan["default"] = one.default
    if one.is_personal:
        plan["personal"] = True
    if one.fields:
        plan["fields"] = _render_fields(one.fields)
        plan["checks"] = _render_checks(one.checks)
    return plan


def _render_checks(checks: Sequence[CheckDefinition]) -> list[dict[str, Any]]:
    return [{"rule": one.rule.logic, "message": dict(one.message), "at": one.at} for one in checks]


def _example(fields: Sequence[FieldDefinition]) -> dict[str, Any]:
    found = {one.id: type_of(one.type).example(one, _example(one.fields)) for one in fields}
    return {key: value for key, value in found.items() if value is not None}
