"""Surveys as definitions: each mistake in a file is named at its field."""

from __future__ import annotations

from copy import deepcopy
from importlib.resources import files

import pytest

from core import parts
from core.definitions.check import prepare_one
from core.definitions.load import load_folder
from core.feedback import links
from core.feedback.compiler import compile_survey
from core.lib.errors import Invalid


class Files:
    """The definitions of the plugin, as they are checked beside each other."""

    def __init__(self) -> None:
        parts.load()
        loaded = load_folder(files("plugins.urban_mgmt"), origin="urban_mgmt", prefix="urban_mgmt")
        self.all = {(one.kind, one.key): one.content for one in loaded.documents}

    def find(self, kind, key):
        return self.all.get((kind, key))

    def every(self, kind):
        return [content for (one, _), content in self.all.items() if one == kind]


@pytest.fixture(scope="module")
def source():
    return Files()


def changed(source, key, *path, value=None):
    """Give a survey with one value set, or taken away."""
    content = deepcopy(source.all["survey", key])
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


MISTAKES = [
    (("form",), "urban_mgmt.nothing", "form"),
    (("form",), "urban_mgmt.accept", "points.field"),
    (("points", "field"), "comment", "points.field"),
    (("points", "field"), "nothing", "points.field"),
    (("points", "options", "neutral"), None, "points.options"),
    (("points", "options", "perfect"), 100, "points.options.perfect"),
    (("after", "workflow"), "urban_mgmt.nothing", "after.workflow"),
    (("after", "states"), ["closed", "handling"], "after.states[1]"),
    (("after", "states"), ["closed", "somewhere"], "after.states[1]"),
    (("after", "to"), {}, "after.to"),
    (("after", "to"), {"personal": "phone"}, "after.to.personal"),
    (("after", "when"), "colour == 1", "after.when"),
    (("after", "when"), "source ==", "after.when"),
    (("after", "when"), "answer.solved == 'no'", "after.when"),
    (("after", "text"), {"zh_CN": "请评价", "en": "Rate: {link}"}, "after.text.zh_CN"),
    (("after", "text"), {"zh_CN": "请评价{link", "en": "Rate: {link}"}, "after.text.zh_CN"),
    (("after", "text"), {"zh_CN": "{name}请评价{link}", "en": "Rate: {link}"}, "after.text.zh_CN"),
    (("after", "text"), {"zh_CN": "{link.__class__}{link}", "en": "Rate: {link}"}, "after.text.zh_CN"),
    (("after", "text"), {"zh_CN": "{link!r}{link}", "en": "Rate: {link}"}, "after.text.zh_CN"),
    (("reopen", "when"), "answer.comment == '坏'", "reopen.when"),
    (("reopen", "when"), "facts.filed_on == today()", "reopen.when"),
    (("reopen", "verb"), "open_again", "reopen.verb"),
    (("reopen", "verb"), "dispatch", "reopen.verb"),
    (("reopen", "form"), {"why": {"zh_CN": "不满意", "en": "Bad"}}, "reopen.form.why"),
    (("reopen", "form"), {"reason": {"zh_CN": "{answer.comment}", "en": "Bad"}}, "reopen.form.reason.zh_CN"),
    (("reopen", "form"), {"reason": {"zh_CN": "{comment}", "en": "Bad"}}, "reopen.form.reason.zh_CN"),
    (("reopen", "decides"), "mayor", "reopen.decides"),
]


@pytest.mark.parametrize(
    ("path", "value", "at"), MISTAKES, ids=[f"{'.'.join(map(str, path))}-{number}" for number, (path, _, _) in enumerate(MISTAKES)]
)
def test_mistake_is_named_at_its_field(source, path, value, at):
    content = changed(source, "urban_mgmt.satisfaction", *path, value=value)
    with pytest.raises(Invalid) as refused:
        prepare_one("survey", content, origin="agency", source=source)
    assert at in [error.path for error in refused.value.errors]
    assert all(error.message.text("zh_CN") and error.message.text("en") for error in refused.value.errors)


ROUND_MISTAKES = [
    (("sample", "codes"), 19, "sample.codes"),
    (("sample", "at_least"), 21, "sample.at_least"),
    (("sample", "frame"), {"ledger": "urban_mgmt.nothing", "phone": "phone"}, "sample.frame.ledger"),
    (("sample", "frame"), {"ledger": "urban_mgmt.component", "phone": "phone"}, "sample.frame.phone"),
    (("sample",), None, ""),
]


@pytest.mark.parametrize(("path", "value", "at"), ROUND_MISTAKES)
def test_mistake_of_a_round_is_named_at_its_field(source, path, value, at):
    content = changed(source, "urban_mgmt.residents", *path, value=value)
    with pytest.raises(Invalid) as refused:
        prepare_one("survey", content, origin="agency", source=source)
    assert [at] == [error.path for error in refused.value.errors]


def test_public_form_asks_for_nothing_that_needs_an_account_and_keeps_words_apart(source):
    form = deepcopy(source.all["form", "urban_mgmt.satisfaction"])
    form["fields"].append({"id": "who", "type": "person", "label": {"zh_CN": "谁", "en": "Who"}})
    form["fields"].append({"id": "photo", "type": "photo", "label": {"zh_CN": "照片", "en": "Photo"}})
    form["fields"].append({"id": "name", "type": "text", "label": {"zh_CN": "姓名", "en": "Name"}})
    other = Files()
    other.all["form", "urban_mgmt.satisfaction"] = form
    with pytest.raises(Invalid) as refused:
        prepare_one("survey", other.all["survey", "urban_mgmt.satisfaction"], origin="agency", source=other)
    told = [error.message.params["field"] for error in refused.value.errors]
    assert told == ["who", "photo", "name"]


def test_the_plugins_own_surveys_are_sound(source):
    for content in source.every("survey"):
        assert prepare_one("survey", content, origin="agency", source=source).content == content
    known = compile_survey(source.all["survey", "urban_mgmt.satisfaction"])
    assert (known.points.options["dissatisfied"], known.after.valid_days, known.reopen.at_most) == (30, 14, 1)


def test_secrets_are_long_and_never_the_same():
    made = {links.new_token() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(one) for one in made} == {26}
    assert len({links.digest_of(one) for one in made}) == 1000


@pytest.mark.parametrize("typed", ["", "0", "0" * 15, "0" * 27, "U" * 26, "é" * 26, "../" * 8 + "ab", "0" * 25 + "\u0000"])
def test_what_can_be_no_secret_is_none(typed):
    assert links.digest_of(typed) is None


def test_secret_is_read_however_it_is_typed():
    assert links.digest_of("0011 2233-4455 6677") == links.digest_of("oOiL22334455 6677")
    assert links.digest_of(links.grouped("ABCDEFGH01234567")) == links.digest_of("abcdefgh01234567")
