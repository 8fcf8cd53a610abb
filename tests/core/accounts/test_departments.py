"""The organisation tree: codes, moves, retirement, scopes, versions."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.accounts import service
from core.accounts.models import Department
from core.accounts.permissions import AccountRight
from core.audit.models import AuditEntry
from core.lib.errors import Conflict, Forbidden, NotFound, PreconditionFailed

READ, MANAGE = AccountRight.DEPARTMENT_READ, AccountRight.DEPARTMENT_MANAGE


@pytest.fixture
def admin(make_actor):
    return make_actor([READ, MANAGE])


@pytest.fixture
def tree(session, admin):
    """A root with two offices, and a section below the first."""
    root = service.create_department(session, admin, code="T", name="区政府")
    first = service.create_department(session, admin, code="T-1", name="东街道", parent=root)
    second = service.create_department(session, admin, code="T-2", name="西街道", parent=root)
    section = service.create_department(session, admin, code="T-1-1", name="城管科", parent=first)
    return root, first, second, section


def test_paths_are_made_of_ids_from_the_root(tree):
    root, first, _, section = tree
    assert section.path == f"{root.id}.{first.id}.{section.id}"
    assert section.name_pinyin == "cheng guan ke"


def test_a_code_in_use_is_refused(session, admin, tree):
    with pytest.raises(Conflict):
        service.create_department(session, admin, code="T-1", name="另一个")
    with pytest.raises(Conflict):
        service.update_department(session, admin, tree[2], {"code": "T-1"}, version=1)


def test_a_move_takes_everything_below_along_and_is_audited(session, admin, tree):
    root, first, second, section = tree
    service.move_department(session, admin, first, second, version=1)
    session.expire_all()
    assert first.path == f"{root.id}.{second.id}.{first.id}"
    assert section.path == f"{root.id}.{second.id}.{first.id}.{section.id}"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "accounts:department:moved")).one()
    assert (entry.old, entry.new) == ({"parent_id": root.id}, {"parent_id": second.id})


def test_a_move_to_the_top_and_back_keeps_the_tree(session, admin, tree):
    root, first, _, section = tree
    service.move_department(session, admin, first, None, version=1)
    session.expire_all()
    assert section.path == f"{first.id}.{section.id}"
    service.move_department(session, admin, first, root, version=2)
    session.expire_all()
    assert section.path == f"{root.id}.{first.id}.{section.id}"


def test_a_department_cannot_hang_below_itself(session, admin, tree):
    _, first, _, section = tree
    for inside in (first, section):
        with pytest.raises(Conflict):
            service.move_department(session, admin, first, inside, version=1)


def test_a_stale_version_is_refused(session, admin, tree):
    service.update_department(session, admin, tree[1], {"name": "东大街"}, version=1)
    with pytest.raises(PreconditionFailed):
        service.update_department(session, admin, tree[1], {"name": "东小街"}, version=1)


def test_a_change_of_nothing_counts_nothing(session, admin, tree):
    assert service.update_department(session, admin, tree[1], {"name": "东街道"}, version=1).version == 1


def test_retirement_is_refused_while_something_hangs_on_it(session, admin, tree):
    with pytest.raises(Conflict) as refused:
        service.retire_department(session, admin, tree[1], version=1)
    assert refused.value.extra["children"] == 1
    service.retire_department(session, admin, tree[3], version=1)
    service.retire_department(session, admin, tree[1], version=1)
    assert not tree[1].active
    with pytest.raises(Conflict):
        service.create_department(session, admin, code="T-1-2", name="新科", parent=tree[1])


def test_a_scope_reaches_its_department_and_all_below(session, make_actor, tree):
    _, first, second, section = tree
    actor = make_actor([READ, MANAGE], department_path=first.path)
    assert {first.id, section.id} == {one.id for one in session.scalars(service.visible_departments(actor))}
    with pytest.raises(NotFound):
        service.get_visible_department(session, actor, "T-2")
    with pytest.raises(Forbidden):
        service.update_department(session, actor, second, {"name": "x"}, version=1)
    with pytest.raises(Forbidden):
        service.create_department(session, actor, code="T-9", name="新局")
    with pytest.raises(Forbidden):
        service.move_department(session, actor, section, second, version=1)
    assert service.create_department(session, actor, code="T-1-9", name="新科", parent=first).parent_id == first.id


def test_a_scope_at_a_grid_reaches_no_department(session, make_actor, tree):
    assert session.scalars(service.visible_departments(make_actor([READ], grid_path="x"))).all() == []


def test_over_http_a_department_lives_its_life(browser):
    mine = browser(READ, MANAGE)
    made = mine.post("/departments", {"code": "H-1", "name": "环卫中心", "kind": "functional"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert mine.post("/departments", {"code": "H-1", "name": "重复"}).status_code == 409
    assert mine.send("PATCH", "/departments/H-1", json={"name": "新名"}).status_code == 428
    changed = mine.send("PATCH", "/departments/H-1", json={"name": "新名"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.get_json()["name"], changed.headers["ETag"]) == (200, "新名", '"2"')
    assert mine.send("PATCH", "/departments/H-1", json={"name": "旧名"}, headers={"If-Match": '"1"'}).status_code == 412
    below = mine.post("/departments", {"code": "H-2", "name": "下级", "parent": "H-1"}).get_json()
    assert below["path"].startswith(made.get_json()["path"] + ".")
    assert mine.send("DELETE", "/departments/H-1", headers={"If-Match": "2"}).status_code == 409
    assert mine.send("DELETE", "/departments/H-2", headers={"If-Match": "1"}).get_json()["active"] is False
    assert mine.send("DELETE", "/departments/H-1", headers={"If-Match": "2"}).status_code == 200


def test_over_http_wrong_values_name_their_field(browser):
    mine = browser(READ, MANAGE)
    answer = mine.post("/departments", {"code": "a b", "name": "", "colour": "red"})
    assert (answer.status_code, {one["path"] for one in answer.get_json()["errors"]}) == (422, {"code", "name", "colour"})


def test_a_list_is_paged_without_loss_or_repeat(browser):
    mine = browser(READ, MANAGE)
    for number in range(7):
        assert mine.post("/departments", {"code": f"P-{number}", "name": "页"}).status_code == 201
    found, after = [], None
    while True:
        answer = mine.get("/departments?limit=3" + (f"&after={after}" if after else "")).get_json()
        found += [one["code"] for one in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    assert found == sorted(set(found))
    assert {f"P-{number}" for number in range(7)} <= set(found)
    assert mine.get("/departments?limit=201").status_code == 422
    assert mine.get("/departments?after=forged").status_code == 422


def test_reading_without_the_right_shows_nothing(browser):
    nobody = browser(AccountRight.TEAM_READ)
    assert nobody.get("/departments").get_json() == {"items": [], "next": None}
    assert nobody.post("/departments", {"code": "N-1", "name": "无"}).status_code == 403


def test_codes_are_free_in_every_agency(database, session, admin, beta, make_actor):
    service.create_department(session, admin, code="SAME", name="甲")
    with database.session(beta.id) as other:
        made = service.create_department(other, make_actor([MANAGE], agency=beta), code="SAME", name="乙")
        assert isinstance(made, Department)
