"""The meta-schema of forms, made from the field types; ``forms/meta/form.schema.json`` is its printed form.

Run ``python -m core.forms.metaschema`` after a change of a field type; a test
compares the two.
"""

from __future__ import annotations

import json
from typing import Any

from core.definitions.metaschema import FORMS
from core.forms.fields import FIELD_TYPES, FieldType

FILE = FORMS / "meta" / "form.schema.json"

_ID = {
    "type": "string",
    "pattern": "^[a-z][a-z0-9_]*$",
    "maxLength": 60,
    "not": {"enum": ["data", "item", "and", "or", "not", "in", "true", "false", "null"]},
}
_TITLE = {
    "type": "object",
    "properties": {locale: {"type": "string", "minLength": 1, "maxLength": 500} for locale in ("zh_CN", "en")},
    "required": ["zh_CN", "en"],
    "additionalProperties": False,
}
_RULE = {
    "description": "A rule as text; stored with the tree it was parsed to.",
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 4000},
        {
            "type": "object",
            "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 4000}, "logic": {}},
            "required": ["text"],
            "additionalProperties": False,
        },
    ],
}
_CHECK = {
    "type": "object",
    "properties": {"rule": {"$ref": "#/$defs/rule"}, "message": {"$ref": "#/$defs/title"}, "at": {"type": "string"}},
    "required": ["rule", "message", "at"],
    "additionalProperties": False,
}
COMMON: dict[str, dict[str, Any]] = {
    "help": {"$ref": "#/$defs/title"},
    "required": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/rule"}]},
    "visible": {"$ref": "#/$defs/rule"},
    "default": {"description": "Filled in by the browser for a new form; the server adds nothing by itself."},
    "personal": {"type": "boolean"},
    "sensitive": {
        "type": "object",
        "properties": {"purpose": {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 200}, {"$ref": "#/$defs/title"}]}},
        "required": ["purpose"],
        "additionalProperties": False,
    },
    "index": {"type": "boolean"},
}


def form_meta_schema() -> dict[str, Any]:
    """Make the meta-schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://wangge.example/meta/form.schema.json",
        "title": "Form 表单",
        "description": "Fields with conditions, checks and computed values. Made from the field types of core/forms/fields.",
        "type": "object",
        "properties": {
            "key": {"$ref": "#/$defs/key"},
            "title": {"$ref": "#/$defs/title"},
            "description": {"$ref": "#/$defs/title"},
            "fields": {"type": "array", "minItems": 1, "maxItems": 500, "items": {"$ref": "#/$defs/field"}},
            "checks": {"type": "array", "maxItems": 200, "items": {"$ref": "#/$defs/check"}},
            "samples": {"$ref": "#/$defs/samples"},
        },
        "required": ["key", "title", "fields"],
        "additionalProperties": False,
        "$defs": _definitions(),
    }


def _definitions() -> dict[str, Any]:
    return {
        "key": {"type": "string", "pattern": "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$", "maxLength": 100},
        "id": _ID,
        "title": _TITLE,
        "rule": _RULE,
        "check": _CHECK,
        "samples": _samples(),
        "include": _include(),
        "field": {
            "if": {"type": "object", "required": ["use"]},
            "then": {"$ref": "#/$defs/include"},
            "else": {
                "type": "object",
                "required": ["id", "type", "label"],
                "properties": {"type": {"enum": list(FIELD_TYPES)}},
                "allOf": [
                    {
                        "if": {"type": "object", "properties": {"type": {"const": name}}, "required": ["type"]},
                        "then": {"$ref": f"#/$defs/field_{name}"},
                    }
                    for name in FIELD_TYPES
                ],
            },
        },
        **{f"field_{name}": _field(kind) for name, kind in FIELD_TYPES.items()},
    }


def _field(kind: FieldType) -> dict[str, Any]:
    own = {option.name: {"description": f"{option.zh} / {option.en}", **option.schema} for option in kind.options}
    return {
        "description": f"{kind.summary['zh_CN']} / {kind.summary['en']}",
        "type": "object",
        "properties": {
            "id": {"$ref": "#/$defs/id"},
            "type": {"const": kind.name},
            "label": {"$ref": "#/$defs/title"},
            **{name: COMMON[name] for name in kind.common},
            **own,
        },
        "required": ["id", "type", "label", *(option.name for option in kind.options if option.is_required)],
        "additionalProperties": False,
    }


def _include() -> dict[str, Any]:
    names = ("help", "visible", "personal", "sensitive")
    return {
        "description": "The fields of another form, as a group.",
        "type": "object",
        "properties": {
            "use": {"$ref": "#/$defs/key"},
            "id": {"$ref": "#/$defs/id"},
            "label": {"$ref": "#/$defs/title"},
            **{name: COMMON[name] for name in names},
        },
        "required": ["use", "id"],
        "additionalProperties": False,
    }


def _samples() -> dict[str, Any]:
    bad = {
        "type": "object",
        "properties": {"data": {}, "at": {"type": "string"}},
        "required": ["data", "at"],
        "additionalProperties": False,
    }
    return {
        "description": "Submissions that have to pass, and such as have to be refused with an error at a path; the contract suite tries them.",
        "type": "object",
        "properties": {"good": {"type": "array", "items": {"type": "object"}}, "bad": {"type": "array", "items": bad}},
        "additionalProperties": False,
    }


def printed() -> str:
    """Give the text of the published file."""
    return json.dumps(form_meta_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(printed(), "utf-8")
