"""The three-way merge: an edit is never lost, and what both sides changed is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.definitions.merge import merge

BASE = {"key": "f", "fields": [{"id": "a", "n": 1}, {"id": "b", "n": 1}, {"id": "c", "n": 1}]}

scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab", max_size=2))
fields = st.lists(st.fixed_dictionaries({"id": st.sampled_from("abcdef"), "n": scalars}), max_size=5, unique_by=lambda one: one["id"])
documents = st.fixed_dictionaries({"key": st.just("f"), "fields": fields}, optional={"x": scalars, "y": st.lists(scalars, max_size=3)})


def ids(content):
    return "".join(one["id"] for one in content["fields"])


def with_fields(*fields):
    return {"key": "f", "fields": [{"id": name, "n": number} for name, number in fields]}


@given(documents, documents)
def test_untouched_side_takes_the_other(base, changed):
    assert changed == merge(base, base, changed).content
    assert changed == merge(base, changed, base).content


@given(documents, documents)
def test_same_change_on_both_sides_is_no_conflict(base, changed):
    merged = merge(base, changed, changed)
    assert (changed, []) == (merged.content, merged.conflicts)


@given(documents, documents, documents)
def test_every_edit_of_ours_survives(base, ours, theirs):
    merged = {one["id"]: one for one in merge(base, ours, theirs).content["fields"]}
    before = {one["id"]: one for one in base["fields"]}
    for one in ours["fields"]:
        if one != before.get(one["id"]):
            assert one == merged[one["id"]]


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (with_fields(("a", 2), ("b", 1), ("c", 1)), with_fields(("a", 1), ("b", 1), ("c", 3)), with_fields(("a", 2), ("b", 1), ("c", 3))),
        (
            with_fields(("c", 1), ("a", 1), ("b", 1)),
            with_fields(("a", 1), ("b", 1), ("x", 1), ("c", 1)),
            with_fields(("c", 1), ("a", 1), ("b", 1), ("x", 1)),
        ),
        (with_fields(("a", 1), ("c", 1)), with_fields(("a", 1), ("b", 1), ("c", 1), ("d", 1)), with_fields(("a", 1), ("c", 1), ("d", 1))),
    ],
)
def test_changes_of_different_places_come_together(ours, theirs, expected):
    merged = merge(BASE, ours, theirs)
    assert (expected, []) == (merged.content, merged.conflicts)


def test_same_place_changed_twice_keeps_ours_and_tells():
    merged = merge(BASE, with_fields(("a", 2), ("b", 1), ("c", 1)), with_fields(("a", 3), ("b", 1), ("c", 1)))
    assert merged.content["fields"][0]["n"] == 2
    assert [one.as_json() for one in merged.conflicts] == [{"path": "fields.a.n", "base": 1, "ours": 2, "theirs": 3}]


def test_removed_here_and_changed_there_is_a_conflict():
    merged = merge(BASE, with_fields(("b", 1), ("c", 1)), with_fields(("a", 9), ("b", 1), ("c", 1)))
    assert (ids(merged.content), [one.path for one in merged.conflicts]) == ("bc", ["fields.a"])


def test_true_is_not_one():
    assert [(one.path, one.ours) for one in merge({"x": 0}, {"x": True}, {"x": 1}).conflicts] == [("x", True)]
