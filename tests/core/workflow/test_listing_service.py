"""The list of cases gives the same, whether what fits is found first or met on the way from the newest on."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core.authz import Actor, Grant
from core.lib import clock
from core.workflow.permissions import CaseRight
from core.workflow.service import listing, narrowing
from core.workflow.service.listing import CaseQuery
from tests.journeys.town import Town
from tests.journeys.walking import handling, reported


@pytest.fixture(scope="module")
def walked(town: Town) -> dict[str, str]:
    """Walk one case to a department and leave one where it was reported."""
    return {"handling": handling(town), "reported": reported(town)}


def listed(town: Town, **query: object) -> list[str]:
    """List as somebody who sees the whole agency."""
    with town.work() as (session, _):
        actor = Actor(None, town.agency_id, "town", "reader", (Grant(str(CaseRight.READ), None, None),), clock.now())
        rows, _ = listing.list_cases(session, actor, CaseQuery(**query))  # type: ignore[arg-type]
    return [row.number for row in rows]


def place_of(town: Town, number: str) -> tuple[str, str, str, str]:
    """Give a case's grid, the grid above it, its department and its title."""
    with town.work() as (session, _):
        row = session.execute(
            text(
                "SELECT g.code, above.code, d.code, c.title FROM cases c JOIN grid g ON g.id = c.grid_id"
                " JOIN grid above ON above.path = subpath(g.path, 0, -1) AND above.scheme_id = g.scheme_id"
                " JOIN department d ON d.id = c.department_id WHERE c.number = :number"
            ),
            {"number": number},
        ).one()
    return tuple(row)


@pytest.mark.parametrize("few", [0, 5_000])
def test_list_is_the_same_however_it_is_found(town: Town, walked: dict[str, str], monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    grid, above, department, title = place_of(town, walked["handling"])
    monkeypatch.setattr(narrowing, "FEW", few)
    for query in ({"grid": grid}, {"grid": above}, {"department": department}, {"text": walked["handling"]}, {"text": title[:2]}):
        assert walked["handling"] in listed(town, **query), query
        assert walked["handling"] in listed(town, open=True, **query), query
        assert walked["handling"] not in listed(town, open=False, **query), query
    assert walked["reported"] not in listed(town, department=department)
    assert listed(town, grid=grid, text="没有的字") == []
    for query in ({"grid": "none"}, {"department": "none"}, {"text": "没有的字"}):
        assert listed(town, **query) == []


@pytest.mark.parametrize(
    "query", [{"state": "handling"}, {"filter": 'state == "handling"'}, {"filter": 'version > 1 and state == "handling"'}]
)
def test_state_says_whether_the_open_cases_are_meant(town: Town, walked: dict[str, str], query: dict[str, str]) -> None:
    found = listed(town, **query)
    assert walked["handling"] in found
    assert walked["reported"] not in found
    with town.work() as (session, _):
        assert listing._category(session, CaseQuery(**query)) is True  # type: ignore[arg-type]
        assert listing._category(session, CaseQuery(state="closed")) is False
        assert listing._category(session, CaseQuery(state="nonesuch")) is None
        assert listing._category(session, CaseQuery(filter='state == "closed" or version > 1')) is None


def test_only_running_limits_are_listed_by_their_end(town: Town, walked: dict[str, str]) -> None:
    assert walked["handling"] in listed(town, sort="due_at")
    assert walked["handling"] not in listed(town, sort="due_at", open=False)
