"""The shared vectors in PostgreSQL, over JSONB and over typed columns; and what SQL must never do."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Integer, MetaData, Numeric, Table, Text, Uuid, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from core.db.rules_sql import filter_sql, to_sql
from core.db.types import UTCDateTime
from core.rules import RuleError, evaluate, parse
from tests.core.rules.test_parse import trees
from tests.core.rules.test_vectors import DATA, VECTORS, alike, day_of

TODAY = date(2026, 3, 18)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
"""In doubles PostgreSQL refuses an overflow where the others give null; such numbers are left out."""
NOON = datetime(2026, 3, 18, 4, tzinfo=UTC)
METADATA = MetaData()
THINGS = Table(
    "rule_thing",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("data", JSONB),
    Column("rooms", Integer),
    Column("area", Numeric),
    Column("name", Text),
    Column("closed", Boolean),
    Column("found_on", Date),
    Column("due_at", UTCDateTime),
    Column("tags", ARRAY(Text)),
    Column("weight", Double),
    Column("ref", Uuid),
    prefixes=["TEMPORARY"],
)
DOCUMENTS = {name: number for number, name in enumerate(DATA, 1)}
TYPED = {"id": 100, "rooms": 4, "area": Decimal("2.5"), "name": "老字号餐馆", "closed": False, "found_on": date(2026, 2, 20)}


@pytest.fixture
def things(connection):
    METADATA.create_all(connection)
    rows = [{"id": number, "data": DATA[name]} for name, number in DOCUMENTS.items()]
    for row in [*rows, {**TYPED, "due_at": NOON, "weight": 2.5, "ref": UUID(int=7), "tags": ["gas", "fire"]}, {"id": 101}]:
        connection.execute(insert(THINGS).values(row))
    return connection


def by_path(name):
    column = THINGS.c.data
    for part in name.split("."):
        column = column[part]
    return column


def by_column(name):
    return THINGS.c[name]


def test_vectors_in_postgresql_give_expected_values(things):
    wrong = []
    for vector in VECTORS:
        if not vector["sql"]:
            continue
        tree, here, day = vector["tree"], THINGS.c.id == DOCUMENTS[vector["data"]], day_of(vector)
        given = things.execute(select(to_sql(tree, by_path, today=day)).where(here)).scalar_one()
        holds = things.execute(select(THINGS.c.id).where(here, filter_sql(tree, by_path, today=day))).first() is not None
        given = float(given) if isinstance(given, Decimal) else given
        close = isinstance(given, float) and not isinstance(vector["gives"], bool) and given == pytest.approx(vector["gives"], rel=1e-15)
        if not (close or alike(vector["gives"], given)) or holds is not bool(vector["gives"]):
            wrong.append(f"{vector['text']}: wanted {vector['gives']!r}, got {given!r}, holds {holds}")
    assert wrong == []


def test_vectors_not_for_sql_are_refused_by_name():
    for vector in VECTORS:
        if not vector["sql"]:
            with pytest.raises(RuleError, match="cat"):
                to_sql(vector["tree"], by_path)


@pytest.mark.parametrize(
    ("rule", "full", "empty"),
    [
        ("rooms > 3", True, False),
        ("rooms > 3.5 and area == 2.5", True, False),
        ("3 < rooms", True, False),
        ("not (rooms > 3)", False, True),
        ("rooms / 8", 0.5, None),
        ("rooms + area", 6.5, None),
        ("rooms == area", False, True),
        ("rooms > area", True, False),
        ("rooms == '4'", False, False),
        ("rooms != null", True, False),
        ("rooms in [1, 4]", True, False),
        ("name == '老字号餐馆'", True, False),
        ("name != 'x'", True, True),
        ("name in ['甲', '老字号餐馆']", True, False),
        ("name not in ['甲']", True, True),
        ("starts_with(name, '老')", True, False),
        ("contains(name, '字')", True, False),
        ("name > 3", False, False),
        ("name < '龥'", True, False),
        ("len(name) == 5", True, False),
        ("closed == false", True, False),
        ("closed", False, None),
        ("not closed", True, True),
        ("closed == 0", False, False),
        ("found_on < '2026-03-01'", True, False),
        ("found_on == '2026-02-20'", True, False),
        ("found_on == 'soon'", False, False),
        ("found_on >= today()", False, False),
        ("days_between(found_on, today())", 26, None),
        ("days_between(found_on, due_at)", 26, None),
        ("add_days(found_on, 30)", "2026-03-22", None),
        ("due_at < '2026-03-18T13:00:00+08:00'", True, False),
        ("due_at > '2026-03-18'", True, False),
        ("due_at == '2026-03-18T04:00:00Z'", True, False),
        ("due_at > found_on", True, False),
        ("due_at == found_on", False, True),
        ("due_at == due_at", True, True),
        ("due_at > due_at", False, False),
        ("due_at == 3", False, False),
        ("due_at == 'soon'", False, False),
        ("due_at > 'soon'", False, False),
        ("due_at", NOON, None),
        ("weight > 2", True, False),
        ("ref == '0c3e'", False, False),
        ("len(ref)", 36, 0),
        ("name == due_at", False, True),
        ("'gas' in tags", True, False),
        ("any(tags, item == 'fire')", True, False),
        ("len(tags)", 2, 0),
        ("is_empty(name)", False, True),
        ("is_empty(tags)", False, True),
        ("coalesce(rooms, 7)", 4, 7),
        ("coalesce(rooms, name)", 4, None),
        ("if(rooms > 3, name, 'small')", "老字号餐馆", "small"),
        ("if(rooms > 3, name, rooms)", "老字号餐馆", None),
        ("max(rooms, area)", 4, None),
    ],
)
def test_typed_columns_give_the_same_meaning(things, rule, full, empty):
    query = select(to_sql(parse(rule), by_column, today=TODAY)).order_by(THINGS.c.id).where(THINGS.c.id >= 100)
    given = [float(value) if isinstance(value, Decimal) else value for value in things.execute(query).scalars()]
    assert [full, empty] == given


def test_loops_see_their_own_row_of_the_table_alone(things):
    """Inner queries reach past those between them, and never make a table of their own beside the outer one."""
    for rule in (
        "any([1], any([2], data.rooms == 4))",
        "count([1], data.rooms == 4) == 1",
        "'x' in each([1], if(data.rooms == 4, 'x', 'y'))",
    ):
        query = select(THINGS.c.id).where(THINGS.c.id >= 100, filter_sql(parse(rule), by_column))
        assert things.execute(query).scalars().all() == [100], rule


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@given(trees(0, 2), st.sampled_from(sorted(DATA)))
def test_any_rule_means_the_same_in_postgresql(things, tree, name):
    assume(not any(0 < abs(float(number)) < 1e-9 or abs(float(number)) > 1e9 for number in NUMBER.findall(json.dumps(tree))))
    try:
        compiled = to_sql(tree, by_path, today=TODAY)
    except RuleError:
        return  # An operator without SQL is refused by name; that has a test of its own.
    wanted = evaluate(tree, DATA[name], today=TODAY)
    with things.begin_nested():
        given_value = things.execute(select(compiled).where(THINGS.c.id == DOCUMENTS[name])).scalar_one()
    assert nearly(wanted, given_value), (wanted, given_value)


def nearly(wanted, given_value):
    if isinstance(wanted, list) and isinstance(given_value, list):
        return len(wanted) == len(given_value) and all(map(nearly, wanted, given_value))
    if isinstance(wanted, int | float) and isinstance(given_value, int | float | Decimal) and not isinstance(wanted, bool):
        return float(given_value) == pytest.approx(wanted, rel=1e-14)
    return alike(wanted, given_value) if not isinstance(wanted, dict) else wanted == given_value


def test_values_are_bound_never_spliced():
    hostile = "x'; DROP TABLE rule_thing; --"
    for rule in (f"name == {json.dumps(hostile)}", f"starts_with(name, {json.dumps(hostile)})", f"contains(name, {json.dumps(hostile)})"):
        compiled = select(THINGS.c.id).where(filter_sql(parse(rule), by_column)).compile(dialect=postgresql.dialect())
        assert "DROP" not in str(compiled)
        assert any("DROP" in str(value) for value in compiled.params.values())


def test_names_come_from_the_caller_alone():
    with pytest.raises(KeyError):
        filter_sql(parse("pg_sleep > 3"), by_column)


def test_today_missing_is_refused():
    with pytest.raises(RuleError, match="present day"):
        to_sql(parse("today()"), by_column)


def test_filter_uses_the_index_of_a_plain_column(things):
    things.execute(
        text("INSERT INTO rule_thing (id, rooms, area, found_on) SELECT g, g, g, date '2020-01-01' + g FROM generate_series(200, 5000) g")
    )
    for column in ("rooms", "area", "found_on"):
        things.execute(text(f"CREATE INDEX ON rule_thing ({column})"))
    things.execute(text("ANALYZE rule_thing"))
    for rule in ("rooms == 777", "area > 4990.5", "rooms == 5 and name == 'x'", "found_on == '2021-01-01'", "rooms in [1, 4]"):
        query = select(THINGS.c.id).where(filter_sql(parse(rule), by_column))
        statement = query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
        plan = things.execute(text(f"EXPLAIN {str(statement).replace('%%', '%')}")).scalars().all()
        assert any("Index" in line for line in plan), (rule, plan)
