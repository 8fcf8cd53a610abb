"""Make a form self-contained before it is stored: includes copied in, rules parsed.

A stored form needs nothing but itself: a library group that changes later
changes no published form. A rule is stored as ``{text, logic}``; the text is
what an author edits and always wins, the logic is what runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.definitions.types import Content, DefinitionSource
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.rules import RuleError, parse

MAX_INCLUDE_DEPTH = 5
MAX_FIELDS = 1_000


def prepare_form(content: Content, source: DefinitionSource) -> dict[str, Any]:
    """Expand includes and parse every rule; raises Invalid with each wrong place."""
    work = _Preparation(source)
    ready = dict(content)
    ready["fields"] = work.fields(content["fields"], "fields", (content["key"],))
    if "checks" in content:
        ready["checks"] = work.checks(content["checks"], "checks")
    if work.errors:
        raise Invalid.many(work.errors)
    return ready


class _Preparation:
    def __init__(self, source: DefinitionSource) -> None:
        self.source = source
        self.errors: list[FieldError] = []
        self.count = 0

    def fields(self, fields: list[dict[str, Any]], path: str, including: tuple[str, ...]) -> list[dict[str, Any]]:
        return [self.field(one, f"{path}[{index}]", including) for index, one in enumerate(fields)]

    def field(self, field: dict[str, Any], path: str, including: tuple[str, ...]) -> dict[str, Any]:
        self.count += 1
        if self.count > MAX_FIELDS:
            raise Invalid(msg("forms.too_many_fields", limit=MAX_FIELDS), path=path)
        if "use" in field:
            field, including = self.included(field, path, including)
        ready = dict(field)
        for name in ("visible", "required", "value"):
            if isinstance(field.get(name), (str, Mapping)):
                ready[name] = self.rule(field[name], f"{path}.{name}")
        if "fields" in field:
            ready["fields"] = self.fields(field["fields"], f"{path}.fields", including)
        if "checks" in field:
            ready["checks"] = self.checks(field["checks"], f"{path}.checks")
        return ready

    def included(self, field: dict[str, Any], path: str, including: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...]]:
        key = field["use"]
        found = self.source.find("form", key)
        if found is None or key in including or len(including) > MAX_INCLUDE_DEPTH:
            name = "unknown_include" if found is None else "circular_include"
            self.errors.append(FieldError(f"{path}.use", msg(f"forms.{name}", name=key)))
            return {"id": field["id"], "type": "group", "label": field.get("label", {}), "fields": []}, including
        own = {name: value for name, value in field.items() if name != "use"}
        group = {"type": "group", "label": found["title"], "fields": found["fields"], **own}
        if found.get("checks"):
            group["checks"] = found["checks"]
        return group, (*including, key)

    def checks(self, checks: list[dict[str, Any]], path: str) -> list[dict[str, Any]]:
        return [{**one, "rule": self.rule(one["rule"], f"{path}[{index}].rule")} for index, one in enumerate(checks)]

    def rule(self, rule: str | Mapping[str, Any], path: str) -> dict[str, Any]:
        text = rule if isinstance(rule, str) else rule["text"]
        try:
            return {"text": text, "logic": parse(text)}
        except RuleError as error:
            self.errors.append(FieldError(path, error.message))
            return {"text": text, "logic": None}
