"""The bulk history import: chunk by chunk, each whole, while the next is being read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from core.authz import Actor
from core.db.outbox import OutboxMessage
from core.lib import clock
from core.lib.errors import Forbidden
from core.workflow.models import Case, CaseEvent
from core.workflow.service.bulk import PastCase, import_history
from core.workflow.service.history_file import HistoryReader
from tests.core.workflow.test_history_file_service import past
from tests.journeys.town import Town


def cases_of(town: Town, count: int) -> list[PastCase]:
    """Make past cases as a file would tell them."""
    lines = "\n".join(json.dumps(past()) for _ in range(count)).encode()
    with town.work() as (session, actor):
        found = list(HistoryReader(session, actor).read(io.BytesIO(lines)))
    assert all(isinstance(one, PastCase) for one in found)
    return [one for one in found if isinstance(one, PastCase)]


def system(town: Town) -> Actor:
    """Act as the system in the town."""
    return Actor(None, town.agency_id, "town", "system", (), clock.now(), is_system=True)


def stored(town: Town, cases: list[PastCase]) -> set[str]:
    """Name those of the cases that are there, with every step."""
    with town.work() as (session, _):
        steps = select(Case.number, func.count(CaseEvent.id)).join(CaseEvent, CaseEvent.case_id == Case.id).group_by(Case.number)
        rows: Any = session.execute(steps.where(Case.number.in_([case.number for case in cases]))).all()
    assert {count for _, count in rows} <= {8}
    return {number for number, _ in rows}


def test_each_chunk_is_told_and_nobody_is_notified(town: Town) -> None:
    cases = cases_of(town, 7)
    with town.work() as (session, _):
        before = session.scalar(select(func.count()).select_from(OutboxMessage))
    reports = list(import_history(town.database, system(town), cases, chunk=3))
    assert [(one.imported, one.known) for one in reports] == [(3, 0), (3, 0), (1, 0)]
    assert stored(town, cases) == {case.number for case in cases}
    with town.work() as (session, _):
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == before
    for case in cases:
        assert town.broken(case.number) == []


def test_source_that_breaks_off_leaves_whole_chunks_and_the_rest_comes_later(town: Town) -> None:
    cases = cases_of(town, 8)

    def broken() -> Iterator[PastCase]:
        yield from cases[:5]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        list(import_history(town.database, system(town), broken(), chunk=2))
    assert stored(town, cases) == {case.number for case in cases[:4]}
    reports = list(import_history(town.database, system(town), cases, chunk=2))
    assert sum(one.imported for one in reports) == 4
    assert sum(one.known for one in reports) == 4
    assert stored(town, cases) == {case.number for case in cases}


def test_chunk_that_is_refused_is_not_there_by_half(town: Town) -> None:
    cases = cases_of(town, 6)
    cases[3] = replace(cases[3], columns={**cases[3].columns, "department_id": 2**40})
    with pytest.raises(Exception, match="fk_cases_agency_id_department_id"):
        list(import_history(town.database, system(town), cases, chunk=2))
    assert stored(town, cases) == {case.number for case in cases[:2]}


def test_import_needs_its_right(town: Town) -> None:
    nobody = Actor(None, town.agency_id, "town", "nobody", (), clock.now())
    with pytest.raises(Forbidden):
        list(import_history(town.database, nobody, cases_of(town, 1)))
