"""Versions in a real PostgreSQL: stored once, never changed, an agency's own on top."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from core.db.engine import AgencySession
from core.definitions import service, store
from core.definitions.models import Definition
from core.definitions.permissions import DefinitionRight
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from core.testing.fixtures import NOON
from tests.core.definitions.conftest import CATALOGUE, content, prepared, synced

CHANGED = CATALOGUE.replace("暴露垃圾, en: Litter", "垃圾, en: Rubbish")
GROWN = CATALOGUE + "  - {code: '0102', parent: '01', title: {zh_CN: 积存渣土, en: Rubble}}\n"


@pytest.fixture
def admin(make_actor):
    return make_actor({*DefinitionRight})


def edited(title: str = "我的垃圾"):
    own = content()
    own["items"][1] = {**own["items"][1], "title": {"zh_CN": title, "en": "Mine"}}
    return own


def test_sync_of_the_same_content_changes_nothing(owner):
    first = synced(owner, prepared(CATALOGUE))
    second = synced(owner, prepared(CATALOGUE))
    assert (first.created, first.unchanged) == (["catalogue:demo.waste"], [])
    assert (second.unchanged, second.has_changed) == (["catalogue:demo.waste"], False)
    assert len(store.history(owner, "catalogue", "demo.waste")) == 1


def test_sync_of_changed_content_makes_a_version(owner):
    synced(owner, prepared(CATALOGUE))
    report = synced(owner, prepared(CHANGED))
    assert report.updated == ["catalogue:demo.waste"]
    assert [one.version for one in store.history(owner, "catalogue", "demo.waste")] == [2, 1]
    assert store.current(owner, "catalogue", "demo.waste").content["items"][1]["title"]["en"] == "Rubbish"


def test_sync_tells_what_left_the_files_and_keeps_it(owner):
    synced(owner, prepared(CATALOGUE))
    report = synced(owner, prepared(CATALOGUE.replace("demo.waste", "demo.other")))
    assert report.gone == ["catalogue:demo.waste"]
    assert store.current(owner, "catalogue", "demo.waste")


def test_order_of_an_authors_mapping_is_kept(owner):
    synced(owner, prepared(CATALOGUE))
    owner.expire_all()
    assert list(store.current(owner, "catalogue", "demo.waste").content) == ["key", "title", "source", "items"]


@pytest.mark.parametrize(
    "change",
    [
        "content = '{}'::json",
        "checksum = 'x'",
        "key = 'demo.x'",
        "version = 9",
        "kind = 'role'",
        "status = 'draft', published_at = NULL",
        "published_at = now()",
        "origin = 'agency'",
        "agency_id = (SELECT id FROM agency LIMIT 1)",
    ],
)
def test_published_version_refuses_every_change(owner, change):
    synced(owner, prepared(CATALOGUE))
    with pytest.raises(IntegrityError):
        owner.execute(text(f"UPDATE definition SET {change}"))


def test_published_version_refuses_deletion_even_by_the_owner(owner):
    synced(owner, prepared(CATALOGUE))
    with pytest.raises(IntegrityError):
        owner.execute(text("DELETE FROM definition"))


def test_retired_version_stays_retired(owner):
    synced(owner, prepared(CATALOGUE))
    owner.execute(update(Definition).values(status="retired"))
    with pytest.raises(IntegrityError):
        owner.execute(update(Definition).values(status="published"))


def test_application_cannot_write_for_the_installation(session):
    row = {"kind": "role", "key": "x", "version": 1, "status": "draft", "content": {}, "checksum": "x", "origin": "x"}
    with pytest.raises(ProgrammingError, match="row-level security"):
        session.execute(insert(Definition).values(row))


def test_application_can_neither_take_over_nor_delete_a_shared_draft(database, alpha):
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        row = {"kind": "role", "key": "shared.draft", "version": 1, "status": "draft", "content": {}, "checksum": "x", "origin": "x"}
        owner.execute(insert(Definition).values(row))
        owner.commit()
    try:
        with database.session(alpha.id) as session:
            assert session.execute(text("UPDATE definition SET checksum = 'mine' WHERE key = 'shared.draft'")).rowcount == 0
            assert session.execute(text("DELETE FROM definition WHERE key = 'shared.draft'")).rowcount == 0
            assert session.scalar(select(Definition.id).where(Definition.key == "shared.draft"))
    finally:
        with AgencySession(database.owner_engine, agency_id=None) as owner:
            owner.execute(text("DELETE FROM definition WHERE key = 'shared.draft'"))
            owner.commit()


def test_agency_neither_sees_nor_touches_anothers_versions(session, connection, admin, beta):
    own = service.save_draft(session, admin, "catalogue", "demo.own", {**content(), "key": "demo.own"})
    session.flush()
    with AgencySession(connection, agency_id=beta.id, join_transaction_mode="create_savepoint") as other:
        with pytest.raises(NotFound):
            store.version(other, own.id)
        assert other.execute(text("SELECT count(*) FROM definition WHERE key = 'demo.own'")).scalar() == 0
        assert other.execute(text("DELETE FROM definition WHERE key = 'demo.own'")).rowcount == 0


def test_agencys_own_version_comes_before_the_installations(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    published = service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited())
    assert (published.version, published.base_version, published.status) == (1, 1, "published")
    assert store.current(as_alpha, "catalogue", "demo.waste").content["items"][1]["title"]["en"] == "Mine"
    assert store.current(owner, "catalogue", "demo.waste").content["items"][1]["title"]["en"] == "Litter"
    assert [one.key for one in store.list_current(as_alpha, "catalogue")].count("demo.waste") == 1


def test_draft_is_not_in_force_and_can_be_thrown_away(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    draft = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", edited())
    assert store.current(as_alpha, "catalogue", "demo.waste").content["items"][1]["title"]["en"] == "Litter"
    service.discard_draft(as_alpha, admin, draft.id)
    with pytest.raises(NotFound):
        store.version(as_alpha, draft.id)


def test_saving_again_replaces_the_draft(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    first = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", edited("一"))
    second = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", edited("二"))
    assert first.id == second.id
    assert second.content["items"][1]["title"]["zh_CN"] == "二"


def test_upgrade_keeps_an_edit_and_takes_the_rest(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited())
    report = synced(owner, prepared(GROWN))
    assert [(admin.agency_id, 0)] == [(one["agency_id"], one["conflicts"]) for one in report.merged]
    assert len(store.current(as_alpha, "catalogue", "demo.waste").content["items"]) == 2
    draft = service.history(as_alpha, admin, "catalogue", "demo.waste")[0]
    assert (draft.status, draft.base_version) == ("draft", 2)
    published = service.publish(as_alpha, admin, draft.id)
    assert [item["title"]["en"] for item in published.content["items"]] == ["Look", "Mine", "Rubble"]


def test_upgrade_of_the_edited_place_is_a_conflict_to_settle(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited())
    synced(owner, prepared(CHANGED))
    draft = service.history(as_alpha, admin, "catalogue", "demo.waste")[0]
    assert [one["path"] for one in draft.conflicts] == ["items.0101.title.zh_CN", "items.0101.title.en"]
    assert draft.content["items"][1]["title"]["en"] == "Mine"
    with pytest.raises(Conflict):
        service.publish(as_alpha, admin, draft.id)
    service.save_draft(as_alpha, admin, "catalogue", "demo.waste", draft.content)
    assert service.publish(as_alpha, admin, draft.id).status == "published"


def test_draft_behind_its_base_has_to_be_rebased(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    draft = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", edited())
    synced(owner, prepared(GROWN))
    with pytest.raises(Conflict):
        service.publish(as_alpha, admin, draft.id)
    merged = service.rebase(as_alpha, admin, draft.id)
    assert (merged.base_version, len(merged.content["items"])) == (2, 3)
    assert service.publish(as_alpha, admin, draft.id).status == "published"


def test_restoring_makes_a_new_version(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    first = service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited("一"))
    service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited("二"))
    restored = service.restore(as_alpha, admin, first.id)
    assert (3, first.checksum) == (restored.version, restored.checksum)
    assert store.current(as_alpha, "catalogue", "demo.waste").content["items"][1]["title"]["zh_CN"] == "一"


def test_giving_up_an_edit_brings_the_installations_back(owner, as_alpha, admin):
    synced(owner, prepared(CATALOGUE))
    service.publish_overlay(as_alpha, admin, "catalogue", "demo.waste", edited())
    service.retire(as_alpha, admin, "catalogue", "demo.waste")
    assert store.current(as_alpha, "catalogue", "demo.waste").content["items"][1]["title"]["en"] == "Litter"


def test_wrong_content_is_refused_with_its_path(as_alpha, admin):
    wrong = content()
    wrong["items"][1]["parent"] = "99"
    with pytest.raises(Invalid) as refused:
        service.save_draft(as_alpha, admin, "catalogue", "demo.waste", wrong)
    assert [error.path for error in refused.value.errors] == ["items[1].parent"]


@pytest.mark.parametrize("right", list(DefinitionRight))
def test_each_step_needs_its_right(owner, as_alpha, admin, make_actor, right):
    synced(owner, prepared(CATALOGUE))
    draft = service.save_draft(as_alpha, admin, "catalogue", "demo.waste", edited())
    poor = make_actor({*DefinitionRight} - {right})
    steps = {
        DefinitionRight.PUBLISH: lambda: service.publish(as_alpha, poor, draft.id),
        DefinitionRight.READ: lambda: service.history(as_alpha, poor, "catalogue", "demo.waste"),
        DefinitionRight.WRITE: lambda: service.save_draft(as_alpha, poor, "catalogue", "demo.waste", edited()),
    }
    with pytest.raises(Forbidden):
        steps[right]()


def test_compiled_object_is_made_once_for_the_same_content(owner):
    synced(owner, prepared(CATALOGUE))
    found = store.current(owner, "catalogue", "demo.waste")
    assert store.compiled(found) is store.compiled(store.version(owner, found.id))
    assert "0101" in store.compiled(found)


def test_current_is_asked_of_the_database_once_an_epoch(owner, as_alpha):
    synced(owner, prepared(CATALOGUE))
    as_alpha.info.pop("epoch_bumped", None)
    first = store.current(as_alpha, "catalogue", "demo.waste")
    assert first is store.current(as_alpha, "catalogue", "demo.waste")
    assert first.published_at == NOON
