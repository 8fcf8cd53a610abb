"""Flask-AppBuilder is built as the kernel and shows nothing of its own."""

from __future__ import annotations

import pytest
from flask import Flask
from flask_appbuilder import ModelRestApi
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import PermissionView
from flask_login import current_user

from core import parts
from core.accounts.signin import SignIn
from core.accounts.signin.throttle import TRIES_OF_USER
from core.http import errors
from core.http.fab import PlatformMenu, WanggeSecurityManager, install_security
from core.http.work import Frame
from core.lib.errors import TooMany
from core.testing.people import PASSWORD, make_person


@pytest.fixture
def kernel_app(settings, database):
    parts.load()
    app = Flask("kernel")
    app.config["SECRET_KEY"] = settings.secret_key
    app.extensions["wangge"] = Frame(settings, database, SignIn(settings, database))
    errors.install(app)
    install_security(app, settings, database)
    return app


def test_kernel_uses_our_security_manager(kernel_app):
    assert type(kernel_app.appbuilder.sm) is WanggeSecurityManager


def test_kernel_registers_no_route_but_its_static_files(kernel_app):
    assert {"/static/<path:filename>", "/static/appbuilder/<path:filename>"} == {rule.rule for rule in kernel_app.url_map.iter_rules()}


def test_kernel_sends_no_cookie(kernel_app):
    @kernel_app.get("/probe")
    def probe() -> str:
        return "here"

    answer = kernel_app.test_client().get("/probe")
    assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None)


def test_kernel_cookie_signs_nobody_in(kernel_app):
    @kernel_app.get("/probe")
    def probe() -> str:
        return str(current_user.is_authenticated)

    client = kernel_app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = "1", True
    assert client.get("/probe").data == b"False"


def test_kernel_refuses_to_make_users_and_passwords(kernel_app):
    with kernel_app.app_context(), pytest.raises(NotImplementedError, match="wangge user"):
        kernel_app.appbuilder.sm.add_user("x", "x", "x", "x@example.com")
    with kernel_app.app_context(), pytest.raises(NotImplementedError, match="wangge user"):
        kernel_app.appbuilder.sm.reset_password(1, "another-passw0rd")


def test_menu_lists_each_name_once_whatever_the_categories():
    menu = PlatformMenu()
    for number in range(40):
        menu.add_link(f"link {number}", href="/", category=f"category {number}")
    assert len(menu.get_flat_name_list()) == 80


def test_a_rest_api_may_name_a_foreign_key_column(kernel_app):
    class PermissionViews(ModelRestApi):
        datamodel = SQLAInterface(PermissionView)
        resource_name = "permission-views"
        list_columns = ["permission_id", "view_menu_id"]  # noqa: RUF012  # FAB's own way

    with kernel_app.app_context():
        api = kernel_app.appbuilder.add_api(PermissionViews)
        assert set(api.list_model_schema.fields) == {"permission_id", "view_menu_id"}


def test_kernel_checks_passwords_through_the_counted_gate(kernel_app, database, alpha):
    someone = make_person(database, alpha, ["accounts:team:read"])
    manager = kernel_app.appbuilder.sm
    with kernel_app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.9"}):
        assert manager.auth_user_db(someone.username, PASSWORD).id == someone.id
        for _ in range(TRIES_OF_USER):
            manager.auth_user_db(someone.username, "wrong wrong")
        with pytest.raises(TooMany):
            manager.auth_user_db(someone.username, PASSWORD)
