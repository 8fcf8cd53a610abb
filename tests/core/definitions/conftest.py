"""A form kind small enough to be read at a glance, and sessions of the owner role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import core.definitions.kinds
import core.forms.compile  # noqa: F401  # the kinds that the tests use
from core.db.engine import AgencySession
from core.db.epoch import forget_all
from core.definitions.check import check
from core.definitions.load import load_text
from core.definitions.sync import SyncReport, sync
from core.definitions.types import Document, Loaded, Prepared
from core.testing.fixtures import NOON

CATALOGUE = """
key: demo.waste
title: {zh_CN: 垃圾, en: Waste}
source: demo
items:
  - {code: '01', title: {zh_CN: 市容, en: Look}}
  - {code: '0101', parent: '01', title: {zh_CN: 暴露垃圾, en: Litter}, data: {hours: 2}}
"""


def prepared(text: str, kind: str = "catalogue", origin: str = "plugin:demo@0.1.0") -> Prepared:
    key = text.split("key: ")[1].splitlines()[0]
    document = load_text(text, kind=kind, file=f"{kind}s/{key.rsplit('.', 1)[-1]}.yaml")
    assert isinstance(document, Document), document
    outcome = check([Loaded(origin, [document])])
    assert not outcome.problems, [problem.text("en") for problem in outcome.problems]
    return outcome.prepared[0]


def synced(session: Session, *definitions: Prepared) -> SyncReport:
    report = sync(session, definitions, now=NOON)
    session.flush()
    return report


def content(text: str = CATALOGUE) -> dict[str, Any]:
    return dict(prepared(text).content)


@pytest.fixture
def owner(owner_engine: Engine, alpha: Any) -> Iterator[AgencySession]:
    """Open a session of the owner role that is rolled back."""
    forget_all()
    with owner_engine.connect() as connection:
        transaction = connection.begin()
        with AgencySession(connection, agency_id=None, join_transaction_mode="create_savepoint") as opened:
            yield opened
        transaction.rollback()
    forget_all()


@pytest.fixture
def as_alpha(owner: AgencySession, alpha: Any) -> Iterator[AgencySession]:
    """Act for alpha in the same transaction: what the owner stored in it can be seen."""
    with AgencySession(owner.connection(), agency_id=alpha.id, join_transaction_mode="create_savepoint") as opened:
        yield opened
