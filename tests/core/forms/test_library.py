"""The shared library: every form in it compiles, and its samples hold."""

from __future__ import annotations

import pytest

from core.definitions.check import check
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.forms.compile import compile_form
from core.forms.samples import sample_failures
from core.testing.fixtures import NOON

OUTCOME = check([load_folder(FORMS / "library", origin="library", prefix="library")])


def test_library_has_no_problem():
    assert [problem.text("en") for problem in OUTCOME.problems] == []
    assert {"library.address", "library.contact", "library.person_identity", "library.position_photo"} == {
        one.key for one in OUTCOME.prepared
    }


@pytest.mark.parametrize("prepared", OUTCOME.prepared, ids=lambda one: one.key)
def test_samples_of_a_library_form_hold(prepared):
    form = compile_form(prepared.content)
    assert list(sample_failures(form, now=NOON)) == []
    assert len(form.samples["good"]) > 1
    assert len(form.samples["bad"]) > 1


def test_wrong_sample_is_told():
    content = {**OUTCOME.prepared[0].content, "samples": {"good": [{"street": 5}], "bad": [{"data": {"street": "x"}, "at": "street"}]}}
    failures = list(sample_failures(compile_form(content), now=NOON))
    assert len(failures) == 3
