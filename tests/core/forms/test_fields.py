"""Every field type: its samples pass its JSON Schema and its check alike, and nothing that is sent makes it raise."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.definitions.check import check
from core.definitions.load import load_text
from core.definitions.types import Document, Loaded
from core.forms.compile import compile_form
from core.forms.describe import example
from core.forms.fields import FIELD_TYPES, type_of
from core.forms.metaschema import FILE, printed
from core.forms.types import Refused
from core.lib.text import LOCALES
from core.testing.fixtures import NOON

OPTIONS = [{"value": "a", "label": {"zh_CN": "甲", "en": "A"}}, {"value": "b", "label": {"zh_CN": "乙", "en": "B"}}]
LABEL = {"zh_CN": "名", "en": "Name"}
INNER = [{"id": "inner", "type": "integer", "label": LABEL, "required": True}]
SETTINGS = {
    "choice": {"options": OPTIONS},
    "multi_choice": {"options": OPTIONS},
    "catalogue": {"catalogue": "demo.waste"},
    "record": {"ledger": "demo.ledger"},
    "computed": {"value": {"text": "1 + 1", "logic": {"+": [1, 1]}}, "result": "integer"},
    "group": {"fields": INNER},
    "repeat": {"fields": INNER},
}

GOOD = {
    "text": ["甲", " a ", "x" * 200],
    "long_text": ["a\r\nb", "x" * 10_000],
    "integer": [0, -5, 3.0, 2**53 - 1],
    "decimal": [0, 1.25, -0.01, 19.99],
    "money": [0.1, 1234567.89],
    "boolean": [True, False],
    "date": ["2026-02-28", "2000-02-29"],
    "time": ["00:00", "23:59:59"],
    "datetime": ["2026-03-18T12:00:00+08:00", "2026-03-18T04:00:00.5Z"],
    "choice": ["a", "b"],
    "multi_choice": [["a"], ["b", "a"]],
    "catalogue": ["0101"],
    "grid": ["110101001001"],
    "point": [{"lon": 116.4, "lat": 39.9}, {"lon": 116.4, "lat": 39.9, "crs": "gcj02", "accuracy": None}],
    "photo": [["00000000-0000-7000-8000-000000000001"]],
    "audio": [["00000000-0000-7000-8000-000000000001"]],
    "file": [["00000000-0000-7000-8000-000000000001"]],
    "signature": [["00000000-0000-7000-8000-000000000001"]],
    "person": [1, 2**40],
    "department": [7],
    "record": ["00000000-0000-7000-8000-000000000001"],
    "group": [{"inner": 1}],
    "repeat": [[{"inner": 1}], [{"inner": 1}, {"inner": 2}]],
}
BAD = {
    "text": ["x" * 201, "a\nb", "a\x00b", "\ud800", 5, ["a"], {}],
    "long_text": ["x" * 10_001, "\x07", True],
    "integer": ["3", 1.5, 2**53, 10**400, True, math.nan, math.inf],
    "decimal": [1.234, "1", math.nan, -math.inf, 10**20, False],
    "money": [0.001, 10**14],
    "boolean": [0, 1, "true", []],
    "date": ["2026-02-29", "20260301", "2026-3-1", 20260301, "２０２６-03-01"],
    "time": ["24:00", "8:30", "08:30Z", 830],
    "datetime": ["2026-03-18T12:00:00", "2026-03-18", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00", 5],
    "choice": ["c", "A", 1, ["a"], {}],
    "multi_choice": ["a", ["c"], ["a", "a"], [["a"]], [{}]],
    "catalogue": ["01 01", "", "x" * 65, 101],
    "grid": ["中", 5],
    "point": [
        {"lon": 181, "lat": 0},
        {"lon": 0},
        {"lat": math.nan, "lon": 0},
        [1, 2],
        {"lon": 0, "lat": 0, "z": 1},
        {"lon": True, "lat": 0},
        {"lon": 0, "lat": 0, "crs": []},
    ],
    "photo": ["x", [1], ["00000000"], ["00000000-0000-7000-8000-000000000001"] * 2, ["00000000-0000-7000-8000-000000000001"] * 10],
    "signature": [["00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"]],
    "person": [0, -1, 1.0, "1", True, 2**60],
    "department": [None.__class__, {}],
    "record": ["nothing", 5],
    "group": [[], "x", {"inner": "x"}, {"other": 1}, {}],
    "repeat": ["x", [1], [{}], [{"inner": 1, "other": 1}], [[]], [{"inner": 1}] * 501],
}


def content(name, *, required=True, **settings):
    field = {"id": "value", "type": name, "label": LABEL, **SETTINGS.get(name, {}), **settings}
    if required and "required" in type_of(name).common:
        field["required"] = True
    return {"key": "demo.form", "title": LABEL, "fields": [field]}


def form(name, **settings):
    return compile_form(content(name, **settings))


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = [
    10**5000,
    math.nan,
    math.inf,
    nested(1000),
    "\x00",
    "\ud800",
    {"a": nested(1000)},
    [None] * 100,
    -0.0,
    {"\x00": 1},
    {1: 2},
    b"x",
    object(),
]

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)


@pytest.mark.parametrize("name", FIELD_TYPES)
def test_example_passes_schema_and_check(name):
    compiled = form(name)
    data = example(compiled.definition)
    Draft202012Validator(compiled.json_schema("en")).validate(data)
    assert compiled.check(data, now=NOON).errors == []


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_good_value_passes_schema_and_check(name, value):
    compiled = form(name)
    Draft202012Validator(compiled.json_schema("zh_CN")).validate({"value": value})
    checked = compiled.check({"value": value}, now=NOON)
    assert checked.errors == []
    assert compiled.check(checked.data, now=NOON).errors == [], "what is stored passes again"
    assert checked.data == compiled.check(checked.data, now=NOON).data, "and is not changed by it"
    assert json.loads(json.dumps(checked.data)) == checked.data


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values], ids=lambda value: repr(value)[:30]
)
def test_bad_value_is_an_error_at_its_path(name, value):
    errors = form(name).check({"value": value}, now=NOON).errors
    assert errors
    assert all(error.path.startswith("value") for error in errors)
    assert all(error.message.text(locale).encode() for error in errors for locale in LOCALES)


@pytest.mark.parametrize("name", FIELD_TYPES)
@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_hostile_value_is_an_error_and_never_an_exception(name, value):
    checked = form(name, required=False).check({"value": value}, now=NOON)
    if name != "computed" and not checked.errors:
        assert value in (-0.0, [None] * 100) or name == "computed", (name, checked.data)
    for error in checked.errors:
        assert all(len(error.message.text(locale).encode()) < 1_000 for locale in LOCALES)


@pytest.mark.parametrize("name", FIELD_TYPES)
@given(value=json_values)
@settings(max_examples=60, deadline=None)
def test_whatever_passes_the_check_passes_the_schema_and_again(name, value):
    compiled = form(name, required=False)
    checked = compiled.check({"value": value}, now=NOON)
    if not checked.errors:
        Draft202012Validator(compiled.json_schema("en")).validate({"value": value})
        assert checked.data == compiled.check(checked.data, now=NOON).data
    for error in checked.errors:
        error.message.text("zh_CN").encode()


@pytest.mark.parametrize("name", FIELD_TYPES)
@given(text=st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_table_cell_is_read_or_refused(name, text):
    compiled = form(name, required=False)
    field = compiled.definition.fields[0]
    try:
        value = type_of(name).from_text(field, text)
    except Refused:
        return
    compiled.check({"value": value}, now=NOON)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("integer", "1,200", 1200),
        ("decimal", "12.50", 12.5),
        ("boolean", "是", True),
        ("date", "2026年3月8日", "2026-03-08"),
        ("date", "2026/3/8", "2026-03-08"),
        ("time", "8:30", "08:30"),
        ("datetime", "2026-03-18 12:00", "2026-03-18T12:00:00+08:00"),
        ("choice", "乙", "b"),
        ("multi_choice", "甲、b", ["a", "b"]),
        ("point", "116.4，39.9", {"lon": 116.4, "lat": 39.9}),
        ("person", " 12 ", 12),
    ],
)
def test_table_cell_reads_as_people_write(name, text, expected):
    compiled = form(name)
    value = type_of(name).from_text(compiled.definition.fields[0], text)
    assert expected == value
    assert compiled.check({"value": value}, now=NOON).errors == []


@pytest.mark.parametrize(("name", "value"), [(name, values[0]) for name, values in GOOD.items()])
@pytest.mark.parametrize("locale", LOCALES)
def test_stored_value_is_written_into_a_cell(name, value, locale):
    compiled = form(name)
    stored = compiled.check({"value": value}, now=NOON).data["value"]
    assert type_of(name).export_text(compiled.definition.fields[0], stored, locale)
    assert type_of(name).export_text(compiled.definition.fields[0], None, locale) == ""


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"type": "text", "min_length": 9, "max_length": 3}, "min_length"),
        ({"type": "integer", "min": 9, "max": 3}, "min"),
        ({"type": "decimal", "max": 10**15}, "max"),
        ({"type": "date", "min": "2026-02-30"}, "min"),
        ({"type": "time", "min": "09:00", "max": "08:00"}, "min"),
        ({"type": "choice", "options": [OPTIONS[0], OPTIONS[0]]}, "options[1].value"),
        ({"type": "choice", "options": OPTIONS, "default": "z"}, "default"),
        ({"type": "multi_choice", "options": OPTIONS, "min_count": 3}, "min_count"),
        ({"type": "integer", "max": 3, "default": 4}, "default"),
        ({"type": "text", "default": ["x"]}, "default"),
        ({"type": "text", "personal": True, "index": True}, "index"),
        ({"type": "photo", "min_count": 3, "max_count": 2}, "min_count"),
        ({"type": "repeat", "fields": INNER, "min_items": 3, "max_items": 2}, "min_items"),
        ({"type": "text", "pattern": "(a+)+"}, "pattern"),
        ({"type": "text", "pattern": "[", "default": "x"}, "pattern"),
        ({"type": "text", "pattern": "a(?=b)"}, "pattern"),
        ({"type": "text", "pattern": r"(a)\1"}, "pattern"),
        ({"type": "text", "pattern": "(?i)a"}, "pattern"),
        ({"type": "text", "pattern": "(a|a)*b"}, "pattern"),
        ({"type": "text", "pattern": "a*a*a*a*b"}, "pattern"),
        ({"type": "text", "pattern": "(a*){4}b"}, "pattern"),
        ({"type": "text", "pattern": "a", "max_length": 300}, "max_length"),
        ({"type": "long_text", "pattern": "a"}, None),
        ({"type": "wrong"}, "type"),
        ({"type": "choice"}, None),
    ],
)
def test_setting_nobody_can_meet_is_refused_by_name(settings, path):
    text = json.dumps({"key": "demo.a", "title": LABEL, "fields": [{"id": "value", "label": LABEL, **settings}]}, ensure_ascii=False)
    document = load_text(text, kind="form", file="forms/a.yaml")
    assert isinstance(document, Document)
    (problem,) = check([Loaded("test", [document])]).problems
    assert "fields[0]" + (f".{path}" if path else "") == problem.path


@pytest.mark.parametrize(
    "pattern",
    [
        r"1[3-9]\d{9}",
        r"[^@\s]+@[^@\s]+\.[a-z]+",
        r"\d{6}(18|19|20)\d{9}[0-9X]",
        r"\d+(\.\d+)?",
        r"\(?\d{3,4}\)?-?\d{7,8}",
        r"([A-Z]{2}){2}",
    ],
)
def test_pattern_that_people_write_is_allowed(pattern):
    form("text", pattern=pattern)


def test_published_meta_schema_is_the_one_of_the_field_types():
    assert printed() == FILE.read_text("utf-8"), "run python -m core.forms.metaschema"
    Draft202012Validator.check_schema(json.loads(printed()))


def test_position_in_another_system_is_stored_as_wgs84():
    stored = form("point").check({"value": {"lon": 116.41, "lat": 39.91, "crs": "gcj02"}}, now=NOON).data["value"]
    assert 0.004 < 116.41 - stored["lon"] < 0.008
    assert "crs" not in stored


def test_bounds_of_today_move_with_the_clock():
    compiled = form("date", max="today")
    assert compiled.check({"value": "2026-03-18"}, now=NOON).errors == []
    assert compiled.check({"value": "2026-03-19"}, now=NOON).errors
    late = NOON.replace(hour=17)
    assert compiled.check({"value": "2026-03-19"}, now=late).errors == [], "it is past midnight in Beijing"
