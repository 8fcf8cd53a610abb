"""Finding cases by place and by title: through the index, and never another agency's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from core.accounts.models import Agency
from core.authz import Actor, Grant
from core.db.engine import Database, set_agency
from core.db.uow import unit_of_work
from core.lib.errors import Invalid
from core.workflow.permissions import CaseRight
from core.workflow.service import listing
from core.workflow.service.listing import CaseQuery

NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
FEW = 10
CLOSED, OPEN = 8_000, 2_000

_DEFINITION = """
INSERT INTO definition (agency_id, kind, key, version, status, content, checksum, origin, created_at, published_at)
VALUES (NULL, 'workflow', :key, 1, 'retired', '{}', :key, 'test', now(), now()) RETURNING id
"""
_CASES = """
INSERT INTO cases (agency_id, uuid, number, workflow, definition_id, title, state, category, located, lon, lat, xy, data,
                   state_entered_at, reported_at, closed_at)
SELECT :agency, gen_random_uuid(), CAST(:prefix AS text) || n, 'test.case', :definition,
       (ARRAY['路面破损', '暴露垃圾', '井盖丢失', '占道经营'])[1 + n % 4], 'filed', CAST(:category AS varchar), 'outside', 116.4, 39.9,
       point((n % 200) * 40, (n / 200) * 40), '{}', CAST(:at AS timestamptz), CAST(:at AS timestamptz) - make_interval(mins => n),
       CASE WHEN CAST(:category AS varchar) = 'closed' THEN CAST(:at AS timestamptz) END
FROM generate_series(1, :count) AS n
"""
_ONE = """
INSERT INTO cases (agency_id, uuid, number, workflow, definition_id, title, state, category, located, xy, data, state_entered_at,
                   reported_at, closed_at)
VALUES (:agency, gen_random_uuid(), CAST(:number AS varchar), 'test.case', :definition, :title, 'filed', CAST(:category AS varchar), 'outside', point(4000.0, 4000.0), '{}', CAST(:at AS timestamptz),
        :reported, CASE WHEN CAST(:category AS varchar) = 'closed' THEN CAST(:at AS timestamptz) END)
"""


@pytest.fixture(scope="module")
def archive(database: Database, agencies: tuple[Agency, Agency]) -> SimpleNamespace:
    """Two agencies with as many cases each in the same places, few of them open."""
    ids = [agency.id for agency in agencies]
    with database.owner_engine.begin() as owner:
        definition = owner.execute(text(_DEFINITION), {"key": f"test.case_{uuid4().hex[:8]}"}).scalar_one()
        for agency in ids:
            given = {"agency": agency, "definition": definition, "at": NOON}
            owner.execute(text(_CASES), given | {"prefix": "H", "category": "closed", "count": CLOSED})
            owner.execute(text(_CASES), given | {"prefix": "P", "category": "open", "count": OPEN})
            for number, title, category, reported in (
                ("20260318-000001", "雕塑破损 100%_a", "open", NOON - timedelta(days=40)),
                ("20260317-000002", "雕塑丢失", "closed", NOON - timedelta(hours=3)),
                ("20260316-000003", "Ä雕塑", "closed", NOON - timedelta(days=30)),
                ("20260315-000004", "鼎", "closed", NOON - timedelta(days=31)),
            ):
                owner.execute(text(_ONE), given | {"number": number, "title": title, "category": category, "reported": reported})
        # What autovacuum does: until then new entries wait in a list that has to be read whole, and the planner fears it.
        owner.execute(text("SELECT gin_clean_pending_list('ix_cases_title_search')"))
        owner.execute(text("ANALYZE cases"))
    return SimpleNamespace(database=database, ours=ids[0], theirs=ids[1])


def entries_read(connection: Connection) -> dict[str, int]:
    """Count the entries that this connection has read of each index and not yet reported."""
    names = ("ix_cases_open_position", "ix_cases_title_search", "ix_cases_newest")
    count = text("SELECT pg_stat_get_xact_tuples_returned(CAST(:name AS regclass))")
    return {name: connection.execute(count, {"name": name}).scalar_one() for name in names}


def found(archive: SimpleNamespace, agency: int | None, sql: str) -> tuple[list[str], dict[str, int]]:
    """Run a query as the application; give the numbers of what it named and how many entries were read of each index."""
    with archive.database.app_engine.connect() as connection, connection.begin():
        set_agency(connection, agency)
        before = entries_read(connection)
        ids = list(connection.scalars(text(sql), {"since": NOON - timedelta(hours=24)}))
        read = {name: count - before[name] for name, count in entries_read(connection).items()}
    with archive.database.owner_engine.connect() as owner:
        rows = owner.execute(text("SELECT agency_id, number FROM cases WHERE id = ANY(:ids)"), {"ids": ids}).all()
    assert {row.agency_id for row in rows} <= {agency}
    return sorted(row.number for row in rows), read


NEAR = "SELECT case_ids_near(point(4000, 4000), 50, :since)"
TITLED = "SELECT case_ids_titled('雕塑', 100)"


def test_near_cases_are_found_through_the_index(archive: SimpleNamespace) -> None:
    numbers, read = found(archive, archive.ours, NEAR)
    assert numbers == ["20260317-000002", "20260318-000001"]
    assert 0 < read["ix_cases_open_position"] < FEW
    assert 0 < read["ix_cases_newest"] < CLOSED


def test_place_written_plainly_is_not_looked_up_under_the_policies(archive: SimpleNamespace) -> None:
    plain = "SELECT id FROM cases WHERE category = 'open' AND xy <@ circle(point(4000, 4000), 50) AND :since IS NOT NULL"
    numbers, read = found(archive, archive.ours, plain)
    assert numbers == ["20260318-000001"]
    assert read["ix_cases_open_position"] in (0, 2 * OPEN + 2)


def test_two_characters_of_a_title_are_found_through_the_index(archive: SimpleNamespace) -> None:
    numbers, read = found(archive, archive.ours, TITLED)
    assert numbers == ["20260316-000003", "20260317-000002", "20260318-000001"]
    assert 0 < read["ix_cases_title_search"] < FEW


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ("雕", ["20260316-000003", "20260317-000002", "20260318-000001"]),  # at the beginning, and in the middle
        ("塑", ["20260316-000003", "20260317-000002", "20260318-000001"]),
        ("鼎", ["20260315-000004"]),  # the whole title
        ("A", ["20260318-000001"]),
        ("0", ["20260318-000001"]),
        ("鼐", []),
    ],
)
def test_one_character_that_few_titles_have_is_found_through_the_index(archive: SimpleNamespace, wanted: str, numbers: list[str]) -> None:
    in_titles, read = found(archive, archive.ours, f"SELECT case_ids_titled('{wanted}', 100)")
    assert in_titles == numbers
    assert len(numbers) <= read["ix_cases_title_search"] < FEW


def test_one_character_of_many_titles_gives_no_more_than_asked_for(archive: SimpleNamespace) -> None:
    in_titles, _ = found(archive, archive.ours, "SELECT case_ids_titled('路', 100)")
    assert len(in_titles) == 100


@pytest.mark.parametrize("sql", [NEAR, TITLED, "SELECT case_ids_titled('雕', 100)"])
def test_finder_gives_no_case_of_another_agency(archive: SimpleNamespace, sql: str) -> None:
    with archive.database.owner_engine.connect() as owner:
        of_theirs = set(owner.scalars(text("SELECT id FROM cases WHERE agency_id = :agency"), {"agency": archive.theirs}))
    with archive.database.app_engine.connect() as connection, connection.begin():
        set_agency(connection, archive.ours)
        ids = set(connection.scalars(text(sql), {"since": NOON - timedelta(hours=24)}))
    assert ids
    assert not ids & of_theirs


@pytest.mark.parametrize("sql", [NEAR, TITLED, "SELECT case_ids_titled('雕', 100)"])
def test_finder_finds_nothing_without_an_agency(archive: SimpleNamespace, sql: str) -> None:
    assert found(archive, None, sql)[0] == []


@pytest.mark.parametrize("sql", ["case_ids_near(point(1, 1), 9, now())", "case_ids_titled('雕塑', 100)", "case_title_pattern('雕')"])
def test_finder_is_refused_to_other_roles(archive: SimpleNamespace, sql: str) -> None:
    with archive.database.scan_engine.connect() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute(text(f"SELECT {sql}"))


@pytest.mark.parametrize("among_open", [True, False, None])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("雕塑", {"20260318-000001", "20260317-000002", "20260316-000003"}),
        ("塑丢", {"20260317-000002"}),
        ("100%_A", {"20260318-000001"}),
        ("100__", set()),
        ("ä雕", {"20260316-000003"}),
        ("20260318-", {"20260318-000001"}),
        ("0318-", set()),
        ("塑", {"20260318-000001", "20260317-000002", "20260316-000003"}),
        ("鼎", {"20260315-000004"}),
        ("ä", {"20260316-000003"}),
        ("鼐", set()),
        ("%a", set()),
        ("_a", {"20260318-000001"}),
    ],
)
def test_list_finds_part_of_title_and_beginning_of_number(
    archive: SimpleNamespace, wanted: str, expected: set[str], *, among_open: bool | None
) -> None:
    actor = Actor(None, archive.ours, "", "tester", (Grant(str(CaseRight.READ), None, None),), NOON)
    with unit_of_work(archive.database, archive.ours) as session:
        rows, _ = listing.list_cases(session, actor, CaseQuery(text=wanted, open=among_open))
    of_kind = {True: {"20260318-000001"}, False: {"20260317-000002", "20260316-000003", "20260315-000004"}}.get(among_open, expected)
    assert {row.number for row in rows} == expected & of_kind


def listed(archive: SimpleNamespace, **asked: Any) -> set[str]:
    actor = Actor(None, archive.ours, "", "tester", (Grant(str(CaseRight.READ), None, None),), NOON)
    with unit_of_work(archive.database, archive.ours) as session:
        return {row.number for row in listing.list_cases(session, actor, CaseQuery(**asked))[0]}


@pytest.mark.parametrize("wanted", ["%", "_", "\\", "（", " ", "——", "①"])
def test_signs_alone_are_looked_for_among_few_cases_only(archive: SimpleNamespace, wanted: str) -> None:
    with pytest.raises(Invalid) as refused:
        listed(archive, text=wanted)
    assert refused.value.message.key == "workflow.text_of_signs"
    expected = {"20260318-000001"} if wanted in {"%", "_", " "} else set()
    assert listed(archive, text=wanted, open=True) == expected


def test_signs_are_looked_for_where_a_grid_leaves_few_cases(archive: SimpleNamespace) -> None:
    assert listed(archive, text="%", grid="no_such_grid") == set()


def test_one_character_of_many_titles_is_listed_from_the_newest_on(archive: SimpleNamespace) -> None:
    assert len(listed(archive, text="路", limit=10)) == 10
