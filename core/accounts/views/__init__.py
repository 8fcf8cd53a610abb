"""Who there is, and signing in, over HTTP."""

from core.accounts.views import agencies, departments, me, posts, roles, session, teams, users
from core.accounts.views.group import routes

__all__ = ["agencies", "departments", "me", "posts", "roles", "routes", "session", "teams", "users"]
