"""Keep rows of one agency from pointing at another agency's definition version.

A foreign key knows ids only, and row-level security does not apply to it.
Tables made from the core's metadata are guarded by themselves; a plugin's
migration runs ``guard_statements`` for its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, MetaData, Table

_INSERT = """
CREATE OR REPLACE FUNCTION {table}_{column}_guard_insert() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM fresh JOIN public.definition ON definition.id = fresh.{column}
    WHERE definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM fresh.agency_id
  ) THEN
    RAISE EXCEPTION '{table}.{column} names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $body$"""
_UPDATE = """
CREATE OR REPLACE FUNCTION {table}_{column}_guard_update() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM public.definition
    WHERE definition.id = NEW.{column} AND definition.agency_id IS NOT NULL AND definition.agency_id IS DISTINCT FROM NEW.agency_id
  ) THEN
    RAISE EXCEPTION '{table}.{column} names a definition of another agency' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $body$"""
_INSERT_TRIGGER = """
CREATE OR REPLACE TRIGGER {table}_{column}_guard_insert AFTER INSERT ON "{table}"
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION {table}_{column}_guard_insert()"""
_UPDATE_TRIGGER = """
CREATE OR REPLACE TRIGGER {table}_{column}_guard_update BEFORE UPDATE OF {column}, agency_id ON "{table}"
FOR EACH ROW EXECUTE FUNCTION {table}_{column}_guard_update()"""


def guard_statements(table: str, column: str) -> Iterator[str]:
    """Yield the SQL that guards ``column`` of ``table``, which has an ``agency_id``.

    Inserts are checked once a statement, so that a bulk load pays for one
    join; updates only when they set the column.
    """
    for statement in (_INSERT, _UPDATE, _INSERT_TRIGGER, _UPDATE_TRIGGER):
        yield statement.format(table=table, column=column)


def guard_references(_metadata: MetaData, connection: Connection, *, tables: Sequence[Table], **_: object) -> None:
    """Guard every reference from an agency's table to a definition, right after the tables are created."""
    for table in tables:
        for column in table.columns if "agency_id" in table.columns else ():
            if any(key.target_fullname == "definition.id" for key in column.foreign_keys):
                for statement in guard_statements(table.name, column.name):
                    connection.exec_driver_sql(statement.replace("%", "%%"))
