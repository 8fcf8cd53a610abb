"""Raw SQL over the application's own connection: whatever is tried, another agency's rows stay unseen and unchanged."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.base import Base
from tests.journeys.walking import dispatched

OPEN_TABLES = {
    "ab_group": "the kernel's, empty: every right of the product is in tables of ours",
    "ab_group_role": "the kernel's, empty",
    "ab_permission": "the kernel's, empty",
    "ab_permission_view": "the kernel's, empty",
    "ab_permission_view_role": "the kernel's, empty",
    "ab_register_user": "the kernel's, empty",
    "ab_role": "the kernel's, empty",
    "ab_user": "a person may hold roles in several agencies, and signs in before any agency is known",
    "ab_user_group": "the kernel's, empty",
    "ab_user_role": "the kernel's, empty",
    "ab_view_menu": "the kernel's, empty",
    "ab_api_key": "the kernel's, empty: its keys are switched off",
    "agency": "a request finds its agency by key before one is set",
    "auth_session": "read with the sign-in, before any agency is set",
    "configuration_epoch": "one number for the whole installation",
    "second_factor": "a person's, sealed; asked at sign-in, before any agency is set",
    "recovery_code": "a person's, as digests; asked at sign-in, before any agency is set",
    "sign_in_count": "keyed digests of names and addresses; counted before anybody is known",
    "sign_in_record": "who tried to sign in, before any agency is known",
    "heartbeat": "which process lives; nothing of an agency",
    "unsound_plugin": "which installed plugin was left out, and the fault of its files; nothing of an agency",
}
"""Tables that row-level security does not cover, each with its reason."""
DEFINERS = {
    "agency_has_facts": "a trigger that gives a new agency the row that says how far its facts are",
    "grid_ids_within": "indexes on paths are not used under policies; it looks at visible schemes alone",
    "grid_ids_named": "the same for names",
    "grid_change_is_told": "a trigger that tells every agency that shares the land",
    "case_ids_near": "indexes on positions are not used under policies; it names the agency itself",
    "case_ids_titled": "the same for titles",
    "record_index_fields": "adds the fields that an agency's own form wants indexed to the one index; it gives nothing",
    "record_ids_in_box": "indexes on positions are not used under policies; it names the agency itself",
    "record_ids_titled": "the same for titles",
    "record_ids_of_department": "the same for departments",
    "record_ids_valued": "the same for fields of forms",
}
GUARDS = re.compile(r"^\w+_(guard_(insert|update)|is_shared_on_(insert|update))$")
"""Triggers that refuse a reference into what is not the agency's: they must see it in order to refuse it, and they only raise."""


@pytest.fixture(scope="module")
def filled(town, village):
    """Give the town a case with its history, and statistics about everything."""
    number = dispatched(town)
    town.run_outbox()
    with town.database.owner_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return number


@pytest.fixture(params=["village", "none"])
def attacker(request, filled, town, village):
    """A session of the application for the other agency, or for none."""
    with town.database.session(village.agency_id if request.param == "village" else None) as session:
        yield session


def rows(session, sql, **values):
    return session.execute(text(sql), values).all()


def tables_of(session, condition="true"):
    query = f"SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND {condition} ORDER BY 1"
    return [row.relname for row in rows(session, query)]


def readable(session, name):
    return rows(session, "SELECT has_table_privilege(:name, 'SELECT') AS yes", name=f'public."{name}"')[0].yes


def test_every_table_is_under_row_level_security_or_has_a_reason(attacker):
    open_tables = {name for name in tables_of(attacker, "NOT relrowsecurity") if readable(attacker, name)}
    assert open_tables == set(OPEN_TABLES)
    assert tables_of(attacker, "relrowsecurity AND NOT relforcerowsecurity") == []


def test_no_statement_sees_a_row_of_the_town(attacker, town):
    seen = {}
    for table in Base.metadata.sorted_tables:
        for column in ("agency_id", "owner_agency_id"):
            if column in table.c and table.name not in OPEN_TABLES:
                found = rows(attacker, f'SELECT count(*) AS n FROM "{table.name}" WHERE "{column}" = {town.agency_id}')[0].n
                seen.update({table.name: found} if found else {})
    assert seen == {}


def test_no_statement_changes_a_row_of_the_town(attacker, town):
    changed = {}
    for table in Base.metadata.sorted_tables:
        if "agency_id" not in table.c or table.name in OPEN_TABLES:
            continue
        for sql in (
            f'DELETE FROM "{table.name}" WHERE agency_id = :town',
            f'UPDATE "{table.name}" SET agency_id = agency_id WHERE agency_id = :town',
        ):
            try:
                with attacker.begin_nested():
                    count = attacker.execute(text(sql), {"town": town.agency_id}).rowcount
            except DBAPIError as error:
                count = 0 if error.orig.sqlstate == "42501" else error  # append-only tables refuse the statement itself
            changed.update({sql: count} if count else {})
    assert changed == {}


@pytest.mark.parametrize(
    "sql",
    [
        "SET ROLE wangge_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION wangge_owner",
        "ALTER TABLE cases DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON cases USING (true)",
        "ALTER ROLE wangge_app BYPASSRLS",
        "GRANT wangge_owner TO wangge_app",
        "TRUNCATE record",
        "DROP TABLE record",
        "CREATE TABLE public.spy (x int)",
        "CREATE FUNCTION public.spy() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE EXTENSION dblink",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT pg_ls_dir('.')",
        "COPY record TO PROGRAM 'cat'",
        "COPY record TO '/tmp/stolen'",
        "COPY record FROM STDIN",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_authid",
        "SELECT setval('record_id_seq', 1)",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'wangge_owner'",
    ],
)
def test_a_way_round_is_refused(attacker, sql):
    with pytest.raises(DBAPIError) as refused, attacker.begin_nested():
        attacker.execute(text(sql))
    assert refused.value.orig.sqlstate in {"42501", "0A000"}  # insufficient privilege; COPY FROM is no feature of row-level security


def test_row_security_switched_off_sees_nothing_but_an_error(attacker):
    attacker.execute(text("SET LOCAL row_security = off"))
    with pytest.raises(DBAPIError, match="row-level security"), attacker.begin_nested():
        rows(attacker, "SELECT count(*) FROM record")


def test_copy_gives_out_no_row_of_the_town(attacker, town):
    for name in tables_of(attacker, "relrowsecurity"):
        if not readable(attacker, name) or name not in Base.metadata.tables or "agency_id" not in Base.metadata.tables[name].c:
            continue
        cursor = attacker.connection().connection.driver_connection.cursor()
        with cursor.copy(f'COPY (SELECT agency_id FROM "{name}") TO STDOUT') as copy:
            assert all(bytes(line).strip() != str(town.agency_id).encode() for line in copy), name


def test_statistics_show_no_value_of_a_guarded_table(attacker):
    guarded = set(tables_of(attacker, "relrowsecurity"))
    assert {
        row.tablename for row in rows(attacker, "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'")
    } & guarded == set()
    for view in ("pg_stats_ext", "pg_stats_ext_exprs"):
        assert rows(attacker, f"SELECT tablename FROM {view} WHERE schemaname = 'public'") == []


def test_statistics_of_indexes_show_no_value(attacker):
    """An index on an expression has statistics of its own, and no policy stands on an index."""
    query = """
        SELECT stats.tablename, stats.attname FROM pg_stats AS stats JOIN pg_class AS index ON index.relname = stats.tablename
        JOIN pg_index ON pg_index.indexrelid = index.oid JOIN pg_class AS "table" ON "table".oid = pg_index.indrelid
        WHERE "table".relrowsecurity"""
    assert rows(attacker, query) == []


def test_a_function_of_ones_own_is_not_run_on_hidden_rows(attacker, town):
    """A cheap function that tells what it is given would tell hidden rows, were it run before the policy."""
    attacker.execute(text("SET LOCAL search_path = pg_temp, public"))
    attacker.execute(
        text("""
        CREATE FUNCTION pg_temp.tell(value bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $body$
        BEGIN PERFORM set_config('spy.seen', coalesce(current_setting('spy.seen', true), '') || ',' || value, true); RETURN true; END $body$""")
    )
    for name in ("case_event", "department", "member", "audit_entry"):
        attacker.execute(text(f"SELECT count(*) FROM public.{name} WHERE pg_temp.tell(agency_id)"))
    seen = rows(attacker, "SELECT current_setting('spy.seen', true) AS told")[0].told or ""
    assert str(town.agency_id) not in seen.split(",")
    attacker.rollback()


def test_every_function_that_runs_as_its_owner_is_known(attacker):
    found = rows(
        attacker,
        "SELECT proname, prorettype::regtype::text AS gives, array_to_string(proconfig, ';') AS config FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    )
    unknown = [row.proname for row in found if row.proname not in DEFINERS and not (row.gives == "trigger" and GUARDS.match(row.proname))]
    assert unknown == []
    assert [row.proname for row in found if "search_path=pg_catalog, public, pg_temp" not in (row.config or "")] == []
    called = [row.proname for row in found if row.gives != "trigger"]
    for name in called:
        open_to_all = rows(
            attacker, "SELECT has_function_privilege('wangge_scan', oid, 'EXECUTE') AS yes FROM pg_proc WHERE proname = :name", name=name
        )
        assert [row.yes for row in open_to_all] == [False], name


def test_finders_that_run_as_owner_find_nothing_of_the_town(attacker, town):
    with town.database.session(town.agency_id) as inside:
        assert rows(inside, "SELECT * FROM grid_ids_within('town')") != [] or rows(inside, "SELECT * FROM grid_ids_named('%')") != []
    for call in (
        "grid_ids_named('%')",
        "grid_ids_within((SELECT path FROM grid LIMIT 1))",
        "record_ids_titled('urban_mgmt.component', '%')",
        "record_ids_in_box('urban_mgmt.component', box '((-1e9,-1e9),(1e9,1e9))')",
        "record_ids_of_department('owner', 1)",
        "record_ids_valued('urban_mgmt.component', 'x'') OR true --', '')",
        "record_ids_valued('x'' OR ''1''=''1', 'x', '')",
    ):
        assert rows(attacker, f"SELECT * FROM {call}") == [], call


def test_a_scheme_cannot_be_shared_with_oneself(attacker, town, village):
    scheme = "SELECT id FROM grid_scheme WHERE key = 'town'"
    with town.database.session(town.agency_id) as inside:
        scheme_id = rows(inside, scheme)[0].id
    assert rows(attacker, scheme) == []
    for giver in (village.agency_id, town.agency_id, None):
        with pytest.raises(DBAPIError), attacker.begin_nested():
            attacker.execute(
                text("INSERT INTO grid_scheme_share (scheme_id, agency_id, shared_by_id) VALUES (:scheme, :mine, :giver)"),
                {"scheme": scheme_id, "mine": village.agency_id, "giver": giver},
            )


def test_no_view_lies_over_a_guarded_table(attacker):
    """A view runs as its owner, whose policy shows everything."""
    assert rows(attacker, "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace") == []


def test_the_scan_role_reads_only_what_is_due(filled, town):
    with town.database.scan_engine.connect() as connection:
        query = text(
            "SELECT table_name, array_agg(column_name::text ORDER BY column_name) AS columns FROM information_schema.column_privileges WHERE grantee = 'wangge_scan' AND table_schema = 'public' GROUP BY 1"
        )
        granted = {row.table_name: set(row.columns) for row in connection.execute(query)}
        allowed = {"agency_id", "id", "due_at", "state", "done_at", "given_up_at", "attempts", "topic", "known_at"}
        assert granted
        assert {name: columns - allowed for name, columns in granted.items() if columns - allowed} == {}
        for sql in ("SELECT payload FROM outbox", "SELECT * FROM cases", "SELECT password FROM ab_user", "DELETE FROM outbox"):
            with pytest.raises(DBAPIError) as refused:
                connection.execute(text(sql))
            assert refused.value.orig.sqlstate == "42501"
            connection.rollback()
