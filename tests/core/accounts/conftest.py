"""An application with the routes of this package alone, and people to use it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import parts
from core.accounts.signin import SignIn
from core.accounts.views import routes
from core.http import serve
from core.http.application import WebApplication
from core.http.work import Frame
from core.testing.people import browser_of, make_person


@pytest.fixture(scope="module")
def app(settings, database):
    parts.load()
    made = WebApplication("accounts")
    made.extensions["wangge"] = Frame(settings, database, SignIn(settings, database))
    serve.mount(made, [routes])
    return made


@pytest.fixture
def person(database, alpha):
    """Store a person of alpha (or another agency) with exactly these rights."""

    def make(*rights, agency=None, **options):
        return make_person(database, agency or alpha, [str(right) for right in rights], **options)

    return make


@pytest.fixture
def browser(app, person):
    """Give a browser signed in as a new person with exactly these rights."""

    def make(*rights, **options):
        return browser_of(app, person(*rights, **options))

    return make


@pytest.fixture(autouse=True, scope="session")
def _every_right():
    parts.load()


@pytest.fixture(autouse=True)
def _fresh_counts(database):
    """Forget earlier tests' tries: all of them come from one address."""
    with database.owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM sign_in_count"))
