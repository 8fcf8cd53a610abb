"""Read a prepared form (plain JSON data) into a ``FormDefinition``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from core.definitions.types import Content
from core.forms.definition import CheckDefinition, FieldDefinition, FormDefinition, Rule
from core.forms.fields import FIELD_TYPES

_STRUCTURAL = {"fields", "checks", "value", "result"}


def parse_form(content: Content) -> FormDefinition:
    """Read the form; its shape must have passed the meta-schema."""
    return FormDefinition(
        content["key"], content["title"], _fields(content["fields"], is_personal=False), _checks(content.get("checks", ()))
    )


def _fields(fields: Sequence[Mapping[str, Any]], *, is_personal: bool) -> tuple[FieldDefinition, ...]:
    return tuple(_field(one, is_personal=is_personal) for one in fields)


def _field(field: Mapping[str, Any], *, is_personal: bool) -> FieldDefinition:
    required, settings = field.get("required", False), _settings(field)
    personal = is_personal or field.get("personal", False)
    return FieldDefinition(
        id=field["id"],
        type=field["type"],
        label=field["label"],
        help=field.get("help"),
        required=required if isinstance(required, bool) else _rule(required),
        visible=_rule(field["visible"]) if "visible" in field else None,
        default=field.get("default"),
        personal=personal,
        sensitive=field.get("sensitive"),
        index=field.get("index", False),
        is_declared_open=not personal and field.get("personal") is False,
        settings=settings,
        # What lies inside a personal group is personal itself.
        fields=_fields(field.get("fields", ()), is_personal=personal or "sensitive" in field),
        checks=_checks(field.get("checks", ())),
        value=_rule(field["value"]) if "value" in field else None,
        result=FieldDefinition(field["id"], field["result"], field["label"], settings=_result_settings(settings))
        if "result" in field
        else None,
    )


def _settings(field: Mapping[str, Any]) -> Mapping[str, Any]:
    names = (option.name for option in FIELD_TYPES[field["type"]].options)
    return MappingProxyType({name: field[name] for name in names if name in field and name not in _STRUCTURAL})


def _result_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({name: settings[name] for name in ("digits",) if name in settings})


def _rule(rule: Mapping[str, Any]) -> Rule:
    return Rule(rule["text"], rule["logic"])


def _checks(checks: Sequence[Mapping[str, Any]]) -> tuple[CheckDefinition, ...]:
    return tuple(CheckDefinition(_rule(one["rule"]), one["message"], one["at"]) for one in checks)
