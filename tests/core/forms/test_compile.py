"""Conditions, checks and computed values: worked out by the server, in the order they need each other."""

from __future__ import annotations

import timeit
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.definitions.check import check, prepare_one
from core.definitions.load import load_text
from core.definitions.types import Document, Loaded
from core.forms.compile import compile_form
from core.forms.types import MAX_FORM_BYTES, joined
from core.lib.errors import Invalid
from core.testing.fixtures import NOON

HEAD = "key: demo.form\ntitle: {zh_CN: 表, en: Form}\n"
LABEL = "label: {zh_CN: 名, en: Name}"


def load(text, *others):
    documents = []
    for one in (text, *others):
        key = one.split("key: ")[1].splitlines()[0]
        found = load_text(one.replace("LABEL", LABEL), kind="form", file=f"forms/{key.rsplit('.', 1)[-1]}.yaml")
        assert isinstance(found, Document), found
        documents.append(found)
    return check([Loaded("test", documents)])


def form(fields, *others, checks=""):
    outcome = load(HEAD + fields + checks, *others)
    assert not outcome.problems, [problem.text("en") for problem in outcome.problems]
    return compile_form(outcome.prepared[0].content)


def problem_of(fields, *others, checks=""):
    (problem,) = load(HEAD + fields + checks, *others).problems
    return problem


def told(compiled, data, **options):
    return [(error.path, error.message.key.removeprefix("forms.")) for error in compiled.check(data, now=NOON, **options).errors]


HOUSE = """fields:
  - {id: rooms, type: integer, LABEL, required: true}
  - {id: fire_exit, type: boolean, LABEL, visible: rooms > 3, required: true}
  - {id: reason, type: text, LABEL, visible: fire_exit == false, required: rooms > 5}
  - {id: area, type: decimal, LABEL}
  - {id: each, type: computed, LABEL, value: 'round(area / rooms, 1)', result: decimal, digits: 1}
"""
AREA = "checks: [{rule: area > 0 or area == null, message: {zh_CN: 面积须大于零, en: The area is more than zero}, at: area}]\n"


def test_hidden_field_is_neither_required_nor_stored():
    checked = form(HOUSE).check({"rooms": 2, "fire_exit": True, "reason": "x"}, now=NOON)
    assert (checked.data, checked.errors) == ({"rooms": 2}, [])


def test_shown_field_is_required_as_its_rule_says():
    compiled = form(HOUSE)
    assert told(compiled, {"rooms": 4}) == [("fire_exit", "required")]
    assert told(compiled, {"rooms": 4, "fire_exit": False}) == []
    assert told(compiled, {"rooms": 6, "fire_exit": False}) == [("reason", "required")]


def test_computed_value_is_the_servers_own():
    compiled = form(HOUSE)
    assert compiled.check({"rooms": 2, "area": 24.6, "each": 999}, now=NOON).data["each"] == 12.3
    assert "each" not in compiled.check({"rooms": 0, "area": 1}, now=NOON).data


@pytest.mark.parametrize(("value", "expected"), [(2.675, 2.68), (-2.675, -2.68), (1.005, 1.01), (0.125, 0.13), (3, 3)])
def test_computed_value_is_rounded_as_people_do(value, expected):
    fields = "fields:\n  - {id: a, type: decimal, LABEL, digits: 3}\n  - {id: b, type: computed, LABEL, value: a, result: money}\n"
    assert form(fields).check({"a": value}, now=NOON).data["b"] == expected


def test_computed_value_beyond_every_bound_is_an_error():
    fields = "fields:\n  - {id: a, type: integer, LABEL}\n  - {id: b, type: computed, LABEL, value: a * a * a * a, result: money}\n"
    assert told(form(fields), {"a": 2**53 - 1}) == [("b", "cannot_compute")]


def test_check_speaks_at_its_field_in_both_languages():
    (error,) = form(HOUSE, checks=AREA).check({"rooms": 1, "area": -1}, now=NOON).errors
    assert (error.path, error.message.text("zh_CN"), error.message.text("en")) == ("area", "面积须大于零", "The area is more than zero")


def test_check_of_a_refused_value_is_not_judged():
    assert told(form(HOUSE, checks=AREA), {"rooms": 1, "area": "x"}) == [("area", "not_number")]


def test_condition_on_a_refused_value_adds_no_second_error():
    assert told(form(HOUSE), {"rooms": "x"}) == [("rooms", "not_integer")]


def test_order_of_the_file_does_not_matter():
    turned = form("""fields:
  - {id: third, type: text, LABEL, visible: second == 2, required: true}
  - {id: second, type: computed, LABEL, value: first + 1, result: integer}
  - {id: first, type: integer, LABEL}
""")
    assert told(turned, {"first": 1}) == [("third", "required")]
    assert told(turned, {"first": 2}) == []


@pytest.mark.parametrize(
    "fields",
    [
        "fields:\n  - {id: a, type: text, LABEL, visible: b == 'x'}\n  - {id: b, type: text, LABEL, visible: a == 'x'}\n",
        "fields:\n  - {id: a, type: computed, LABEL, value: a + 1, result: integer}\n",
        "fields:\n  - {id: g, type: group, LABEL, visible: g.a == 'x', fields: [{id: a, type: text, LABEL}]}\n",
        "fields:\n  - {id: r, type: repeat, LABEL, fields: [{id: a, type: text, LABEL, visible: count(r) > 1}]}\n",
        "fields:\n  - {id: n, type: computed, LABEL, value: count(r), result: integer}\n  - {id: r, type: repeat, LABEL, fields: [{id: a, type: text, LABEL, visible: n > 1}]}\n",
    ],
)
def test_circle_of_rules_is_refused_with_its_fields(fields):
    assert problem_of(fields).message.key == "forms.circular_rules"


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("nothing > 1", "forms.unknown_name"),
        ("a.b > 1", "forms.unknown_name"),
        ("g.nothing == 1", "forms.unknown_name"),
        ("a >", "rules.at"),
    ],
)
def test_rule_that_names_nothing_is_refused_at_its_line(rule, key):
    problem = problem_of(
        f"fields:\n  - {{id: a, type: integer, LABEL}}\n  - {{id: g, type: group, LABEL, fields: [{{id: b, type: text, LABEL}}]}}\n  - {{id: c, type: text, LABEL, visible: {rule}}}\n"
    )
    assert (6, "fields[2].visible", key) == (problem.line, problem.path, problem.message.key)


def test_name_that_means_two_fields_is_refused():
    problem = problem_of(
        "fields:\n  - {id: a, type: text, LABEL}\n  - {id: g, type: group, LABEL, fields: [{id: a, type: text, LABEL}, {id: b, type: text, LABEL, visible: a == 'x'}]}\n"
    )
    assert problem.message.key == "forms.ambiguous_name"


def test_same_id_twice_is_refused():
    assert problem_of("fields:\n  - {id: a, type: text, LABEL}\n  - {id: a, type: text, LABEL}\n").message.key == "forms.id_repeated"


def test_check_at_an_unknown_field_is_refused():
    assert problem_of(HOUSE, checks=AREA.replace("at: area", "at: nothing")).path == "checks[0].at"


ROOMS = """fields:
  - {id: limit, type: integer, LABEL, required: true}
  - id: rooms
    type: repeat
    label: {zh_CN: 房间, en: Rooms}
    min_items: 1
    max_items: 3
    fields:
      - {id: area, type: decimal, LABEL, required: true}
      - {id: tenant, type: text, LABEL, personal: true, visible: area > limit}
      - {id: beds, type: repeat, LABEL, fields: [{id: width, type: integer, LABEL, max: 3, visible: limit < 100}]}
    checks:
      - {rule: area < 1000, message: {zh_CN: 太大, en: Too large}, at: area}
  - {id: total, type: computed, LABEL, value: 'sum(rooms, area)', result: decimal}
checks:
  - {rule: total <= 50, message: {zh_CN: 合计太大, en: Total too large}, at: rooms}
"""


def test_repeat_items_have_conditions_and_checks_of_their_own():
    compiled = form(ROOMS)
    checked = compiled.check({"limit": 10, "rooms": [{"area": 5, "tenant": "甲"}, {"area": 20, "tenant": "乙"}]}, now=NOON)
    assert checked.errors == []
    assert checked.data == {"limit": 10, "rooms": [{"area": 5}, {"area": 20}], "total": 25}
    assert checked.personal == {"rooms[1].tenant": "乙"}
    whole = joined(checked.data, checked.personal)
    assert (whole["rooms"][1]["tenant"], checked.data["rooms"][1].get("tenant")) == ("乙", None)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"limit": 1}, [("rooms", "required")]),
        ({"limit": 1, "rooms": []}, [("rooms", "required")]),
        ({"limit": 1, "rooms": [{"area": 1}] * 4}, [("rooms", "count_out_of_bounds")]),
        ({"limit": 1, "rooms": [{"area": 1}, {}, {"area": "x"}]}, [("rooms[1].area", "required"), ("rooms[2].area", "not_number")]),
        ({"limit": 1, "rooms": [{"area": 1}, 5]}, [("rooms[1]", "not_object")]),
        ({"limit": 1, "rooms": [{"area": 1000}]}, [("rooms[0].area", "check_said")]),
        ({"limit": 1, "rooms": [{"area": 30}, {"area": 30}]}, [("rooms", "check_said")]),
        ({"limit": 1, "rooms": [{"area": 1, "beds": [{"width": 2}, {"width": 9}]}]}, [("rooms[0].beds[1].width", "number_out_of_bounds")]),
        ({"limit": 1, "rooms": [{"area": 1, "extra": 1}]}, [("rooms[0].extra", "unknown_field")]),
    ],
)
def test_error_in_an_item_has_its_path(data, expected):
    assert expected == told(form(ROOMS), data)


GROUP = """fields:
  - {id: kind, type: text, LABEL}
  - id: contact
    type: group
    label: {zh_CN: 联系, en: Contact}
    visible: kind == 'x'
    fields:
      - {id: name, type: text, LABEL, required: true, personal: true}
      - {id: phone, type: text, LABEL, visible: name != null}
    checks:
      - {rule: phone != name, message: {zh_CN: 不同, en: Different}, at: phone}
  - {id: called, type: computed, LABEL, value: contact.name, result: text}
"""


def test_group_is_an_object_whose_fields_see_each_other():
    compiled = form(GROUP)
    checked = compiled.check({"kind": "x", "contact": {"name": "王", "phone": "1"}}, now=NOON)
    assert checked.data == {"kind": "x", "contact": {"phone": "1"}}
    assert checked.personal == {"contact.name": "王", "called": "王"}
    assert told(compiled, {"kind": "x", "contact": {"name": "1", "phone": "1"}}) == [("contact.phone", "check_said")]
    assert told(compiled, {"kind": "x"}) == [("contact.name", "required")]
    assert told(compiled, {"kind": "x", "contact": [1]}) == [("contact", "not_object")]
    assert compiled.check({"kind": "y", "contact": {"name": "王"}}, now=NOON).data == {"kind": "y"}


def test_what_lies_in_a_personal_group_is_personal():
    compiled = form(GROUP.replace("visible: kind == 'x'", "sensitive: {purpose: contact}"))
    checked = compiled.check({"contact": {"name": "王", "phone": "1"}}, now=NOON)
    assert checked.personal == {"contact.name": "王", "contact.phone": "1", "called": "王"}
    assert "contact" not in checked.data


@pytest.mark.parametrize(
    ("setting", "kept_apart"),
    [("", {"contact.name": "王", "called": "王", "twice": "王王"}), (", personal: false", {"contact.name": "王", "twice": "王王"})],
)
def test_what_is_computed_of_personal_data_is_personal_unless_declared_open(setting, kept_apart):
    fields = GROUP.replace("result: text}", f"result: text{setting}}}").replace("    visible: kind == 'x'\n", "")
    compiled = form(fields + "  - {id: twice, type: computed, LABEL, value: 'concat(contact.name, contact.name)', result: text}\n")
    checked = compiled.check({"contact": {"name": "王"}}, now=NOON)
    assert kept_apart == checked.personal
    assert {"contact.name", *kept_apart} == {path for path, _ in compiled.personal_fields()}


def test_computed_of_computed_personal_data_is_personal():
    fields = (
        GROUP.replace("    visible: kind == 'x'\n", "")
        + "  - {id: again, type: computed, LABEL, value: 'concat(called, 1)', result: text}\n"
    )
    assert form(fields).check({"contact": {"name": "王"}}, now=NOON).personal == {"contact.name": "王", "called": "王", "again": "王1"}


CONTACT = """key: library.contact
title: {zh_CN: 联系人, en: Contact person}
fields:
  - {id: name, type: text, LABEL, required: true}
  - {id: phone, type: text, LABEL, visible: name != null}
checks:
  - {rule: phone != name, message: {zh_CN: 不同, en: Different}, at: phone}
"""


def test_included_form_becomes_a_group_with_its_checks():
    compiled = form(
        "fields:\n  - {use: library.contact, id: owner}\n  - {use: library.contact, id: agent, label: {zh_CN: 代理, en: Agent}}\n", CONTACT
    )
    assert [one.label["en"] for one in compiled.definition.fields] == ["Contact person", "Agent"]
    data = {"owner": {"name": "1", "phone": "1"}, "agent": {"name": "2", "phone": "1"}}
    assert told(compiled, data) == [("owner.phone", "check_said")]


@pytest.mark.parametrize(
    ("others", "key"),
    [
        ((), "forms.unknown_include"),
        ((CONTACT.replace("fields:\n", "fields:\n  - {use: library.contact, id: again}\n"),), "forms.circular_include"),
    ],
)
def test_include_that_cannot_be_found_or_ends_nowhere_is_refused(others, key):
    problems = load(HEAD + "fields:\n  - {use: library.contact, id: owner}\n", *others).problems
    assert key in {problem.message.key for problem in problems}
    assert "fields[0].use" in {problem.path for problem in problems}


class Context:
    def __init__(self, **known):
        self.known, self.calls = known, []

    def exists_many(self, kind, ids, *, within=None, level=None):
        self.calls.append((kind, within, level, frozenset(ids)))
        return self.known.get(kind, set()) & set(ids)


NAMED = """fields:
  - {id: who, type: person, LABEL}
  - {id: kind, type: grid, LABEL, scheme: district, level: community}
  - {id: photos, type: photo, LABEL}
  - {id: rows, type: repeat, LABEL, fields: [{id: who, type: person, LABEL}]}
"""
PHOTO = "00000000-0000-7000-8000-00000000000{}"


def test_named_things_are_asked_for_once_a_kind():
    context = Context(person={1}, attachment={PHOTO.format(1)})
    data = {"who": 1, "kind": "110101", "photos": [PHOTO.format(1), PHOTO.format(2)], "rows": [{"who": 1}, {"who": 2}]}
    expected = [("kind", "no_such_grid"), ("photos", "no_such_attachment"), ("rows[1].who", "no_such_person")]
    assert expected == sorted(told(form(NAMED), data, context=context))
    asked = {
        ("person", None, None, frozenset({1, 2})),
        ("grid", "district", "community", frozenset({"110101"})),
        ("attachment", None, None, frozenset({PHOTO.format(1), PHOTO.format(2)})),
    }
    assert asked == set(context.calls)
    assert len(context.calls) == 3


def test_unknown_field_is_told_and_every_one_counted():
    errors = told(form(HOUSE), {"rooms": 1, **{f"typo{number}": 1 for number in range(30)}})
    assert [errors[0], errors[-1]] == [("typo0", "unknown_field"), ("", "more_unknown_fields")]
    assert len(errors) == 21


@pytest.mark.parametrize("data", [None, [], "x", 5, 10**5000], ids=lambda data: type(data).__name__)
def test_what_is_no_object_is_refused(data):
    assert told(form(HOUSE), data) == [("", "not_object")]


def test_form_larger_than_a_megabyte_is_refused():
    assert told(form(HOUSE), {"reason": "x" * MAX_FORM_BYTES}) == [("", "form_too_large")]


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["area", "tenant", "beds", "width", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["limit", "rooms", "total", "x"]), json_values, max_size=4))
@settings(max_examples=300, deadline=None)
def test_whatever_is_sent_gives_an_answer(data):
    compiled = form_once()
    checked = compiled.check(data, now=NOON)
    if not checked.errors:
        again = compiled.check(joined(checked.data, checked.personal), now=NOON)
        assert (checked.data, checked.personal, []) == (again.data, again.personal, again.errors)


_forms = []


def form_once():
    if not _forms:
        _forms.append(form(ROOMS))
    return _forms[0]


def test_costly_rule_ends_in_an_error():
    compiled = form("""fields:
  - {id: rows, type: repeat, LABEL, fields: [{id: n, type: integer, LABEL}]}
  - {id: pairs, type: computed, LABEL, value: 'count(rows, any(data.rows, n > 9))', result: integer}
""")
    errors = told(compiled, {"rows": [{"n": 1}] * 500})
    assert errors == [("pairs", "cannot_compute")]


def test_draft_over_http_is_checked_like_a_file():
    class Nothing:
        def find(self, _kind, _key):
            return None

    content = {"key": "own.form", "title": {"zh_CN": "表", "en": "Form"}, "fields": [{"id": "a", "type": "text", "label": {"zh_CN": "名"}}]}
    with pytest.raises(Invalid) as refused:
        prepare_one("form", content, origin="agency", source=Nothing())
    assert [error.path for error in refused.value.errors] == ["fields[0].label"]


def test_render_plan_holds_rules_as_trees_and_both_languages():
    plan = form(ROOMS).render_plan()
    assert plan["fields"][1]["fields"][1]["visible"] == {">": [{"var": "area"}, {"var": "limit"}]}
    assert plan["fields"][1]["label"] == {"zh_CN": "房间", "en": "Rooms"}
    assert plan["fields"][2]["value"] == {"sum": [{"map": [{"var": "rooms"}, {"var": "area"}]}]}


def test_twelve_fields_and_five_rules_take_less_than_150_microseconds():
    fields = "fields:\n" + "".join(f"  - {{id: t{number}, type: text, LABEL}}\n" for number in range(5))
    compiled = form(
        fields + HOUSE.removeprefix("fields:\n") + "  - {id: on, type: date, LABEL}\n  - {id: at, type: point, LABEL}\n", checks=AREA
    )
    data = {
        "rooms": 6,
        "fire_exit": False,
        "reason": "无",
        "area": 60.5,
        "on": "2026-03-01",
        "at": {"lon": 116.4, "lat": 39.9},
        **{f"t{n}": "文字" for n in range(5)},
    }
    now = datetime(2026, 3, 18, tzinfo=UTC)
    assert compiled.check(data, now=now).errors == []
    assert min(timeit.repeat(lambda: compiled.check(data, now=now), number=200, repeat=10)) / 200 < 150e-6
