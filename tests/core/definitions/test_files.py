"""Reading and checking files: every mistake names file, line and field, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import core.definitions.kinds
import core.forms.compile  # noqa: F401  # the kinds that the tests use
from core.definitions.check import check
from core.definitions.load import load_folder, load_text
from core.definitions.types import Document, Loaded, Problem, parse_path, path_text
from core.lib.text import LOCALES

GOOD = """key: demo.a
title: {zh_CN: 甲, en: A}
items:
  - code: '01'
    title: {zh_CN: 甲, en: A}
"""


def problems(text, kind="catalogue", prefix=""):
    found = load_text(text, kind=kind, file=f"{kind}s/a.yaml")
    loaded = Loaded("test", [], [found], prefix) if isinstance(found, Problem) else Loaded("test", [found], [], prefix)
    return check([loaded]).problems


def only(text, **options):
    (found,) = problems(text, **options)
    assert all(found.text(locale) for locale in LOCALES)
    assert found.text("en") != found.text("zh_CN")
    return found


def test_good_file_has_no_problem():
    assert list(problems(GOOD)) == []


@pytest.mark.parametrize(
    ("change", "line", "path", "key"),
    [
        (("items:", "itmes:"), 1, "", "definitions.field_missing"),
        (("code: '01'", "code: 5"), 4, "items[0].code", "definitions.wrong_type"),
        (("en: A}\nitems", "eng: A}\nitems"), 2, "title", "definitions.field_missing"),
        (("key: demo.a", "key: Demo.a"), 1, "key", "definitions.wrong_pattern"),
        (("key: demo.a", "key: demo.b"), 1, "key", "definitions.wrong_file_name"),
        (("code: '01'", "code: '01'\n    code: '02'"), 5, "items[0]", "definitions.duplicate_field"),
        (("code: '01'", "code: [&a 1, *a"), 5, "", "definitions.not_yaml"),
        (("code: '01'", "code: !!python/object:os.system x"), 4, "items[0].code", "definitions.unknown_tag"),
        (("code: '01'", "code: 12345678901234567890"), 4, "items[0].code", "definitions.number_too_large"),
        (("    title", "    parent: '09'\n    title"), 5, "items[0].parent", "definitions.catalogue_unknown_parent"),
        (("    title", "    parent: '01'\n    title"), 5, "items[0].parent", "definitions.catalogue_cycle"),
    ],
)
def test_mistake_names_line_and_field(change, line, path, key):
    found = [one for one in problems(GOOD.replace(*change, 1)) if one.message.key == key]
    assert [(line, path)] == [(one.line, one.path) for one in found]


def test_misspelt_field_gets_a_suggestion():
    found = [one for one in problems(GOOD.replace("items:", "itmes:")) if one.message.key == "definitions.unknown_field_did_you_mean"]
    assert "items" in found[0].text("en")


def test_key_of_a_plugin_begins_with_its_name():
    assert only(GOOD, prefix="urban_mgmt").message.key == "definitions.wrong_prefix"


def test_same_key_twice_is_told_with_the_other_file():
    one, two = (load_text(GOOD, kind="catalogue", file=f"{folder}/a.yaml") for folder in ("x", "y"))
    (found,) = check([Loaded("test", [one, two])]).problems
    assert (found.file, found.message.key, found.message.params["other"]) == ("y/a.yaml", "definitions.duplicate_key", "x/a.yaml")


def test_words_numbers_and_codes_are_read_as_yaml_1_2_says():
    text = "a: yes\nb: 08:00\nc: 0101\nd: 2026-11-23\ne: '1'\nf: 1.5\ng: ~\nh: true\non: off\ni: 12\n"
    document = load_text(text, kind="catalogue", file="a.yaml")
    assert isinstance(document, Document)
    expected = {"a": "yes", "b": "08:00", "c": "0101", "d": "2026-11-23", "e": "1", "f": 1.5, "g": None, "h": True, "on": "off", "i": 12}
    assert expected == document.content


def test_aliases_cannot_blow_up_the_memory():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)
    )
    found = load_text(bomb, kind="catalogue", file="a.yaml")
    assert isinstance(found, Problem)
    assert found.message.key == "definitions.file_too_complex"


def test_folder_is_read_past_a_broken_file(tmp_path):
    folder = tmp_path / "catalogues"
    folder.mkdir()
    (folder / "a.yaml").write_text(GOOD, "utf-8")
    (folder / "b.yaml").write_text("key: [", "utf-8")
    (folder / "c.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "notes.md").write_text("not a definition", "utf-8")
    loaded = load_folder(tmp_path, origin="test")
    assert (
        [document.key for document in loaded.documents],
        [problem.file for problem in loaded.problems],
    ) == (["demo.a"], ["catalogues/b.yaml", "catalogues/c.yaml"])


def test_kind_of_a_later_version_is_refused_as_such():
    assert only(GOOD, kind="team_rule").message.key == "definitions.unknown_kind"


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_raise(text):
    found = load_text(text, kind="catalogue", file="a.yaml")
    assert isinstance(found, (Document, Problem))
    if isinstance(found, Document):
        check([Loaded("test", [found])])


@given(st.lists(st.one_of(st.integers(0, 99), st.from_regex(r"[a-z_]{1,8}", fullmatch=True)), max_size=6))
def test_path_reads_back_as_it_was_written(path):
    assert tuple(path) == parse_path(path_text(path))


def test_file_that_cannot_be_read_is_told_and_the_others_are_read(tmp_path):
    (tmp_path / "catalogues").mkdir()
    (tmp_path / "catalogues" / "a.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "catalogues" / "b.yaml").symlink_to(tmp_path / "nowhere")
    loaded = load_folder(tmp_path, origin="test")
    assert [document.file for document in loaded.documents] == ["catalogues/a.yaml"]
    assert [(one.file, one.message.key) for one in loaded.problems] == [("catalogues/b.yaml", "definitions.unreadable")]
