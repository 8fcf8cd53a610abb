"""People: who may take them in, see and change them; contact data; home and guests."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.accounts import service
from core.accounts.masking import masked, unmasked_input
from core.accounts.models import Member
from core.accounts.permissions import AccountRight
from core.accounts.signin.standing import system_actor
from core.audit.models import AuditEntry
from core.db.base import User
from core.db.uow import unit_of_work
from core.lib import clock
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed

READ, MANAGE, CONTACT = AccountRight.MEMBER_READ, AccountRight.MEMBER_MANAGE, AccountRight.MEMBER_READ_CONTACT
PHONE, NUMBER = "13912345678", "110101199003078888"


@pytest.fixture
def admin(make_actor):
    return make_actor([READ, MANAGE])


def _someone(session, actor, username="zhang3", **details):
    return service.create_user(session, actor, service.NewUser(username, "张三", **details))


# --- masking ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [(PHONE, "139****5678"), (NUMBER, "110***********8888"), ("8642", "8**2"), ("123", "***"), ("", ""), (None, None)],
)
def test_the_middle_is_hidden(value, shown):
    assert masked(value) == shown


def test_a_mask_that_comes_back_changes_nothing():
    assert unmasked_input("139****5678", PHONE, path="phone") == PHONE
    for other in ("138****5678", "139****", "*"):
        with pytest.raises(Invalid):
            unmasked_input(other, PHONE, path="phone")
    assert unmasked_input("13800000000", PHONE, path="phone") == "13800000000"
    assert unmasked_input(None, PHONE, path="phone") is None


def test_contact_is_masked_everywhere_but_where_it_is_asked_for(database, alpha, browser):
    mine = browser(READ, MANAGE, CONTACT)
    body = {"username": "masked-1", "name": "李四", "phone": PHONE, "id_number": NUMBER}
    made = mine.post("/users", body)
    assert made.status_code == 201, made.get_json()
    user_id = made.get_json()["id"]
    shown = {mine.get(f"/users/{user_id}").get_json()["phone"], made.get_json()["phone"]}
    shown |= {one["phone"] for one in mine.get("/users?search=李四").get_json()["items"]}
    assert shown == {"139****5678"}
    contact = mine.get(f"/users/{user_id}/contact").get_json()
    assert (contact["phone"], contact["id_number"]) == (PHONE, NUMBER)
    with database.session(alpha.id) as session:
        looks = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "accounts:member:contact_read", AuditEntry.subject == f"user:{user_id}")
        )
        assert [entry.user_id is not None for entry in looks] == [True]


def test_contact_is_refused_without_its_right(database, alpha, browser):
    mine = browser(READ, MANAGE)
    user_id = mine.post("/users", {"username": "masked-2", "name": "王五", "phone": PHONE}).get_json()["id"]
    assert mine.get(f"/users/{user_id}/contact").status_code == 403
    with database.session(alpha.id) as session:
        assert (
            session.scalars(
                select(AuditEntry).where(AuditEntry.action == "accounts:member:contact_read", AuditEntry.subject == f"user:{user_id}")
            ).all()
            == []
        )


def test_a_masked_value_sent_back_keeps_the_stored_one(database, alpha, browser):
    mine = browser(READ, MANAGE)
    made = mine.post("/users", {"username": "masked-3", "name": "赵六", "phone": PHONE}).get_json()
    sent = {"phone": made["phone"], "name": "赵六六"}
    changed = mine.send("PATCH", f"/users/{made['id']}", json=sent, headers={"If-Match": "1"})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "赵六六")
    with database.session(alpha.id) as session:
        assert session.scalar(select(Member.phone).where(Member.user_id == made["id"])) == PHONE
    wrong = mine.send("PATCH", f"/users/{made['id']}", json={"phone": "138****0000"}, headers={"If-Match": "2"})
    assert (wrong.status_code, wrong.get_json()["errors"][0]["path"]) == (422, "phone")


def test_the_audit_log_holds_no_contact_data(database, alpha, browser):
    mine = browser(READ, MANAGE)
    made = mine.post("/users", {"username": "masked-4", "name": "孙七", "phone": PHONE, "id_number": NUMBER}).get_json()
    mine.send("PATCH", f"/users/{made['id']}", json={"phone": "13700001111", "employee_number": "E-77"}, headers={"If-Match": "1"})
    with database.session(alpha.id) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.subject == f"user:{made['id']}")).all()
        logged = " ".join(f"{entry.old} {entry.new}" for entry in entries)
    assert len(entries) == 2
    assert [value for value in (PHONE, NUMBER, "13700001111", "E-77") if value in logged] == []


# --- taking in and changing ---------------------------------------------------


def test_a_new_person_is_at_home_in_the_agency(session, admin, alpha):
    member = _someone(session, admin, password="correct horse 2026")
    user = session.get_one(User, member.user_id)
    assert (user.home_agency_id, user.must_change_password, user.name) == (alpha.id, True, "张三")
    assert member.name_pinyin == "zhang san"


@pytest.mark.parametrize("name", ["a", "has space", "x" * 65, "semi;colon", ""])
def test_a_bad_user_name_is_refused(session, admin, name):
    with pytest.raises(Invalid):
        _someone(session, admin, name)


def test_names_and_numbers_are_unique(session, admin):
    _someone(session, admin, employee_number="E1", email="z3@example.com")
    for details in ({"username": "ZHANG3"}, {"username": "li4", "employee_number": "E1"}, {"username": "li4", "email": "z3@example.com"}):
        with pytest.raises(Conflict):
            _someone(session, admin, **details)


def test_a_weak_password_is_refused_for_others_too(session, admin):
    with pytest.raises(Invalid):
        _someone(session, admin, password="password123")


def test_people_are_managed_inside_ones_department(session, admin, make_actor):
    system = make_actor(is_system=True)
    mine = service.create_department(session, system, code="PE-1", name="甲科")
    other = service.create_department(session, system, code="PE-2", name="乙科")
    head = make_actor([READ, MANAGE], department_path=mine.path)
    inside = _someone(session, head, "inside", department_id=mine.id)
    outside = _someone(session, admin, "outside", department_id=other.id)
    assert [inside.user_id] == [member.user_id for member, _ in session.execute(service.visible_members(head))]
    with pytest.raises(NotFound):
        service.update_member(session, head, outside.user_id, {"name": "x"}, version=1)
    for place in (other.id, None):
        with pytest.raises(Forbidden):
            _someone(session, head, "elsewhere", department_id=place)
        with pytest.raises(Forbidden):
            service.update_member(session, head, inside.user_id, {"department_id": place}, version=1)


def test_a_stale_version_of_a_person_is_refused(session, admin):
    member = _someone(session, admin)
    service.update_member(session, admin, member.user_id, {"name": "张三丰"}, version=1)
    with pytest.raises(PreconditionFailed):
        service.update_member(session, admin, member.user_id, {"phone": PHONE}, version=1)


def test_a_guest_is_not_managed_by_the_host(database, session, make_actor, person, beta):
    guest = person(agency=beta)
    admin = make_actor([READ, MANAGE, AccountRight.MEMBER_RESET_SIGN_IN, AccountRight.AGENCY_ADMINISTER])
    service.add_member(session, admin, guest.username)
    with pytest.raises(Conflict):
        service.add_member(session, admin, guest.username)
    for attempt in (
        lambda: service.update_member(session, admin, guest.id, {"name": "换名"}, version=1),
        lambda: service.end_sign_ins(session, admin, guest.id),
        lambda: service.reset_password(session, admin, None, guest.id, "taken over 2026"),
        lambda: service.reset_second_factor(session, admin, guest.id),
    ):
        with pytest.raises(Conflict):
            attempt()
    service.end_membership(session, admin, guest.id, version=1)
    assert session.get_one(User, guest.id).active is True


def test_a_department_of_another_agency_is_nobodys(database, session, admin, beta, make_actor):
    with database.session(beta.id) as other:
        foreign = service.create_department(other, make_actor(is_system=True, agency=beta), code="FOR-1", name="乙科").id
        other.commit()
    with pytest.raises(Invalid):
        _someone(session, admin, department_id=foreign)


# --- helping others to sign in ------------------------------------------------


def test_nobody_resets_somebody_who_may_do_more(database, person, browser):
    boss = person(AccountRight.AGENCY_ADMINISTER)
    helper = browser(READ, AccountRight.MEMBER_RESET_SIGN_IN)
    for method, path, body in (
        ("PUT", "password", {"password": "taken over 2026"}),
        ("DELETE", "sessions", None),
        ("DELETE", "second-factor", None),
    ):
        answer = helper.send(method, f"/users/{boss.id}/{path}", json=body)
        assert answer.status_code == 403, path


def test_somebody_who_works_elsewhere_too_is_helped_by_the_installation_alone(database, person, beta, browser):
    traveller = person(AccountRight.TEAM_READ)
    helper = browser(READ, AccountRight.MEMBER_RESET_SIGN_IN, AccountRight.AGENCY_ADMINISTER)
    path, body = f"/users/{traveller.id}/password", {"password": "helped horse 2026"}
    assert helper.send("PUT", path, json=body).status_code == 204
    with unit_of_work(database, beta.id) as session:
        actor = system_actor((beta.id, beta.key), now=clock.now())
        service.add_member(session, actor, traveller.username)
        service.upsert_role(session, beta.id, "beta_boss", {"zh_CN": "头"}, [AccountRight.AGENCY_ADMINISTER])
        service.assign_role(session, actor, user_id=traveller.id, role_key="beta_boss")
    assert helper.send("PUT", path, json=body).status_code == 403


def test_an_administrator_of_the_installation_is_closed_out_by_nobody_below(database, person, browser):
    boss, helper = person(READ), browser(*AccountRight)
    with unit_of_work(database, None) as session:
        session.get_one(User, boss.id).is_installation_admin = True
    assert helper.send("DELETE", f"/users/{boss.id}", headers={"If-Match": "1"}).status_code == 403
    assert helper.send("PUT", f"/users/{boss.id}/password", json={"password": "taken over 2026"}).status_code == 403


def test_a_reset_password_ends_sessions_and_lockout(app, person, browser):
    from core.testing.people import Browser, browser_of  # noqa: PLC0415  # only this test wants them

    someone = person(READ)
    theirs = browser_of(app, someone)
    for _ in range(6):
        Browser(app).sign_in(someone.username, "wrong wrong")
    assert Browser(app).sign_in(someone.username).status_code == 429
    helper = browser(READ, AccountRight.MEMBER_RESET_SIGN_IN)
    assert helper.send("PUT", f"/users/{someone.id}/password", json={"password": "weak"}).status_code == 422
    assert helper.send("PUT", f"/users/{someone.id}/password", json={"password": "fresh horse 2026"}).status_code == 204
    assert theirs.get("/me").status_code == 401
    assert Browser(app).sign_in(someone.username, "fresh horse 2026").get_json()["must_change_password"] is True


def test_search_finds_by_name_pinyin_and_number(browser):
    mine = browser(READ, MANAGE)
    mine.post("/users", {"username": "seeker", "name": "欧阳修", "employee_number": "Z-901"})
    for wanted in ("欧阳", "ou yang", "seek", "z-9"):
        assert [one["username"] for one in mine.get(f"/users?search={wanted}").get_json()["items"]] == ["seeker"], wanted
    assert mine.get("/users?search=%25").get_json()["items"] == []
