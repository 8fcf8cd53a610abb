"""A small town with every role signed in: the journeys' stage, made once a run through the services."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from core import parts
from core.accounts.signin import passwords
from core.app import create_app
from core.db.engine import Database
from core.definitions.installed import sync_installed
from core.lib import clock
from core.settings import Settings
from plugins.urban_mgmt.demo import organisation, small_land
from plugins.urban_mgmt.demo.seed import Seeding, _found, _units

STREET = "310105001"


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

    def as_(self, username: str) -> Person:
        """Sign in (once) and give a client that acts as this person."""
        if username not in self.tokens:
            one = self.sign_ins[username]
            answer = self.app.test_client().post(
                "/api/v1/security/login", json={"username": username, "password": one["password"], "provider": "db", "refresh": True}
            )
            assert answer.status_code == 200, answer.get_data(as_text=True)
            self.tokens[username] = answer.get_json()["access_token"]
        return Person(self.app.test_client(), self.tokens[username])


@dataclass
class Person:
    """Somebody at the API."""

    client: FlaskClient
    token: str

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


@pytest.fixture(scope="session")
def town(database: Database, settings: Settings) -> Iterator[Town]:
    """Found the town: land, departments, one person for each role."""
    parts.load()
    sync_installed(database, now=datetime.now(UTC))
    body = organisation.plan()
    agency = {"key": "town", "title": {"zh_CN": "小镇", "en": "Town"}, "county": "310105"}
    seeding = Seeding(database, settings, lambda *_: None, datetime.now(UTC))
    scheme = {**small_land.SCHEME, "key": "town"}
    agency_id, key = _found(seeding, agency, scheme["origin"], "town")
    with seeding.work(agency_id, key) as (session, actor):
        from core.api.grids import create_scheme, import_geojson  # noqa: PLC0415  # after the parts are loaded

        create_scheme(session, actor, key="town", title=scheme["title"], levels=scheme["levels"], origin=scheme["origin"])
        land = small_land.feature_collection()
        import_geojson(session, actor, land, scheme="town")
        units = _units(session, actor, land)
        names = {one["properties"]["code"]: one["properties"]["name"] for one in land["features"]}
        few = {**body, "enforcement": body["enforcement"][:4], "functional": [], "street_teams": {**body["street_teams"], "count": 0}}
        made = organisation.found_departments(session, actor, few, units["street"], names)
        organisation.open_sign_ins(session, actor, made, body["sign_ins"], patrol=units["district"][0])
        members = {one["username"]: one for one in made.sign_ins}
        users = {one["username"]: _user_id(session, one["username"]) for one in made.sign_ins}
    app = create_app(settings, database)
    app.testing = False
    yield Town(app, database, agency_id, members, {code: entry[0] for code, entry in made.departments.items()}, users)


def _user_id(session: Any, username: str) -> int:
    from sqlalchemy import text  # noqa: PLC0415

    return session.execute(text("SELECT id FROM ab_user WHERE username = :name"), {"name": username}).scalar_one()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the clock of every request after this by so much."""
    shift = timedelta()
    real = clock.now

    def move(by: timedelta) -> None:
        nonlocal shift
        shift += by

    monkeypatch.setattr(clock, "now", lambda: real() + shift)
    return move


PASSWORDS = passwords
HERE = {"lon": 121.4203, "lat": 31.2204, "accuracy": 6.0}
"""A position inside the town's first unit grid."""
