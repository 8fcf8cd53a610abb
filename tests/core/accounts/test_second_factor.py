"""The second factor: enrolled with the password, confirmed by a code, demanded by a role, and no code twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pyotp
import pytest
import segno
from sqlalchemy import select, update

from core.accounts import service
from core.accounts.permissions import AccountRight
from core.accounts.signin import passwords, second_factor
from core.accounts.signin.models import RecoveryCode, SecondFactor, SignInRecord
from core.accounts.signin.seals import seals_of
from core.accounts.signin.standing import system_actor
from core.db.base import User
from core.db.uow import unit_of_work
from core.lib import clock
from core.testing.people import PASSWORD, Browser, browser_of

READ = AccountRight.DEPARTMENT_READ


def _enrol(browser):
    answer = browser.post("/me/second-factor", {"password": PASSWORD})
    assert answer.status_code == 200, answer.get_json()
    return pyotp.TOTP(answer.get_json()["secret"])


@pytest.fixture(autouse=True)
def _steady_clock(monkeypatch):
    """Hold the clock in the middle of a time step, so that no test runs over its edge."""
    present = clock.now()
    middle = present.replace(second=present.second // 30 * 30 + 15, microsecond=0)
    monkeypatch.setattr(clock, "now", lambda: middle)


def _code(totp, step=0):
    return totp.at(clock.now().timestamp() + 30 * step)


@pytest.fixture
def enrolled(app, person):
    """A person with a confirmed second factor, the app that makes its codes, and the browser it was set up in."""
    someone = person(READ)
    browser = browser_of(app, someone)
    totp = _enrol(browser)
    # The step before the present one: the next codes stay unused for the test.
    browser.confirmed = browser.post("/me/second-factor/confirm", {"code": _code(totp, -1)})
    assert browser.confirmed.status_code == 200
    return someone, totp, browser


def test_enrolling_shows_a_picture_of_the_uri_that_an_app_can_read(app, person):
    answer = browser_of(app, person(READ)).post("/me/second-factor", {"password": PASSWORD}).get_json()
    assert answer["qr"].startswith("data:image/svg+xml")
    svg = unquote(answer["qr"].partition(",")[2])
    # Nothing in it leaves the page or runs.
    assert not re.search(r"href|script|url\(", svg)
    drawn = segno.make(answer["uri"], micro=False, error="m")
    assert drawn.svg_data_uri(scale=4, border=4, dark="#000", light="#fff") == answer["qr"]
    assert answer["secret"] in answer["uri"]


def test_enrolling_asks_for_the_password_and_counts_only_when_confirmed(app, person):
    someone = person(READ)
    browser = browser_of(app, someone)
    assert browser.post("/me/second-factor", {"password": "wrong wrong"}).status_code == 422
    _enrol(browser)
    assert Browser(app).sign_in(someone.username).status_code == 200
    assert browser.post("/me/second-factor/confirm", {"code": "000000"}).status_code == 422
    assert browser.get("/me").get_json()["second_factor"] == {
        "enrolled": False,
        "proven": False,
        "demanded": False,
        "recovery_codes_left": 0,
    }


def test_enrolling_again_replaces_the_unconfirmed_secret(app, person):
    browser = browser_of(app, person(READ))
    first, second = _enrol(browser), _enrol(browser)
    assert browser.post("/me/second-factor/confirm", {"code": _code(first)}).status_code == 422
    assert browser.post("/me/second-factor/confirm", {"code": _code(second)}).status_code == 200
    assert browser.post("/me/second-factor", {"password": PASSWORD}).status_code == 409
    assert browser.post("/me/second-factor/confirm", {"code": _code(second, 1)}).status_code == 409


def test_signing_in_then_needs_a_code_on_both_routes(app, enrolled):
    someone, totp, _ = enrolled
    missing = Browser(app).sign_in(someone.username)
    assert (missing.status_code, missing.get_json()["second_factor"]) == (401, True)
    assert Browser(app).sign_in(someone.username, code="000000").status_code == 401
    assert Browser(app).sign_in(someone.username, code=_code(totp)).status_code == 200
    body = {"username": someone.username, "password": PASSWORD}
    assert app.test_client().post("/api/v1/security/login", json=body).status_code == 401
    assert app.test_client().post("/api/v1/security/login", json={**body, "code": _code(totp, 1)}).status_code == 200


def test_no_code_is_good_twice_nor_an_older_one_after_it(app, enrolled):
    someone, totp, _ = enrolled
    assert Browser(app).sign_in(someone.username, code=_code(totp, 1)).status_code == 200
    for step in (1, 0):
        assert Browser(app).sign_in(someone.username, code=_code(totp, step)).status_code == 401


def test_a_code_does_not_tell_whether_the_password_was_right(app, enrolled):
    someone, totp, _ = enrolled
    answer = Browser(app).sign_in(someone.username, "wrong wrong", code=_code(totp))
    assert (answer.status_code, "second_factor" in answer.get_json()) == (401, False)
    assert Browser(app).sign_in(someone.username, code=_code(totp)).status_code == 200, "a wrong password uses no code up"


def test_guessed_codes_lock(app, enrolled):
    someone, totp, _ = enrolled
    found = [Browser(app).sign_in(someone.username, code="000000").status_code for _ in range(6)]
    assert found == [401] * 5 + [429]
    assert Browser(app).sign_in(someone.username, code=_code(totp)).status_code == 429


def test_the_stored_row_does_not_give_the_secret(database, enrolled, settings):
    someone, totp, _ = enrolled
    with database.session(None) as session:
        row = session.execute(select(SecondFactor).where(SecondFactor.user_id == someone.id)).scalar_one()
        assert totp.byte_secret() not in row.salt
        assert row.salt not in totp.byte_secret()


def test_disabling_asks_for_the_password_and_ends_other_sessions(app, enrolled):
    someone, totp, browser = enrolled
    other = Browser(app)
    other.sign_in(someone.username, code=_code(totp))
    assert browser.post("/me/second-factor/disable", {"password": "wrong wrong"}).status_code == 422
    assert browser.post("/me/second-factor/disable", {"password": PASSWORD}).status_code == 204
    assert (browser.get("/me").status_code, other.get("/me").status_code) == (200, 401)
    assert Browser(app).sign_in(someone.username).status_code == 200
    assert browser.post("/me/second-factor/disable", {"password": PASSWORD}).status_code == 409


def test_a_recovery_code_stands_in_once_for_the_app(app, enrolled):
    someone, totp, browser = enrolled
    codes = browser.confirmed.get_json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert browser.get("/me").get_json()["second_factor"]["recovery_codes_left"] == 10
    lost = Browser(app)
    assert lost.sign_in(someone.username, code=codes[0].lower()).status_code == 200
    assert lost.get("/me").get_json()["second_factor"] == {"enrolled": True, "proven": True, "demanded": False, "recovery_codes_left": 9}
    assert Browser(app).sign_in(someone.username, code=codes[0]).status_code == 401
    assert Browser(app).sign_in(someone.username, code=codes[1].replace("-", "")).status_code == 200
    assert Browser(app).sign_in(someone.username, code=_code(totp)).status_code == 200


def test_a_recovery_code_of_another_person_is_none(app, enrolled, person):
    _, _, browser = enrolled
    other = person(READ)
    theirs = browser_of(app, other)
    assert theirs.post("/me/second-factor/confirm", {"code": _code(_enrol(theirs), -1)}).status_code == 200
    assert Browser(app).sign_in(other.username, code=browser.confirmed.get_json()["recovery_codes"][0]).status_code == 401


def test_a_new_set_ends_the_old_one_and_is_on_record(app, database, enrolled):
    someone, _, browser = enrolled
    old = browser.confirmed.get_json()["recovery_codes"]
    assert browser.post("/me/second-factor/recovery-codes", {"password": "wrong wrong"}).status_code == 422
    made = browser.post("/me/second-factor/recovery-codes", {"password": PASSWORD})
    assert made.status_code == 200
    assert Browser(app).sign_in(someone.username, code=old[0]).status_code == 401
    assert Browser(app).sign_in(someone.username, code=made.get_json()["recovery_codes"][0]).status_code == 200
    with database.session(None) as session:
        told = session.scalars(select(SignInRecord.outcome).where(SignInRecord.user_id == someone.id).order_by(SignInRecord.id)).all()
        stored = session.scalars(select(RecoveryCode.digest).where(RecoveryCode.user_id == someone.id)).all()
    assert told == ["signed_in", "recovery_codes_made", "recovery_codes_made", "wrong_code", "recovery_code_used", "signed_in"]
    assert len(stored) == 10
    assert not [code for code in made.get_json()["recovery_codes"] if code.replace("-", "").encode() in b"".join(stored)]


def test_two_sign_ins_at_once_share_no_recovery_code(app, database, enrolled, settings):
    someone, _, browser = enrolled
    code = browser.confirmed.get_json()["recovery_codes"][0]
    seals, now = seals_of(settings), clock.now()
    with database.session(None) as first, ThreadPoolExecutor(1) as pool:
        assert second_factor.is_code(first, seals, user_id=someone.id, code=code, now=now)

        def again():
            with database.session(None) as second:
                return second_factor.is_code(second, seals, user_id=someone.id, code=code, now=now)

        waiting = pool.submit(again)
        first.commit()
        assert waiting.result(timeout=20) is False


def test_a_session_without_the_code_cannot_weaken_the_second_factor(app, person):
    """A password and an older session are not enough to make codes, nor to take the app away."""
    someone = person(READ)
    older, browser = browser_of(app, someone), browser_of(app, someone)
    assert older.post("/me/second-factor/recovery-codes", {"password": PASSWORD}).status_code == 409
    assert browser.post("/me/second-factor/confirm", {"code": _code(_enrol(browser))}).status_code == 200
    for path in ("recovery-codes", "disable"):
        refused = older.post(f"/me/second-factor/{path}", {"password": PASSWORD})
        assert refused.status_code == 409
        assert "without a code" in refused.get_json()["detail"] or "动态码" in refused.get_json()["detail"]
    assert browser.post("/me/second-factor/disable", {"password": PASSWORD}).status_code == 204


def test_recovery_codes_go_with_the_second_factor(database, enrolled):
    someone, _, browser = enrolled
    assert browser.post("/me/second-factor/disable", {"password": PASSWORD}).status_code == 204
    with database.session(None) as session:
        assert session.scalars(select(RecoveryCode.digest).where(RecoveryCode.user_id == someone.id)).all() == []


def test_a_role_that_demands_it_counts_only_with_it(app, person):
    someone = person(READ, needs_second_factor=True)
    browser = browser_of(app, someone)
    refused = browser.get("/departments")
    assert (refused.status_code, refused.get_json()["reason"]) == (403, "second_factor_needed")
    assert browser.get("/me").get_json()["second_factor"] == {
        "enrolled": False,
        "proven": False,
        "demanded": True,
        "recovery_codes_left": 0,
    }
    totp = _enrol(browser)
    assert browser.post("/me/second-factor/confirm", {"code": _code(totp)}).status_code == 200
    assert browser.get("/departments").status_code == 200
    assert browser.post("/me/second-factor/disable", {"password": PASSWORD}).status_code == 409


def test_other_roles_count_without_it_and_the_demanding_one_is_left_out(app, database, person, alpha):
    someone = person(READ)
    with unit_of_work(database, alpha.id) as session:
        service.upsert_role(session, alpha.id, "guarded", {"zh_CN": "受保护"}, [AccountRight.TEAM_MANAGE], requires_second_factor=True)
        service.assign_role(session, system_actor((alpha.id, alpha.key), now=clock.now()), user_id=someone.id, role_key="guarded")
    browser = browser_of(app, someone)
    assert browser.get("/me").get_json()["rights"] == [str(READ)]
    assert browser.post("/teams", {"key": "t_guarded", "name": "队"}).status_code == 403


def test_an_administrator_forgets_a_lost_one(app, enrolled, browser):
    someone, _, theirs = enrolled
    helper = browser(AccountRight.MEMBER_READ, AccountRight.MEMBER_RESET_SIGN_IN, READ)
    assert helper.send("DELETE", f"/users/{someone.id}/second-factor").status_code == 204
    assert helper.send("DELETE", f"/users/{someone.id}/second-factor").status_code == 409
    assert theirs.get("/me").status_code == 401
    assert Browser(app).sign_in(someone.username).status_code == 200


def test_a_password_alone_opens_no_kernel_door_for_the_enrolled(database, settings, enrolled, person, app):
    authenticator = app.extensions["wangge"].authenticator
    someone, plain = enrolled[0], person(READ)
    assert authenticator.check_password(someone.username, PASSWORD, address="") is None
    assert authenticator.check_password(plain.username, PASSWORD, address="") == plain.id
    assert authenticator.check_password(plain.username, "wrong wrong", address="") is None


def test_a_password_changed_while_it_is_checked_does_not_sign_in(app, database, person, monkeypatch):
    someone = person(READ)
    real = passwords.is_password

    def slow(stored, password):
        answer = real(stored, password)
        with database.owner_engine.begin() as connection:
            connection.exec_driver_sql("UPDATE ab_user SET password = 'changed' WHERE id = %s", (someone.id,))
        return answer

    monkeypatch.setattr(passwords, "is_password", slow)
    assert Browser(app).sign_in(someone.username).status_code == 401


def test_an_inactive_account_is_refused_by_the_hot_path(app, database, enrolled):
    someone, _, browser = enrolled
    with unit_of_work(database, None) as session:
        session.execute(update(User).where(User.id == someone.id).values(active=False))
    assert browser.get("/me").status_code == 401
