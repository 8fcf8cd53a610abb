"""Signing in and out over HTTP: cookie, token, CSRF, lockout, revocation, secrets."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from datetime import timedelta

import jwt
import pytest
from sqlalchemy import event, select, text, update
from werkzeug.security import generate_password_hash

from core.accounts import service
from core.accounts.permissions import AccountRight
from core.accounts.signin import passwords, throttle
from core.accounts.signin.models import AuthSession, SignInRecord
from core.accounts.signin.seals import Claims, Seals, seals_of
from core.accounts.signin.service import Attempt
from core.accounts.signin.standing import system_actor
from core.db.base import User
from core.db.prepared import Prepared
from core.db.uow import unit_of_work
from core.lib import clock
from core.lib.errors import Invalid
from core.testing.people import PASSWORD, Browser, browser_of

READ = AccountRight.DEPARTMENT_READ
MANAGE = AccountRight.DEPARTMENT_MANAGE


def _log_in(app, username, password=PASSWORD, **more):
    return app.test_client().post("/api/v1/security/login", json={"username": username, "password": password, **more})


def _token_get(app, token, path="/departments"):
    return app.test_client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})


# --- the contract with the front end ------------------------------------------


def test_session_when_signed_in_answers_the_contract(app, person):
    someone = person(READ)
    answer = Browser(app).sign_in(someone.username)
    body = answer.get_json()
    assert answer.status_code == 200
    assert {"user", "csrf_token", "must_change_password"} == set(body)
    assert {"id": someone.id, "username": someone.username, "name": body["user"]["name"]} == body["user"]


def test_session_cookie_is_closed_to_scripts_and_other_sites(app, person):
    cookie = Browser(app).sign_in(person(READ).username).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_me_names_user_agency_rights_and_token(app, person, alpha):
    someone = person(READ)
    browser = browser_of(app, someone)
    body = browser.get("/me").get_json()
    assert someone.id == body["user"]["id"]
    assert body["agencies"] == [{"key": "alpha", "title": "甲区"}]
    origin = {"lon": alpha.origin_lon, "lat": alpha.origin_lat}
    assert {"key": "alpha", "title": "甲区", "origin": origin, "time_zone": "Asia/Shanghai", "scheme": None} == body["agency"]
    assert [str(READ)] == body["rights"]
    assert browser.headers["X-CSRF-Token"] == body["csrf_token"]


def test_me_without_any_role_still_answers(browser):
    body = browser().get("/me").get_json()
    assert (body["agency"], body["agencies"], body["rights"]) == (None, [], [])


def test_locale_chosen_is_kept(browser):
    mine = browser(READ)
    assert mine.send("PUT", "/me/locale", json={"locale": "en"}).status_code == 204
    assert (mine.get("/me").get_json()["locale"], mine.get("/me").get_json()["agency"]["title"]) == ("en", "Alpha")
    assert mine.send("PUT", "/me/locale", json={"locale": "tlh"}).status_code == 422


def test_nobody_signed_in_gets_401(app):
    answer = app.test_client().get("/api/v1/departments")
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


@pytest.mark.parametrize("scheme", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer x.y.z", "Bearer "])
def test_a_broken_authorization_header_gets_401(app, scheme):
    assert app.test_client().get("/api/v1/departments", headers={"Authorization": scheme}).status_code == 401


# --- the acting agency --------------------------------------------------------


def test_agency_unknown_or_without_role_is_404(browser):
    mine = browser(READ)
    assert mine.get("/departments", headers={"X-Wangge-Agency": "nowhere"}).status_code == 404
    assert mine.get("/departments", headers={"X-Wangge-Agency": "beta"}).status_code == 404
    assert mine.get("/departments", headers={"X-Wangge-Agency": "alpha"}).status_code == 200


def test_a_member_of_two_agencies_acts_for_each(app, database, person, beta):
    someone = person(READ)
    with unit_of_work(database, beta.id) as session:
        actor = system_actor((beta.id, beta.key), now=clock.now())
        service.add_member(session, actor, someone.username)
        service.upsert_role(session, beta.id, "visitor", {"zh_CN": "访客", "en": "Visitor"}, [AccountRight.ROLE_READ])
        service.assign_role(session, actor, user_id=someone.id, role_key="visitor")
    browser = browser_of(app, someone)
    there = browser.get("/me", headers={"X-Wangge-Agency": "beta"}).get_json()
    assert [one["key"] for one in there["agencies"]] == ["alpha", "beta"]
    assert ("beta", [str(AccountRight.ROLE_READ)]) == (there["agency"]["key"], there["rights"])
    assert browser.get("/roles", headers={"X-Wangge-Agency": "beta"}).status_code == 200
    assert browser.get("/roles").status_code == 403


# --- CSRF ---------------------------------------------------------------------


def test_a_write_by_cookie_needs_the_token_of_its_own_session(app, person):
    someone = person(MANAGE)
    first, second = browser_of(app, someone), browser_of(app, someone)
    body = {"code": "CSRF-1", "name": "甲"}
    for wrong in ("", "x", second.headers["X-CSRF-Token"], "é"):
        answer = first.send("POST", "/departments", json=body, headers={"X-CSRF-Token": wrong})
        assert answer.status_code == 403, wrong
    assert first.post("/departments", body).status_code == 201


def test_a_read_by_cookie_needs_no_token(app, person):
    browser = browser_of(app, person(READ))
    browser.headers.clear()
    assert browser.get("/departments").status_code == 200


def test_a_token_wins_over_a_cookie(app, person):
    writer, reader = person(MANAGE), person(READ)
    browser = browser_of(app, reader)
    token = _log_in(app, writer.username).get_json()["access_token"]
    browser.headers.clear()
    assert browser.post("/departments", {"code": "CSRF-2", "name": "乙"}, headers={"Authorization": f"Bearer {token}"}).status_code == 201
    assert browser.get("/departments", headers={"Authorization": "Bearer junk"}).status_code == 401


def test_another_scheme_is_left_to_the_proxy_it_is_meant_for(app, person):
    browser = browser_of(app, person(READ))
    assert browser.get("/departments", headers={"Authorization": "Basic dXNlcjpwYXNz"}).status_code == 200


def test_a_cookie_changed_by_one_character_is_nobody(app, person):
    someone = person(READ)
    browser = browser_of(app, someone)
    cookie = browser.client.get_cookie("wangge_session").value
    user, rest = cookie.split(".", 1)
    for forged in (f"{int(user) + 1}.{rest}", cookie[:-1] + ("A" if cookie[-1] != "A" else "B"), "", "....", "1.1.1.1", "é"):
        browser.client.set_cookie("wangge_session", forged)
        assert browser.get("/departments").status_code == 401, forged


# --- tokens -------------------------------------------------------------------


def test_login_answers_flask_appbuilders_contract(app, person):
    someone = person(READ)
    body = _log_in(app, someone.username, provider="db", refresh=True).get_json()
    assert {"access_token", "refresh_token"} == set(body)
    assert _token_get(app, body["access_token"]).status_code == 200
    assert {"access_token"} == set(_log_in(app, someone.username).get_json())


def test_refresh_rotates_and_a_used_one_ends_the_sign_in(app, person):
    body = _log_in(app, person(READ).username, refresh=True).get_json()
    first = {"Authorization": f"Bearer {body['refresh_token']}"}
    fresh = app.test_client().post("/api/v1/security/refresh", headers=first).get_json()
    assert _token_get(app, fresh["access_token"]).status_code == 200
    assert app.test_client().post("/api/v1/security/refresh", headers=first).status_code == 401
    assert _token_get(app, fresh["access_token"]).status_code == 401
    second = {"Authorization": f"Bearer {fresh['refresh_token']}"}
    assert app.test_client().post("/api/v1/security/refresh", headers=second).status_code == 401


def test_kinds_of_token_cannot_stand_for_each_other(app, person):
    body = _log_in(app, person(READ).username, refresh=True).get_json()
    assert _token_get(app, body["refresh_token"]).status_code == 401
    wrong = {"Authorization": f"Bearer {body['access_token']}"}
    assert app.test_client().post("/api/v1/security/refresh", headers=wrong).status_code == 401


def test_a_token_signed_otherwise_is_refused(app, person, settings):
    token = _log_in(app, person(READ).username).get_json()["access_token"]
    said = jwt.decode(token, options={"verify_signature": False})
    for key, algorithm in ((settings.jwt_secret_key, "HS256"), (settings.jwt_secret_key * 2, "HS512"), (None, "none")):
        assert _token_get(app, jwt.encode(said, key, algorithm=algorithm)).status_code == 401


def test_a_token_out_of_date_is_refused(app, person, settings, database):
    someone = person(READ)
    token = _log_in(app, someone.username).get_json()["access_token"]
    claims = seals_of(settings).read_token(token, "access")
    old = seals_of(settings).access_token(claims, now=clock.now() - timedelta(hours=2))
    assert _token_get(app, old).status_code == 401
    with unit_of_work(database, None) as session:
        session.execute(update(AuthSession).where(AuthSession.id == claims.session_id).values(expires_at=clock.now()))
    assert _token_get(app, token).status_code == 401


def test_a_signed_session_of_somebody_else_is_refused(app, person, settings):
    mine, other = person(READ), person(READ)
    token = _log_in(app, mine.username).get_json()["access_token"]
    claims = seals_of(settings).read_token(token, "access")
    crossed = seals_of(settings).access_token(Claims(other.id, claims.session_id, claims.home_agency_id), now=clock.now())
    assert _token_get(app, crossed).status_code == 401


# --- what ends a sign-in ------------------------------------------------------


def test_sign_out_ends_the_cookie_even_when_it_was_kept(app, person):
    browser = browser_of(app, person(READ))
    kept = browser.client.get_cookie("wangge_session").value
    answer = browser.send("DELETE", "/session")
    assert (answer.status_code, "Max-Age=0" in answer.headers["Set-Cookie"]) == (204, True)
    browser.client.set_cookie("wangge_session", kept)
    assert browser.get("/departments").status_code == 401


def test_sign_out_ends_the_token(app, person):
    token = _log_in(app, person(READ).username).get_json()["access_token"]
    assert app.test_client().delete("/api/v1/session", headers={"Authorization": f"Bearer {token}"}).status_code == 204
    assert _token_get(app, token).status_code == 401


def test_a_changed_password_ends_every_other_session(app, person):
    someone = person(READ)
    mine, other = browser_of(app, someone), browser_of(app, someone)
    token = _log_in(app, someone.username).get_json()["access_token"]
    answer = mine.send("PUT", "/me/password", json={"current": PASSWORD, "password": "battery staple 2026"})
    assert answer.status_code == 204, answer.get_json()
    assert mine.get("/departments").status_code == 200
    assert (other.get("/departments").status_code, _token_get(app, token).status_code) == (401, 401)
    assert _log_in(app, someone.username).status_code == 401
    assert _log_in(app, someone.username, "battery staple 2026").status_code == 200


def test_a_changed_password_asks_for_the_current_one(browser):
    mine = browser(READ)
    answer = mine.send("PUT", "/me/password", json={"current": "not my password", "password": "battery staple 2026"})
    assert (answer.status_code, answer.get_json()["errors"][0]["path"]) == (422, "current")


def test_guesses_at_the_current_password_are_counted(browser):
    mine = browser(READ)
    body = {"current": "not my password", "password": "battery staple 2026"}
    found = [mine.send("PUT", "/me/password", json=body).status_code for _ in range(throttle.TRIES_OF_USER + 1)]
    # Signing in was forgiven, so all five tries are left.
    assert found == [422] * throttle.TRIES_OF_USER + [429]


def test_deactivation_ends_everything_at_once(app, database, person, alpha):
    someone = person(READ)
    browser, token = browser_of(app, someone), _log_in(app, someone.username).get_json()["access_token"]
    with unit_of_work(database, alpha.id) as session:
        service.end_membership(session, system_actor((alpha.id, alpha.key), now=clock.now()), someone.id, version=1)
    assert (browser.get("/me").status_code, _token_get(app, token).status_code) == (401, 401)
    assert _log_in(app, someone.username).status_code == 401


def test_a_revoked_role_is_gone_at_the_next_request(app, database, person, alpha):
    someone = person(READ)
    browser = browser_of(app, someone)
    assert browser.get("/departments").status_code == 200
    with unit_of_work(database, alpha.id) as session:
        actor = system_actor((alpha.id, alpha.key), now=clock.now())
        given = session.execute(service.visible_assignments(actor)).all()
        for assignment, _role in given:
            if assignment.user_id == someone.id:
                service.revoke_assignment(session, actor, assignment)
    assert browser.get("/departments").status_code == 404


def test_a_closed_agency_is_404_for_its_people(app, database, person):
    with unit_of_work(database, None) as session:
        agency = service.create_agency(session, "gamma", {"zh_CN": "丙区", "en": "Gamma"}, origin=(116.0, 40.0))
    someone = person(READ, agency=agency)
    browser = browser_of(app, someone)
    assert browser.get("/departments").status_code == 200
    with database.owner_engine.begin() as connection:
        connection.execute(text("UPDATE agency SET active = false WHERE key = 'gamma'"))
    assert browser.get("/departments").status_code == 404


def test_an_initial_password_must_be_changed_first(app, database, person, alpha, settings):
    someone = person(READ)
    with unit_of_work(database, alpha.id) as session:
        actor = system_actor((alpha.id, alpha.key), now=clock.now())
        service.reset_password(session, actor, seals_of(settings), someone.id, "initial horse 2026")
    browser = Browser(app)
    assert browser.sign_in(someone.username, "initial horse 2026").get_json()["must_change_password"] is True
    refused = browser.get("/departments")
    assert (refused.status_code, refused.get_json()["reason"]) == (403, "must_change_password")
    body = {"current": "initial horse 2026", "password": "chosen by myself 26"}
    assert browser.send("PUT", "/me/password", json=body).status_code == 204
    assert browser.get("/departments").status_code == 200


# --- tries are counted --------------------------------------------------------


@pytest.mark.parametrize("route", ["/api/v1/session", "/api/v1/security/login"])
@pytest.mark.parametrize("is_known", [True, False])
def test_the_sixth_try_is_locked_out_known_or_not(app, person, route, is_known):
    name = person(READ).username if is_known else f"nobody-{route[-5:]}"
    client = app.test_client()
    found = [client.post(route, json={"username": name, "password": "wrong wrong"}) for _ in range(throttle.TRIES_OF_USER + 1)]
    assert [one.status_code for one in found] == [401] * throttle.TRIES_OF_USER + [429]
    assert 0 < int(found[-1].headers["Retry-After"]) <= 15 * 60 + 1
    assert client.post(route, json={"username": name, "password": PASSWORD}).status_code == 429


def test_both_routes_count_together_and_case_does_not_help(app, person):
    name = person(READ).username
    client = app.test_client()
    for number in range(throttle.TRIES_OF_USER):
        route = ("/api/v1/session", "/api/v1/security/login")[number % 2]
        written = name.upper() if number % 2 else f" {name} "
        client.post(route, json={"username": written, "password": "wrong wrong"})
    assert client.post("/api/v1/session", json={"username": name, "password": PASSWORD}).status_code == 429


def test_a_good_sign_in_forgets_the_tries_before_it(app, person):
    name = person(READ).username
    for _ in range(3):
        for _ in range(throttle.TRIES_OF_USER - 1):
            assert _log_in(app, name, "wrong wrong").status_code == 401
        assert _log_in(app, name).status_code == 200


def test_one_address_is_limited_over_many_names(app):
    client = app.test_client()
    options = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.77"}}
    codes = [
        client.post("/api/v1/session", json={"username": f"scan-{number}", "password": "wrong wrong"}, **options).status_code
        for number in range(throttle.TRIES_OF_ADDRESS + 1)
    ]
    assert codes == [401] * throttle.TRIES_OF_ADDRESS + [429]
    assert client.post("/api/v1/session", json={"username": "scan-0", "password": "wrong wrong"}).status_code == 401


def test_tries_sent_side_by_side_cannot_slip_past_the_count(app):
    """More threads than tries, all let go at once."""
    threads, codes = 3 * throttle.TRIES_OF_USER, []
    ready = threading.Barrier(threads)

    def attempt():
        ready.wait()
        codes.append(_log_in(app, "side-by-side", "wrong wrong").status_code)

    running = [threading.Thread(target=attempt) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
    assert sorted(codes) == [401] * throttle.TRIES_OF_USER + [429] * (threads - throttle.TRIES_OF_USER)


def test_a_forwarded_address_counts_for_nothing_without_a_named_proxy(app):
    client = app.test_client()
    found = []
    for number in range(throttle.TRIES_OF_USER + 1):
        headers = {"X-Forwarded-For": f"198.51.100.{number}"}
        body = {"username": "forwarded", "password": "wrong wrong"}
        found.append(client.post("/api/v1/session", json=body, headers=headers).status_code)
    assert found[-1] == 429


def test_wrong_name_and_wrong_password_answer_alike(app, person):
    known = _log_in(app, person(READ).username, "wrong wrong")
    unknown = _log_in(app, "no-such-person", "wrong wrong")
    closed = _log_in(app, person(password=None).username, "wrong wrong")
    assert known.get_json() == unknown.get_json() == closed.get_json()


def test_a_locked_count_does_not_grow_and_ends_by_itself():
    start = clock.now()
    count = None
    for _ in range(4):
        count = throttle.counted(count, limit=3, now=start)
    assert (4, start + throttle.LOCKED_FOR) == (count.tries, count.locked_until)
    assert count == throttle.counted(count, limit=3, now=start + timedelta(minutes=1))
    after = throttle.counted(count, limit=3, now=start + throttle.LOCKED_FOR)
    assert (after.tries, after.locked_until) == (1, None)


def test_a_window_that_is_over_starts_anew():
    start = clock.now()
    count = throttle.counted(throttle.counted(None, limit=3, now=start), limit=3, now=start + throttle.WINDOW)
    assert (1, start + throttle.WINDOW) == (count.tries, count.window_started_at)


# --- time and secrets ---------------------------------------------------------


def test_an_unknown_name_takes_as_long_as_a_known_one():
    stored = passwords.hash_password(PASSWORD)
    passwords.is_password(None, "warm")

    def seconds(hashed: str | None) -> float:
        runs = []
        for _ in range(15):
            begin = time.process_time()
            assert not passwords.is_password(hashed, "wrong wrong")
            runs.append(time.process_time() - begin)
        return statistics.median(runs)

    known, unknown = seconds(stored), seconds(None)
    assert 0.6 < unknown / known < 1.6, (known, unknown)


def test_no_secret_reaches_a_log_or_the_database(app, person, caplog, database, settings):
    someone = person(READ)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)  # every statement, as with echo
    try:
        _log_in(app, someone.username, "a wrong secret 77")
        body = _log_in(app, someone.username, refresh=True).get_json()
        browser = browser_of(app, someone)
        browser.send("PUT", "/me/password", json={"current": PASSWORD, "password": "a new secret 88"})
        browser.post("/session", {"username": someone.username, "password": 5})
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    secrets = [
        "a wrong secret 77",
        "a new secret 88",
        PASSWORD,
        body["access_token"],
        body["refresh_token"],
        browser.headers["X-CSRF-Token"],
    ]
    secrets += [browser.client.get_cookie("wangge_session").value, settings.secret_key, "$argon2id"]
    assert caplog.text, "the test must see a log at all"
    assert [secret for secret in secrets if secret in caplog.text] == []
    with database.owner_engine.connect() as connection:
        tables = ("auth_session", "sign_in_count", "sign_in_record", "audit_entry", "second_factor")
        stored = " ".join(str(row) for table in tables for row in connection.execute(text(f"SELECT * FROM {table}")))
    assert [secret for secret in secrets if secret in stored] == []


def test_settings_and_attempts_show_no_secret(settings):
    assert settings.secret_key not in repr(settings)
    assert "hunter" not in repr(Attempt("hunter1", "hunter2", "hunter3", "cookie", "hunter4"))
    assert "hunter" not in repr(service.NewUser("hunter1", "hunter2", phone="hunter3"))


def test_a_short_secret_stops_the_start():
    with pytest.raises(ValueError, match="WANGGE_JWT_SECRET_KEY"):
        Seals("s" * 40, "short")


def test_every_finished_try_is_on_record(app, person, database):
    someone = person(READ)
    _log_in(app, someone.username, "wrong wrong")
    _log_in(app, someone.username)
    with database.session(None) as session:
        query = select(SignInRecord.outcome).where(SignInRecord.user_id == someone.id).order_by(SignInRecord.id)
        assert list(session.scalars(query)) == ["wrong_password", "signed_in"]


# --- passwords ----------------------------------------------------------------


def test_an_old_hash_is_made_anew_at_sign_in(app, database, person):
    someone = person(READ)
    with unit_of_work(database, None) as session:
        old = generate_password_hash(PASSWORD, method="scrypt:1024:8:1")
        session.execute(update(User).where(User.id == someone.id).values(password=old))
    assert _log_in(app, someone.username).status_code == 200
    with database.session(None) as session:
        assert session.scalar(select(User.password).where(User.id == someone.id)).startswith("$argon2id$")
    assert _log_in(app, someone.username).status_code == 200


@pytest.mark.parametrize(
    "weak",
    [
        "short 1",
        "x" * 129,
        "password123",
        "PassWord123",
        "1234567890",
        "abcdefghij",
        "aaaaaaaaaaaa",
        "my-name-is-zhang3",
        "ＰＡＳＳＷＯＲＤ１２３",
    ],
)
def test_a_weak_password_is_refused(weak):
    with pytest.raises(Invalid):
        passwords.check_policy(weak, username="zhang3")


@pytest.mark.parametrize("good", ["correct horse 2026", "网格化管理平台真好用呀", "k7#Qm2!vTz"])
def test_a_good_password_passes(good):
    passwords.check_policy(good, username="zhang3")
    assert passwords.is_password(passwords.hash_password(good), good)


def test_a_made_password_obeys_the_policy():
    made = passwords.make_password()
    passwords.check_policy(made, username="anybody")
    assert made != passwords.make_password()


def test_a_password_typed_in_full_width_is_the_same():
    assert passwords.is_password(passwords.hash_password("k7Qm2vTz99x"), "ｋ７Ｑｍ２ｖＴｚ９９ｘ")


# --- the hot path -------------------------------------------------------------


def test_a_request_opens_with_one_statement(app, person, database, monkeypatch):
    browser = browser_of(app, person(READ))
    browser.get("/departments")
    seen = []
    sent = Prepared.all_on

    def note(_connection, _cursor, statement, *_rest):
        seen.append(statement)

    def note_prepared(self, connection, parameters):
        rows = sent(self, connection, parameters)
        seen.append(self.sql)
        return rows

    monkeypatch.setattr(Prepared, "all_on", note_prepared)
    event.listen(database.app_engine, "before_cursor_execute", note)
    try:
        assert browser.get("/departments").status_code == 200
    finally:
        event.remove(database.app_engine, "before_cursor_execute", note)
    assert len(seen) == 2, seen
    assert "set_config" in seen[0]


def test_being_seen_is_written_at_most_once_a_minute(app, person, database, settings):
    someone = person(READ)
    browser = browser_of(app, someone)
    cookie = seals_of(settings).read_cookie(browser.client.get_cookie("wangge_session").value)

    def seen():
        with database.session(None) as session:
            return session.execute(
                select(AuthSession.last_seen_at, AuthSession.expires_at).where(AuthSession.id == cookie.session_id)
            ).one()

    first = seen()
    browser.get("/departments")
    assert first == seen()
    with unit_of_work(database, None) as session:
        earlier = first.last_seen_at - timedelta(minutes=2)
        session.execute(update(AuthSession).where(AuthSession.id == cookie.session_id).values(last_seen_at=earlier))
    browser.get("/departments")
    assert seen().last_seen_at > earlier
    assert seen().expires_at > first.expires_at
