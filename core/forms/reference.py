"""The reference of field types, as Markdown made from the types themselves (``docs/reference/form-fields.md``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from core.forms.fields import FIELD_TYPES, FieldType
from core.forms.fields.base import Option
from core.forms.metaschema import COMMON
from core.forms.parse import parse_form
from core.forms.prepare import prepare_form
from core.forms.types import MAX_FORM_BYTES, MAX_REPEAT_ITEMS, MAX_TEXT

_COMMON_MEANINGS = {
    "help": "说明文字 / Shown below the field",
    "required": "必填：true 或规则 / Has to be filled in: true, or a rule",
    "visible": "显示条件；隐藏的字段不必填也不保存 / Shown when the rule holds; hidden means not required and not stored",
    "default": "新表单的初值，由浏览器填入 / Filled in by the browser for a new form; the server adds nothing",
    "personal": "个人信息，与其他内容分开保存；由个人信息算出的值也是，除非写 false / Personal data, kept apart from the rest; so is what is computed of it, unless it says false",
    "sensitive": "敏感信息及用途 `{purpose: …}`，分开保存并遮盖显示 / Sensitive, with its purpose; kept apart and shown masked",
    "index": "发布时建索引，便于查询 / Indexed when the form is published",
}
_SAMPLE_SETTINGS: dict[str, dict[str, Any]] = {
    "choice": {"options": [{"value": "road", "label": {"zh_CN": "道路", "en": "Road"}}]},
    "multi_choice": {"options": [{"value": "noise", "label": {"zh_CN": "噪声", "en": "Noise"}}]},
    "catalogue": {"catalogue": "urban_mgmt.events"},
    "record": {"ledger": "urban_mgmt.component"},
    "computed": {"value": "round(area / rooms, 1)", "result": "decimal", "digits": 1},
    "group": {"fields": [{"id": "name", "type": "text", "label": {"zh_CN": "姓名", "en": "Name"}}]},
    "repeat": {"fields": [{"id": "area", "type": "decimal", "label": {"zh_CN": "面积", "en": "Area"}}]},
}


class _NoOthers:
    """No other definitions: the samples of the reference include none."""

    def find(self, kind: str, key: str) -> None:
        """Find nothing."""

    def every(self, kind: str) -> tuple[()]:  # noqa: ARG002
        """Give nothing."""
        return ()


def limits() -> str:
    """Give the limits of every form, as a Markdown list."""
    return "\n".join(
        (
            f"- 一个文本值最多 {MAX_TEXT:,} 字 / a text value has at most {MAX_TEXT:,} characters",
            f"- 一个重复组最多 {MAX_REPEAT_ITEMS} 条 / a repeat group has at most {MAX_REPEAT_ITEMS} items",
            f"- 一份表单最多 {MAX_FORM_BYTES:,} 字节 / a submission has at most {MAX_FORM_BYTES:,} bytes",
        )
    )


def common_keys() -> str:
    """Give the keys that most field types take, as a Markdown table."""
    rows = [f"| `{name}` | {_COMMON_MEANINGS[name]} | {', '.join(_takers(name))} |" for name in COMMON]
    return "\n".join(("| key | 含义 / meaning | 不适用于 / not for |", "|---|---|---|", *rows))


def field_types() -> str:
    """Give one section for each field type."""
    return "\n".join(line for kind in FIELD_TYPES.values() for line in _section(kind)).rstrip()


def _takers(name: str) -> list[str]:
    return [f"`{kind.name}`" for kind in FIELD_TYPES.values() if name not in kind.common] or ["—"]


def _section(kind: FieldType) -> Iterator[str]:
    yield f"### `{kind.name}` {kind.title['zh_CN']} / {kind.title['en']}"
    yield ""
    yield f"{kind.summary['zh_CN']} / {kind.summary['en']}"
    yield ""
    if kind.options:
        yield "| key | 含义 / meaning | 取值 / values |"
        yield "|---|---|---|"
        yield from (_option_row(option) for option in kind.options)
        yield ""
    yield "值 / value: " + _example(kind)
    yield ""


def _option_row(option: Option) -> str:
    name = f"`{option.name}`" + (" **必填 / required**" if option.is_required else "")
    return f"| {name} | {option.zh} / {option.en} | {_values(option.schema)} |"


def _values(schema: Any) -> str:
    if "$ref" in schema:
        return {"title": "{zh_CN, en}", "rule": "规则 / a rule", "key": "key"}[schema["$ref"].rsplit("/", 1)[-1]]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema["type"] == "array":
        return "列表 / list"
    bounds = [f"{word} {schema[name]:,}" for name, word in (("minimum", "≥"), ("maximum", "≤")) if name in schema]
    return ", ".join((schema["type"], *bounds))


def _example(kind: FieldType) -> str:
    field = {"id": "value", "type": kind.name, "label": {"zh_CN": "值", "en": "Value"}, **_SAMPLE_SETTINGS.get(kind.name, {})}
    beside = [{"id": name, "type": "integer", "label": {"zh_CN": name, "en": name}} for name in ("area", "rooms")]
    form = prepare_form({"key": "reference.form", "title": {"zh_CN": "例", "en": "Example"}, "fields": [field, *beside]}, _NoOthers())
    definition = parse_form(form).fields[0]
    inner = {one.id: FIELD_TYPES[one.type].example(one, {}) for one in definition.fields}
    value = kind.example(definition, inner)
    if value is None:
        return "由服务器算出 / worked out by the server"
    return f"`{json.dumps(value, ensure_ascii=False)}`"
