"""Flask-AppBuilder, as the security kernel and nothing else.

The only module that knows Flask-AppBuilder's classes (``core.db.base`` takes
its tables). It is built inside ``create_app``, with our security manager, and
none of its own pages or APIs is registered: its list views share one filter
between threads, its security API has no rate limit, its forms ask no current
password and its cookies outlive a sign-out. Its sign-in contract
(``/api/v1/security/login`` and ``/refresh``) is served by ``core.accounts``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask, current_app, request
from flask_appbuilder import AppBuilder, ModelRestApi
from flask_appbuilder.api.convert import Model2SchemaConverter
from flask_appbuilder.menu import Menu
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import LoginManager
from marshmallow_sqlalchemy import SQLAlchemyAutoSchema
from sqlalchemy.orm import scoped_session, sessionmaker

from core.db.base import User
from core.http.work import frame
from core.lib.text import DEFAULT_LOCALE

if TYPE_CHECKING:
    from core.db.engine import Database
    from core.settings import Settings

_CONFIGURATION: dict[str, Any] = {
    "APP_NAME": "Wangge",
    "AUTH_TYPE": 1,  # FAB's AUTH_DB
    "AUTH_USER_REGISTRATION": False,
    "AUTH_RATE_LIMITED": False,  # our own counts live in PostgreSQL, where every process sees them
    "RATELIMIT_ENABLED": False,
    "FAB_ADD_MENU_API": False,
    "FAB_ADD_OPENAPI_VIEWS": False,
    "FAB_ADD_SECURITY_API": False,
    "FAB_ADD_SECURITY_VIEWS": False,
    "FAB_API_KEY_ENABLED": False,
    "FAB_API_SWAGGER_UI": False,
    "FAB_CREATE_DB": False,
    "FAB_PASSWORD_COMPLEXITY_ENABLED": True,
    "FAB_UPDATE_PERMS": False,
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_NAME": "wangge_kernel",  # never the name of our own, server-side session
    "SESSION_COOKIE_SAMESITE": "Lax",
    "WTF_CSRF_CHECK_DEFAULT": True,
    "BABEL_DEFAULT_LOCALE": DEFAULT_LOCALE,
    "LANGUAGES": {"zh": {"flag": "cn", "name": "简体中文"}, "en": {"flag": "gb", "name": "English"}},
}


class FkConverter(Model2SchemaConverter):  # type: ignore[misc]
    """Keeps foreign-key columns in generated schemas, which marshmallow 4 would otherwise refuse by name."""

    def _meta_schema_factory(self, columns: list[str], model: Any, class_mixin: Any, parent_schema_name: str | None = None) -> Any:
        if not columns:
            return super()._meta_schema_factory(columns, model, class_mixin, parent_schema_name)
        # The fields are fixed when the class is made, so it is made here, as FAB makes it but with the keys.
        meta = {
            "model": model,
            "fields": columns,
            "include_fk": True,
            "load_instance": True,
            "sqla_session": current_app.extensions["appbuilder"].session,
            "parent_schema_name": parent_schema_name,
        }
        return type("MetaSchema", (SQLAlchemyAutoSchema, class_mixin), {"Meta": type("Meta", (), meta)})


class PlatformMenu(Menu):  # type: ignore[misc]
    """A menu whose flat list of names grows with its items, not exponentially with its categories."""

    def get_flat_name_list(self, menu: Any = None, result: list[str] | None = None) -> list[str]:
        """List the names of all items, each once, depth first."""
        found = [] if result is None else result
        for item in self.menu if menu is None else menu:
            if item.name not in found:
                found.append(item.name)
            if item.childs:
                self.get_flat_name_list(item.childs, found)
        return found


class WanggeSecurityManager(SecurityManager):  # type: ignore[misc]
    """FAB's security manager over our users; whatever in FAB asks for a password asks our own gate."""

    user_model = User

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Know nobody by FAB's client-side cookie, which would outlive a sign-out; so there is no such cookie to refresh either."""
        manager = LoginManager()
        manager.user_loader(lambda _user_id: None)
        app.login_manager = manager  # type: ignore[attr-defined]
        return manager

    def auth_user_db(self, username: str, password: str) -> User | None:
        """Check a password through the counted, constant-time gate."""
        user_id = frame().authenticator.check_password(username, password, address=request.remote_addr or "")
        return None if user_id is None else self.get_user_by_id(user_id)

    def reset_password(self, userid: int, password: str) -> None:
        """Refuse: FAB knows neither our policy nor the sessions that must end."""
        raise NotImplementedError("set a password with `wangge user password`")

    def add_user(self, *_: Any, **__: Any) -> None:
        """Refuse: a user is nobody without a home agency."""
        raise NotImplementedError("make a user with `wangge user create`")


class Kernel(AppBuilder):  # type: ignore[misc]
    """An AppBuilder without index page, language switch, menu and admin pages."""

    def _add_admin_views(self) -> None:
        """Register nothing; see the module's docstring."""


def install_security(app: Flask, settings: Settings, database: Database) -> Kernel:
    """Build Flask-AppBuilder into ``app``; raises RuntimeError when it fell back to a security manager of its own."""
    app.config.update(_CONFIGURATION, JWT_SECRET_KEY=settings.jwt_secret_key, SESSION_COOKIE_SECURE=settings.secure_cookies)
    app.config["FAB_SAFE_REDIRECT_HOSTS"] = [settings.host]
    ModelRestApi.model2schemaconverter = FkConverter
    session = scoped_session(sessionmaker(database.app_engine))
    app.teardown_appcontext(lambda _error: session.remove())
    with app.app_context():
        kernel = Kernel(app, session, menu=PlatformMenu(), security_manager_class=WanggeSecurityManager)
    if type(kernel.sm) is not WanggeSecurityManager:
        raise RuntimeError(f"Flask-AppBuilder uses {type(kernel.sm).__name__} instead of our security manager")
    return kernel
