"""A small town with every role signed in: the journeys' stage, made once a run through the services, cloned for each module."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import parts
from core.api.grids import create_scheme, import_geojson
from core.app import create_app
from core.authz import Actor
from core.db.engine import Database
from core.db.uow import unit_of_work
from core.definitions.installed import sync_installed
from core.lib import clock
from core.settings import Settings
from core.testing.fixtures import name_of, new_database
from core.worker.due import work_off
from core.workflow.models import Case
from core.workflow.service import history
from core.workflow.tasks import fire_due
from plugins.urban_mgmt.demo import organisation, small_land
from plugins.urban_mgmt.demo.seed import Seeding, _found, _units

STREET = "310105001"
MORE_PEOPLE = (
    {"username": "second_inspector", "name": "示例监督员二", "role": "urban_mgmt.inspector"},
    {"username": "garden_clerk", "name": "示例园林经办人", "role": "urban_mgmt.department_clerk", "department": "E03"},
    {"username": "law_clerk", "name": "示例执法经办人", "role": "urban_mgmt.department_clerk", "department": "E02"},
)
"""Beside one sign-in for each role: the colleagues who must not see, or must help."""


@dataclass
class Town:
    """What a journey needs to know of the town."""

    app: Flask
    database: Database
    agency_id: int
    sign_ins: dict[str, dict[str, str]]
    departments: dict[str, int]
    users: dict[str, int]
    tokens: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def work(self) -> Iterator[tuple[Session, Actor]]:
        """Open one unit of work as the system inside the town, committed at the end."""
        with unit_of_work(self.database, self.agency_id) as session:
            yield session, Actor(None, self.agency_id, "town", "system", (), clock.now(), is_system=True)

    def found(self, number: str) -> Case:
        """Read a case from the database."""
        with self.work() as (session, _):
            return session.scalars(select(Case).where(Case.number == number)).one()

    def broken(self, number: str) -> list[str]:
        """Prove the history of a case; give what does not hold."""
        with self.work() as (session, _):
            case = session.scalars(select(Case).where(Case.number == number)).one()
            return [one.reason for one in history.verify(session, case)]

    def run_outbox(self) -> None:
        """Do what the worker does between two requests: deliver what the steps left to be told."""
        assert work_off(self.database, "outbox", self.agency_id, now=clock.now()) >= 0

    def fire_timers(self) -> int:
        """Do what the beat sets off: fire what is due by now; give how many acted."""
        return fire_due(self.database, self.agency_id, now=clock.now())

    def as_(self, username: str) -> Person:
        """Give a client that acts as this person."""
        return Person(self, username, self.app.test_client())

    def token_of(self, username: str) -> str:
        """Sign in, once until the clock is moved."""
        if username not in self.tokens:
            one = self.sign_ins[username]
            body = {"username": username, "password": one["password"], "provider": "db", "refresh": True}
            answer = self.app.test_client().post("/api/v1/security/login", json=body)
            assert answer.status_code == 200, answer.get_data(as_text=True)
            self.tokens[username] = answer.get_json()["access_token"]
        return self.tokens[username]


@dataclass
class Person:
    """Somebody at the API."""

    town: Town
    username: str
    client: FlaskClient

    @property
    def token(self) -> str:
        """The person's access token."""
        return self.town.token_of(self.username)

    def send(self, method: str, path: str, **options: Any) -> Any:
        """Send a request with the person's token."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.send("POST", path, **options)

    def photo(self, shade: int = 120) -> str:
        """Upload a photo; give its uuid."""
        out = io.BytesIO()
        Image.new("RGB", (64, 48), (shade, random.randrange(256), random.randrange(256))).save(out, "JPEG")
        answer = self.post("/attachments", data={"file": (io.BytesIO(out.getvalue()), "photo.jpg"), "stage": "report"})
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return answer.get_json()["uuid"]

    def offered(self, number: str) -> dict[str, bool]:
        """Give the steps offered on a case, each with whether it is open just now."""
        return {one["verb"]: one["allowed"] for one in self.get(f"/cases/{number}/transitions").get_json()["items"]}

    def told(self, number: str) -> list[str]:
        """Give the topics of the notices about a case in the inbox, oldest first."""
        found = self.get("/me/notices?limit=200").get_json()["items"]
        return [one["topic"] for one in reversed(found) if one["subject"] == f"case:{number}"]

    def case(self, number: str) -> Any:
        return self.get(f"/cases/{number}").get_json()

    def move(self, number: str, transition: str, data: dict[str, Any] | None = None, *, version: int | None = None) -> Any:
        """Take a step with the version that the case has now, or the one given."""
        seen = version if version is not None else int(self.get(f"/cases/{number}").headers["ETag"].strip('"'))
        return self.post(
            f"/cases/{number}/transitions", json={"transition": transition, "data": data or {}}, headers={"If-Match": f'"{seen}"'}
        )

    def moved(self, number: str, transition: str, data: dict[str, Any] | None = None) -> str:
        """Take a step that must work; give the state after it."""
        answer = self.move(number, transition, data)
        assert answer.status_code == 200, (transition, answer.get_data(as_text=True))
        return answer.get_json()["state"]


@dataclass(frozen=True)
class Founded:
    """A database with the town in it, for clones, and what its people need to sign in."""

    template: str
    agency_id: int
    sign_ins: dict[str, dict[str, str]]
    departments: dict[str, int]
    users: dict[str, int]


@pytest.fixture(scope="session")
def founded(server_urls: tuple[str, str, str], blank: str, settings: Settings) -> Iterator[Founded]:
    """Found the town once."""
    with new_database(server_urls, template=blank) as database:
        made = found_town(database, settings)
        database.dispose()
        yield made


@pytest.fixture(scope="module")
def town(server_urls: tuple[str, str, str], settings: Settings, founded: Founded) -> Iterator[Town]:
    """Give this module of tests a town of its own."""
    with new_database(server_urls, template=founded.template) as database:
        app = create_app(settings, database)
        app.testing = False
        yield Town(app, database, founded.agency_id, deepcopy(founded.sign_ins), dict(founded.departments), dict(founded.users))


def found_town(database: Database, settings: Settings) -> Founded:
    """Found a town: land, departments, one person for each role."""
    parts.load()
    sync_installed(database, now=datetime.now(UTC))
    body = organisation.plan()
    agency = {"key": "town", "title": {"zh_CN": "小镇", "en": "Town"}, "county": "310105"}
    seeding = Seeding(database, settings, lambda *_: None, datetime.now(UTC))
    scheme = {**small_land.SCHEME, "key": "town"}
    agency_id, key = _found(seeding, agency, scheme["origin"], "town")
    with seeding.work(agency_id, key) as (session, actor):
        create_scheme(session, actor, key="town", title=scheme["title"], levels=scheme["levels"], origin=scheme["origin"])
        land = small_land.feature_collection()
        import_geojson(session, actor, land, scheme="town")
        units = _units(session, actor, land)
        names = {one["properties"]["code"]: one["properties"]["name"] for one in land["features"]}
        few = {**body, "enforcement": body["enforcement"][:4], "functional": [], "street_teams": {**body["street_teams"], "count": 0}}
        made = organisation.found_departments(session, actor, few, units["street"], names)
        organisation.open_sign_ins(session, actor, made, [*body["sign_ins"], *MORE_PEOPLE], patrol=units["district"][0])
        members = {one["username"]: one for one in made.sign_ins}
        users = {one["username"]: _user_id(session, one["username"]) for one in made.sign_ins}
    departments = {code: entry[0] for code, entry in made.departments.items()}
    return Founded(name_of(database), agency_id, members, departments, users)


def _user_id(session: Any, username: str) -> int:
    from sqlalchemy import text  # noqa: PLC0415

    return session.execute(text("SELECT id FROM ab_user WHERE username = :name"), {"name": username}).scalar_one()


@pytest.fixture
def later(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[timedelta], None]]:
    """Move the clock of every request after this by so much; whoever acts then signs in anew."""
    shift = timedelta()
    real = clock.now

    def move(by: timedelta) -> None:
        nonlocal shift
        shift += by
        town.tokens.clear()

    monkeypatch.setattr(clock, "now", lambda: real() + shift)
    yield move
    town.tokens.clear()


HERE = {"lon": 121.4203, "lat": 31.2204, "accuracy": 6.0}
"""A position inside the town's first unit grid."""


@pytest.fixture(scope="module")
def village(town: Town, settings: Settings) -> Town:
    """Found another agency beside the town, with three people and no land."""
    return found_village(town, settings)


def found_village(town: Town, settings: Settings) -> Town:
    """Found the other agency: an administrator, a duty lead and a leader."""
    seeding = Seeding(town.database, settings, lambda *_: None, datetime.now(UTC))
    agency = {"key": "village", "title": {"zh_CN": "小村", "en": "Village"}, "county": "310106"}
    agency_id, key = _found(seeding, agency, (121.5, 31.3), "village")
    people = [
        {"username": f"village_{role}", "name": "示例村民", "role": f"urban_mgmt.{role}"}
        for role in ("agency_admin", "duty_lead", "leader")
    ]
    people[-1]["role"] = "urban_mgmt.supervising_leader"
    with seeding.work(agency_id, key) as (session, actor):
        made = organisation.Organisation()
        organisation.open_sign_ins(session, actor, made, people)
        users = {one["username"]: _user_id(session, one["username"]) for one in made.sign_ins}
    return Town(town.app, town.database, agency_id, {one["username"]: one for one in made.sign_ins}, {}, users)
