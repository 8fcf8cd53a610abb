"""Moving configuration: an export is planned, reviewed by its hash, and applied whole or not at all."""

from __future__ import annotations

import json

import pytest

from core.definitions import promote, service, store
from core.definitions.permissions import DefinitionRight
from core.lib.errors import Conflict, Invalid
from tests.core.definitions.conftest import CATALOGUE, content, prepared, synced


@pytest.fixture
def admin(make_actor):
    return make_actor({*DefinitionRight})


def titled(text):
    own = content()
    own["items"] = [*own["items"], {"code": "0109", "parent": "01", "title": {"zh_CN": text, "en": text}}]
    return own


def exported(*contents):
    return promote.read(
        {"format": 1, "agency": "x", "definitions": [{"kind": "catalogue", "key": one["key"], "content": one} for one in contents]}
    )


def test_export_applied_elsewhere_gives_the_same_export(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    wanted = exported(titled("甲"), {**titled("乙"), "key": "own.new"})
    plan = promote.plan(as_alpha, admin, wanted)
    assert [(one.action, one.key) for one in plan.changes] == [("change", "demo.waste"), ("create", "own.new")]
    promote.apply(as_alpha, admin, wanted, plan_hash=plan.hash)
    again = promote.export(as_alpha, admin)
    assert wanted["definitions"] == again["definitions"]
    assert promote.plan(as_alpha, admin, promote.read(json.loads(promote.printed(again)))).changes == ()


def test_plan_names_the_places_that_differ(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    changed = content()
    changed["items"] = [changed["items"][0], {**changed["items"][1], "data": {"hours": 4}}]
    (change,) = promote.plan(as_alpha, admin, exported(changed)).changes
    assert change.paths == ("items[1].data.hours",)


def test_what_the_export_has_not_is_retired(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", titled("甲"))
    plan = promote.plan(as_alpha, admin, exported())
    assert [(one.action, one.key) for one in plan.changes] == [("retire", "demo.waste")]
    promote.apply(as_alpha, admin, exported(), plan_hash=plan.hash)
    assert len(store.current(as_alpha, "catalogue", "demo.waste").content["items"]) == 2


@pytest.mark.parametrize("meanwhile", ["edit", "upgrade"])
def test_plan_is_refused_when_the_target_has_changed(owner, as_alpha, admin, meanwhile):
    synced(owner, prepared(CATALOGUE))
    wanted = exported(titled("甲"))
    plan = promote.plan(as_alpha, admin, wanted)
    if meanwhile == "edit":
        service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", titled("丙"))
    else:
        synced(owner, prepared(CATALOGUE.replace("source: demo", "source: new")))
    with pytest.raises(Conflict) as refused:
        promote.apply(as_alpha, admin, wanted, plan_hash=plan.hash)
    assert refused.value.extra["hash"] != plan.hash


def test_apply_never_overwrites_a_draft(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    draft = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", titled("草稿"))
    wanted = exported(titled("甲"))
    with pytest.raises(Conflict):
        promote.apply(as_alpha, admin, wanted, plan_hash=promote.plan(as_alpha, admin, wanted).hash)
    assert draft.content == store.version(as_alpha, draft.id).content


def test_content_that_does_not_fit_is_refused(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    wanted = exported({**content(), "items": []})
    with pytest.raises(Invalid):
        promote.apply(as_alpha, admin, wanted, plan_hash=promote.plan(as_alpha, admin, wanted).hash)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"format": 2, "definitions": []},
        {"format": 1, "definitions": [5]},
        {"format": 1, "definitions": [{"kind": "role", "key": "a", "content": {"key": "b"}}]},
    ],
)
def test_file_that_is_no_export_is_refused(data):
    with pytest.raises(ValueError, match=r"format|kind|key"):
        promote.read(data)
