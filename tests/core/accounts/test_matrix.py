"""The permission matrix over HTTP: each route with exactly its right, and without it."""

from __future__ import annotations

import pytest

from core.accounts.permissions import AccountRight as Right
from core.accounts.views import routes

NEW_AGENCY_ONLY = {"create_agency", "set_agency_active"}
"""Administrators of the installation alone; see test_agencies."""
READS = {
    "list_departments": ("/departments", Right.DEPARTMENT_READ),
    "list_users": ("/users", Right.MEMBER_READ),
    "list_teams": ("/teams", Right.TEAM_READ),
    "list_assignments": ("/assignments", Right.ASSIGNMENT_READ),
    "list_responsibilities": ("/responsibilities", Right.MEMBER_READ),
    "list_posts": ("/posts", Right.MEMBER_READ),
}
"""Lists that are empty, not forbidden, to whoever may see nothing."""
GUARDED = {"list_roles": ("/roles", Right.ROLE_READ), "list_rights": ("/rights", Right.ROLE_READ)}
TITLE = {"zh_CN": "甲"}
WRITES = {
    "create_department": ("/departments", {"code": "MX-1", "name": "甲"}, (Right.DEPARTMENT_MANAGE,)),
    "create_user": ("/users", {"username": "mx-user", "name": "甲"}, (Right.MEMBER_MANAGE,)),
    "create_post": ("/posts", {"key": "mx_post", "title": TITLE}, (Right.MEMBER_MANAGE,)),
    "create_team": ("/teams", {"key": "mx_team", "name": "甲"}, (Right.TEAM_MANAGE,)),
    "create_role": ("/roles", {"key": "mx_role", "title": TITLE, "rights": []}, (Right.ROLE_MANAGE,)),
}
OTHERS = [right for right in Right if right != Right.AGENCY_ADMINISTER]


@pytest.mark.parametrize("name", READS)
def test_a_list_shows_something_only_with_its_right(browser, name, person):
    path, right = READS[name]
    rest = [one for one in OTHERS if one is not right]
    person(Right.TEAM_READ)  # so that there is something to see of people and assignments
    refused = browser(*rest).get(path)
    assert (refused.status_code, refused.get_json()["items"]) == (200, [])
    assert browser(right).get(path).status_code == 200


@pytest.mark.parametrize("name", GUARDED)
def test_a_guarded_list_is_forbidden_without_its_right(browser, name):
    path, right = GUARDED[name]
    assert browser(*[one for one in OTHERS if one is not right]).get(path).status_code == 403
    assert browser(right).get(path).status_code == 200


@pytest.mark.parametrize("name", WRITES)
def test_a_write_passes_only_with_its_right(browser, name):
    path, body, rights = WRITES[name]
    assert browser(*[one for one in OTHERS if one not in rights]).post(path, body).status_code == 403
    made = browser(*rights).post(path, body)
    assert made.status_code == 201, made.get_json()


def test_on_a_visible_thing_each_write_needs_its_own_right(browser, person):
    everything = browser(*Right)
    someone = person()
    team = everything.post("/teams", {"key": "mx_seen", "name": "甲"}).get_json()
    everything.post("/departments", {"code": "MX-2", "name": "甲"})
    everything.post("/roles", {"key": "mx_seen", "title": TITLE, "rights": []})
    everything.post("/posts", {"key": "mx_seen", "title": TITLE})
    given = everything.post("/assignments", {"user_id": someone.id, "role": "mx_seen"}).get_json()
    version = {"If-Match": "1"}
    user, department = f"/users/{someone.id}", "/departments/MX-2"
    attempts = [
        ("PATCH", department, {"name": "乙"}, Right.DEPARTMENT_MANAGE),
        ("PUT", f"{department}/parent", {"parent": None}, Right.DEPARTMENT_MANAGE),
        ("DELETE", department, None, Right.DEPARTMENT_MANAGE),
        ("GET", f"{department}/open-work", None, Right.MEMBER_HAND_OVER),
        ("POST", f"{department}/hand-over", {"to": 1}, Right.MEMBER_HAND_OVER),
        ("PATCH", user, {"name": "乙"}, Right.MEMBER_MANAGE),
        ("DELETE", user, None, Right.MEMBER_MANAGE),
        ("GET", f"{user}/contact", None, Right.MEMBER_READ_CONTACT),
        ("PUT", f"{user}/password", {"password": "another horse 26"}, Right.MEMBER_RESET_SIGN_IN),
        ("DELETE", f"{user}/second-factor", None, Right.MEMBER_RESET_SIGN_IN),
        ("DELETE", f"{user}/sessions", None, Right.MEMBER_RESET_SIGN_IN),
        ("GET", f"{user}/open-work", None, Right.MEMBER_HAND_OVER),
        ("POST", f"{user}/hand-over", {"to": 1}, Right.MEMBER_HAND_OVER),
        ("POST", "/users/join", {"username": someone.username}, Right.MEMBER_MANAGE),
        ("PATCH", "/roles/mx_seen", {"rights": []}, Right.ROLE_MANAGE),
        ("DELETE", "/roles/mx_seen", None, Right.ROLE_MANAGE),
        ("POST", "/assignments", {"user_id": someone.id, "role": "mx_seen"}, Right.ASSIGNMENT_GRANT),
        ("DELETE", f"/assignments/{given['id']}", None, Right.ASSIGNMENT_GRANT),
        ("PATCH", f"/teams/{team['uuid']}", {"name": "乙"}, Right.TEAM_MANAGE),
        ("PUT", f"/teams/{team['uuid']}/members", {"members": []}, Right.TEAM_MANAGE),
        ("DELETE", "/posts/mx_seen", None, Right.MEMBER_MANAGE),
        ("PATCH", "/agencies/alpha", {"settings": {}}, Right.AGENCY_UPDATE),
    ]
    without = {right: browser(*[one for one in OTHERS if one is not right]) for right in {right for *_, right in attempts}}
    for method, path, body, right in attempts:
        answer = without[right].send(method, path, json=body, headers=version)
        assert answer.status_code == 403, (method, path, answer.status_code, answer.get_json())


def test_every_route_refuses_somebody_who_is_not_signed_in(app):
    for route in routes.all:
        if route.public:
            continue
        path = "/api/v1" + route.path.replace("<int:user_id>", "1").replace("<int:assignment_id>", "1").replace("<int:number>", "1")
        path = path.replace("<uuid:uuid>", "00000000-0000-0000-0000-000000000000").replace("<code>", "x").replace("<key>", "x")
        assert app.test_client().open(path, method=route.method, json={}).status_code == 401, route.name


def test_only_signing_in_is_public():
    assert {route.path for route in routes.all if route.public} == {"/session", "/security/login", "/security/refresh"}


def test_no_answer_redirects_anywhere(app):
    for query in ("next=https://evil.example", "next=//evil.example", "redirect=/\\evil.example"):
        answer = app.test_client().post(
            f"/api/v1/session?{query}", json={"username": "x", "password": "y"}, headers={"Host": "evil.example"}
        )
        assert (answer.status_code, answer.headers.get("Location")) == (422, None)
