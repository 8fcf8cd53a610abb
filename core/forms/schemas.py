"""Forms as they go over HTTP, and any compiled form as a marshmallow schema."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from core.forms.compile import CompiledForm
from core.forms.types import FieldContext
from core.lib.errors import FieldError


class FormSchema(Schema):
    """A form in force, ready to be drawn."""

    id = fields.Integer(required=True, metadata={"description": "The form version that a submission belongs to."})
    version = fields.Integer(required=True)
    key = fields.String(required=True)
    title = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    fields_ = fields.List(
        fields.Dict(), required=True, data_key="fields", metadata={"description": "In the order of the page; rules as JsonLogic."}
    )
    checks = fields.List(fields.Dict(), required=True)


class JsonSchemaQuery(Schema):
    """In which language the titles are."""

    locale = fields.String(load_default="zh_CN", validate=validate.OneOf(["zh_CN", "en"]))


class JsonSchemaSchema(Schema):
    """A JSON Schema (draft 2020-12)."""

    class Meta:
        """``$schema`` and ``$defs`` are no names of Python."""

        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    properties = fields.Dict(required=True)
    required = fields.List(fields.String(), required=True)
    additionalProperties = fields.Boolean(required=True)  # noqa: N815  # JSON Schema's own name


class CheckBodySchema(Schema):
    """Data to be tried against a form."""

    data = fields.Dict(required=True, keys=fields.String())


class CheckedSchema(Schema):
    """The data as it would be stored; personal values by path."""

    form_version_id = fields.Integer(required=True)
    data = fields.Dict(required=True)
    personal = fields.Dict(required=True)


class _WholeForm(fields.Field[Any]):
    """Takes any value: the compiled form judges it together with the others."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:  # noqa: ARG002
        return value


def marshmallow_schema(form: CompiledForm, *, now: datetime, context: FieldContext | None = None) -> Schema:
    """Make a marshmallow schema whose ``load`` is the form's own check.

    ``load`` gives the whole data, personal values included; its
    ValidationError has messages by field path, in Chinese.
    """

    class Compiled(Schema):
        """A compiled form."""

        class Meta:
            unknown = "include"

        def load(self, data: Any, **_options: Any) -> Any:
            """Check the data as a whole."""
            checked = form.check(data, now=now, context=context)
            if checked.errors:
                raise ValidationError(_messages(checked.errors))
            return {**checked.data, **checked.personal}

    described = {one.id: _WholeForm(metadata={"title": one.label["en"]}) for one in form.definition.fields}
    made: type[Schema] = type(f"{form.definition.key.title().replace('.', '')}Schema", (Compiled,), described)
    return made()


def _messages(errors: list[FieldError]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for error in errors:
        found.setdefault(error.path or "_schema", []).append(error.message.text())
    return found
