"""Agencies: founded by an administrator of the installation, changed at home, closed from elsewhere."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from core.accounts import service
from core.accounts.permissions import AccountRight
from core.accounts.service.agencies import acting_for
from core.accounts.signin import service as signin
from core.accounts.signin import sessions
from core.accounts.signin.models import AuthSession, SignInCount, SignInRecord
from core.accounts.signin.seals import seals_of
from core.db.base import User
from core.db.engine import AgencySession
from core.db.uow import unit_of_work
from core.grid.models import GridScheme, GridSchemeShare
from core.lib import clock
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg
from core.testing.people import browser_of

TITLE = {"zh_CN": "新区", "en": "New"}
PLACE = {"origin_lon": 116.4, "origin_lat": 39.9}


@pytest.fixture
def founder(app, database, person):
    someone = person(AccountRight.DEPARTMENT_READ)
    with unit_of_work(database, None) as session:
        session.execute(update(User).where(User.id == someone.id).values(is_installation_admin=True))
    return browser_of(app, someone)


def test_a_founded_agency_can_be_acted_for_at_once(founder):
    made = founder.post("/agencies", {"key": "delta", "title": TITLE, **PLACE})
    assert made.status_code == 201, made.get_json()
    there = {"headers": {"X-Wangge-Agency": "delta"}}
    me = founder.get("/me", **there).get_json()
    assert (me["agency"]["key"], me["roles"]) == ("delta", ["administrator"])
    assert str(AccountRight.AGENCY_ADMINISTER) in me["rights"]
    assert founder.post("/departments", {"code": "D-1", "name": "第一局"}, **there).status_code == 201
    assert founder.get("/departments/D-1").status_code == 404
    assert {"alpha", "beta", "delta"} <= {one["key"] for one in founder.get("/agencies").get_json()["items"]}


def scheme(owner_engine, key, owner, *, shared_with=None):
    """Store a scheme of an agency, shared with another or not."""
    with AgencySession(owner_engine, agency_id=None) as session:
        made = GridScheme(key=key, title=TITLE, owner_agency_id=owner.id, **PLACE)
        session.add(made)
        session.flush()
        if shared_with is not None:
            session.add(GridSchemeShare(scheme_id=made.id, agency_id=shared_with.id, shared_by_id=owner.id))
        session.commit()


def test_another_agencys_scheme_must_be_one_that_this_agency_sees(founder, owner_engine, alpha, beta):
    scheme(owner_engine, "alphas_land", alpha)
    scheme(owner_engine, "shared_land", alpha, shared_with=beta)
    mark = founder.get("/agencies/beta").headers["ETag"]
    refused = founder.send("PATCH", "/agencies/beta", json={"scheme_key": "alphas_land"}, headers={"If-Match": mark})
    assert (refused.status_code, refused.get_json()["errors"][0]["path"]) == (422, "scheme_key")
    taken = founder.send("PATCH", "/agencies/beta", json={"scheme_key": "shared_land"}, headers={"If-Match": mark})
    assert (taken.status_code, taken.get_json()["scheme_key"]) == (200, "shared_land")


@pytest.mark.parametrize("fails", [False, True])
def test_work_inside_another_agency_always_leads_home(session, alpha, beta, fails):
    acting = text("SELECT current_setting('wangge.agency')::integer")
    with suppress(Invalid), acting_for(session, beta, back_to=alpha.id):
        assert session.scalar(acting) == beta.id
        if fails:
            raise Invalid(msg("accounts.bad_origin"))
    assert session.scalar(acting) == alpha.id


def test_new_agency_cannot_name_a_scheme(founder):
    """None can be shared with it yet."""
    refused = founder.post("/agencies", {"key": "theta", "title": TITLE, "scheme_key": "alphas_land", **PLACE})
    assert (refused.status_code, [one["path"] for one in refused.get_json()["errors"]]) == (422, ["scheme_key"])


def test_nobody_else_founds_or_closes_agencies(browser):
    mine = browser(*AccountRight)
    assert mine.post("/agencies", {"key": "epsilon", "title": TITLE, **PLACE}).status_code == 403
    assert mine.send("PUT", "/agencies/alpha/active", json={"active": False}).status_code == 403


def test_a_closed_agency_is_404_and_opens_again(founder):
    founder.post("/agencies", {"key": "zeta", "title": TITLE, **PLACE})
    there = {"headers": {"X-Wangge-Agency": "zeta"}}
    assert founder.send("PUT", "/agencies/zeta/active", json={"active": False}).get_json()["active"] is False
    assert founder.get("/departments", **there).status_code == 404
    assert "zeta" not in [one["key"] for one in founder.get("/me").get_json()["agencies"]]
    founder.send("PUT", "/agencies/zeta/active", json={"active": True})
    assert founder.get("/departments", **there).status_code == 200
    assert founder.send("PUT", "/agencies/alpha/active", json={"active": False}).status_code == 409


def test_an_agency_changes_its_own_settings_alone(browser):
    mine = browser(AccountRight.AGENCY_UPDATE)
    version = mine.get("/agencies/alpha").get_json()["version"]
    options = {"headers": {"If-Match": str(version)}}
    changed = mine.send("PATCH", "/agencies/alpha", json={"settings": {"logo": "x"}}, **options)
    assert (changed.status_code, changed.get_json()["settings"]) == (200, {"logo": "x"})
    assert mine.send("PATCH", "/agencies/alpha", json={"time_zone": "Moon/Sea"}, headers={"If-Match": str(version + 1)}).status_code == 422
    assert mine.send("PATCH", "/agencies/beta", json={"settings": {}}, **options).status_code == 404
    assert browser(AccountRight.AGENCY_ADMINISTER).send("PATCH", "/agencies/alpha", json={"settings": {}}, **options).status_code == 403


@pytest.mark.parametrize("key", ["A", "a", "1st", "has space", "x" * 61, ""])
def test_a_bad_key_is_refused(session, key):
    with pytest.raises(Invalid):
        service.create_agency(session, key, TITLE, origin=(116, 40))


def test_a_key_in_use_and_a_place_off_the_earth_are_refused(session):
    with pytest.raises(Conflict):
        service.create_agency(session, "alpha", TITLE, origin=(116, 40))
    for origin in ((181, 0), (0, 90), (float("nan"), 0)):
        with pytest.raises(Invalid):
            service.create_agency(session, "off_earth", TITLE, origin=origin)


def test_what_signing_in_no_longer_needs_is_forgotten(session, person, settings):
    someone, now = person(), clock.now()
    old = now - timedelta(days=400)
    session.add(SignInRecord(at=old, outcome="signed_in", kind="cookie", user_id=someone.id))
    session.add(SignInRecord(at=now - timedelta(days=180), outcome="signed_in", kind="cookie", user_id=someone.id))
    session.add(SignInCount(key="user:old", tries=3, window_started_at=old))

    gone = sessions.open_session(session, seals_of(settings), someone.id, sessions.Opening("cookie"), now=old)
    kept = sessions.open_session(session, seals_of(settings), someone.id, sessions.Opening("cookie"), now=now)
    signin.forget_old(session, now=now)
    assert session.scalars(select(AuthSession.id).where(AuthSession.id.in_([gone.id, kept.id]))).all() == [kept.id]
    assert len(session.scalars(select(SignInRecord.id).where(SignInRecord.user_id == someone.id)).all()) == 1
    assert session.get(SignInCount, "user:old") is None


def test_a_title_without_chinese_is_refused(founder):
    answer = founder.post("/agencies", {"key": "eta", "title": {"en": "Only"}, **PLACE})
    assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (422, "title")
