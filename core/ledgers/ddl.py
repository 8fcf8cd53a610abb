"""What the record table needs beside columns and indexes: one trigger, and the functions that find by index (see :mod:`core.db.finders`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, text

from core.db.finders import AGENCY, finder

DEPARTMENTS_TRIGGER = """
CREATE FUNCTION record_departments_exist() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE wrong text;
BEGIN
    SELECT one.value INTO wrong
    FROM (SELECT DISTINCT agency_id, departments FROM fresh WHERE departments <> '{}') AS given
    CROSS JOIN LATERAL jsonb_each_text(given.departments) AS one
    LEFT JOIN department ON department.agency_id = given.agency_id AND department.id = one.value::bigint
    WHERE department.id IS NULL
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'department % is none of the agency', wrong USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'fk_record_departments';
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER record_departments_inserted AFTER INSERT ON record
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_departments_exist();
CREATE TRIGGER record_departments_updated AFTER UPDATE ON record
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION record_departments_exist()
"""

_FINDERS = {
    "record_ids_in_box(ledger text, area box)": f"agency_id = {AGENCY} AND ledger_key = ledger AND position <@ area",
    "record_ids_titled(ledger text, pattern text)": f"agency_id = {AGENCY} AND ledger_key = ledger AND title_search LIKE pattern",
    "record_ids_of_department(role text, department bigint)": (
        f"agency_id = {AGENCY} AND record.departments @> jsonb_build_object(role, department)"
    ),
}

# The field's name stands in the statement as a literal, or the expression index would not be found; `format` quotes it.
_VALUED = f"""
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id FROM public.record WHERE agency_id = $1 AND ledger_key = %L AND (data ->> %L) = $2', ledger, field
    ) USING {AGENCY}, wanted;
END
"""  # noqa: S608  # constants only

# By the names that `index_fields` gives, which does the same for all agencies at a sync.
INDEXER = f"""
CREATE FUNCTION record_index_fields() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE wanted record; made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('wangge.record_index_fields'));
    FOR wanted IN
        SELECT DISTINCT ledger.key AS ledger, field.value ->> 'id' AS field, 'ix_record_data_' || left(encode(sha256(
            convert_to(ledger.key, 'UTF8') || decode('00', 'hex') || convert_to(field.value ->> 'id', 'UTF8')), 'hex'), 16) AS name
        FROM public.definition AS ledger
        JOIN public.definition AS form ON form.kind = 'form' AND form.status = 'published' AND form.key = ledger.content ->> 'form'
        CROSS JOIN LATERAL jsonb_array_elements(form.content::jsonb -> 'fields') AS field
        WHERE ledger.kind = 'ledger' AND ledger.status = 'published' AND form.agency_id = {AGENCY}
        AND (ledger.agency_id IS NULL OR ledger.agency_id = {AGENCY})
        AND field.value -> 'index' = 'true' AND field.value -> 'personal' IS DISTINCT FROM 'true' AND NOT field.value ? 'sensitive'
    LOOP
        IF to_regclass('public.' || wanted.name) IS NULL THEN
            EXECUTE format('CREATE INDEX %I ON public.record (agency_id, (data ->> %L)) WHERE ledger_key = %L', wanted.name, wanted.field, wanted.ledger);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $body$;
REVOKE ALL ON FUNCTION record_index_fields() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_index_fields() TO wangge_app
"""  # noqa: S608  # constants only; the statement inside quotes what it is given

SQL: tuple[str, ...] = (
    DEPARTMENTS_TRIGGER,
    *(finder(signature, f"SELECT id FROM public.record WHERE {condition}") for signature, condition in _FINDERS.items()),  # noqa: S608  # as above
    finder("record_ids_valued(ledger text, field text, wanted text)", _VALUED, language="plpgsql"),
    INDEXER,
)
"""Everything to be run by the owner once the table and its policies exist."""


def index_fields(connection: Connection, ledger_key: str, field_ids: Iterable[str]) -> list[str]:
    """Make the expression index of every field in ``field_ids`` that has none yet, as the owner; return the new names.

    An index is partial to its ledger. It is not made concurrently: writers of
    records wait while it is built, about a third of a second for 170,000 rows.
    """
    made = []
    for field in field_ids:
        digest = hashlib.sha256(f"{ledger_key}\0{field}".encode()).hexdigest()[:16]
        name = f"ix_record_data_{digest}"
        known = connection.scalar(text("SELECT to_regclass(:name)"), {"name": name})
        if known is None:
            statement = connection.scalar(
                text(
                    "SELECT format('CREATE INDEX %I ON record (agency_id, (data ->> %L)) WHERE ledger_key = %L', CAST(:name AS text), CAST(:field AS text), CAST(:ledger AS text))"
                ),
                {"name": name, "field": field, "ledger": ledger_key},
            )
            connection.exec_driver_sql(str(statement).replace("%", "%%"))
            made.append(name)
    return made
