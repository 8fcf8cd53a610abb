"""People for tests over HTTP: really stored users with exactly the rights a test names, and clients signed in as them.

Requests use connections of their own, so what is made here is committed; names
are unique, and the run's database is dropped at its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.accounts import service
from core.accounts.models import Agency
from core.accounts.signin.standing import system_actor
from core.authz import Actor
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.lib import clock

PASSWORD = "correct horse 2026"  # noqa: S105  # of test users only
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """A stored user."""

    id: int
    username: str
    agency: Agency


def make_person(
    database: Database,
    agency: Agency,
    rights: Iterable[str] = (),
    *,
    place: service.Place = service.EVERYWHERE,
    password: str | None = PASSWORD,
    needs_second_factor: bool = False,
    **details: Any,
) -> Person:
    """Store a user of ``agency`` who holds exactly ``rights`` at ``place``, by a role of its own (no role without rights)."""
    number = next(_numbers)
    username = f"{agency.key}-person-{number}"
    with unit_of_work(database, agency.id) as session:
        actor = _system(agency)
        new = service.NewUser(username, f"人员{number}", password=password, must_change_password=False, **details)
        member = service.create_user(session, actor, new)
        if rights:
            key = f"role_{number}"
            title = {"zh_CN": f"角色{number}", "en": f"Role {number}"}
            service.upsert_role(session, agency.id, key, title, list(rights), requires_second_factor=needs_second_factor)
            service.assign_role(session, actor, user_id=member.user_id, role_key=key, place=place)
        return Person(member.user_id, username, agency)


def _system(agency: Agency) -> Actor:
    return system_actor((agency.id, agency.key), now=clock.now())


class Browser:
    """A client with the cookie of one person, which sends the CSRF token by itself."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()
        self.headers: dict[str, str] = {}

    def sign_in(self, username: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        """Sign in and keep the CSRF token."""
        answer = self.client.post("/api/v1/session", json={"username": username, "password": password, **more})
        if answer.status_code == 200:
            self.headers["X-CSRF-Token"] = answer.get_json()["csrf_token"]
        return answer

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        """Send a request below /api/v1."""
        return self.client.open(f"/api/v1{path}", method=method, headers={**self.headers, **(headers or {})}, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        """Send a POST with a JSON body."""
        return self.send("POST", path, json={} if json is None else json, **options)


def browser_of(app: Flask, person: Person) -> Browser:
    """Give a browser in which ``person`` is signed in."""
    browser = Browser(app)
    answer = browser.sign_in(person.username)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return browser
