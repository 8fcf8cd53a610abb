"""What the grid tables need beside columns: who sees and writes them, and who may refer to them.

A scheme is seen by the agency that owns it and by those it is shared with,
and written by its owner alone (an installation's scheme by the owner role);
all other tables here follow the scheme. Under such policies PostgreSQL uses
an index only for operators known not to leak, which those on paths and texts
are not; the two finders run as the owner, look at the visible schemes alone,
and give back ids, which are then read under the policies as ever.

A row of an agency that names a grid of a scheme not shared with it is refused
by a trigger on every table that has an agency and refers to grids.

A change of the land concerns every agency that uses the scheme, and no
transaction may write for two: a trigger leaves each of them its message.
Another one writes down with the scheme which transaction changed its grids
last, so that no process takes an index of the land as it was for today's.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import DDL, Connection, MetaData, Table, event

__all__ = ["CHANGED", "COUNTING", "FINDERS", "TELLING", "after_create", "guard_references", "policies", "shared_grids_only"]

_AGENCY = "(SELECT nullif(current_setting('wangge.agency', true), '')::integer)"
_VISIBLE = "scheme_id IN (SELECT id FROM grid_scheme)"
_OWNED = f"scheme_id IN (SELECT id FROM grid_scheme WHERE owner_agency_id = {_AGENCY})"  # noqa: S608  # constants only

_SHARED_WITH_US = f"id IN (SELECT scheme_id FROM grid_scheme_share WHERE agency_id = {_AGENCY})"  # noqa: S608  # constants only

_POLICIES = {
    "grid_scheme": (
        f"owner_agency_id = {_AGENCY} OR {_SHARED_WITH_US}",
        f"owner_agency_id = {_AGENCY}",
    ),
    # No look at grid_scheme here: its own policy looks at this table.
    "grid_scheme_share": (f"agency_id = {_AGENCY} OR shared_by_id = {_AGENCY}", f"shared_by_id = {_AGENCY}"),
    "grid_level": (_VISIBLE, _OWNED),
    "grid": (_VISIBLE, _OWNED),
    "grid_change": (_VISIBLE, _OWNED),
    "grid_succession": (_VISIBLE, _OWNED),
}

_FINDER = """
CREATE FUNCTION {name}({argument}) RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, public, pg_temp AS $body$
    SELECT grid.id FROM public.grid
    WHERE {condition} AND grid.scheme_id IN (
        SELECT scheme.id FROM public.grid_scheme AS scheme
        WHERE scheme.owner_agency_id = {agency}
        OR EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = {agency}))
$body$;
REVOKE ALL ON FUNCTION {name}({types}) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {name}({types}) TO wangge_app
"""

FINDERS = (
    _FINDER.format(name="grid_ids_within", argument="scope ltree", types="ltree", condition="grid.path <@ scope", agency=_AGENCY),
    _FINDER.format(name="grid_ids_named", argument="pattern text", types="text", condition="grid.search LIKE pattern", agency=_AGENCY),
)
"""`grid_ids_within(path)`: a grid and all below it. `grid_ids_named(pattern)`: by code, name or pinyin, by trigram."""

CHANGED = "grid.changed"
"""The topic of the messages that tell agencies of a split or merge."""

TELLING = f"""
CREATE FUNCTION grid_change_is_told() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    INSERT INTO public.outbox (agency_id, topic, payload, due_at)
    SELECT concerned.agency_id, '{CHANGED}', jsonb_build_object('change', NEW.id), NEW.at
    FROM (
        SELECT scheme.owner_agency_id FROM public.grid_scheme AS scheme WHERE scheme.id = NEW.scheme_id AND scheme.owner_agency_id IS NOT NULL
        UNION
        SELECT share.agency_id FROM public.grid_scheme_share AS share WHERE share.scheme_id = NEW.scheme_id
    ) AS concerned (agency_id);
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION grid_change_is_told() FROM PUBLIC;
CREATE TRIGGER grid_change_is_told AFTER INSERT ON grid_change FOR EACH ROW EXECUTE FUNCTION grid_change_is_told()
"""  # noqa: S608  # constants only
"""A split or merge leaves a message for each agency that uses the scheme."""

# Run as whoever writes the grids: the policies let nobody write them but the scheme's owner.
_COUNT = """
CREATE FUNCTION grid_scheme_land_moves() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    UPDATE public.grid_scheme SET land = pg_current_xact_id()::text::bigint
    WHERE id IN (SELECT changed.scheme_id FROM changed) AND land <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION grid_scheme_land_moves() FROM PUBLIC
"""
_COUNTED = """
CREATE TRIGGER grid_scheme_land_moves_on_{verb} AFTER {verb} ON grid REFERENCING {rows} TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION grid_scheme_land_moves()
"""

COUNTING = ";".join(
    [_COUNT, *(_COUNTED.format(verb=verb, rows=rows) for verb, rows in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")))]
)
"""Every change of grids leaves its transaction's number with their schemes: one that no other state of the land ever had or will have."""

_REFUSAL = """
        RAISE EXCEPTION 'grid % is of a scheme that is not shared with the agency', refused
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = '{table}_{column}_is_shared'"""

_UNSHARED = """
    SELECT grid.id INTO refused
    FROM {rows}
    JOIN public.grid ON grid.id = fresh.{column}
    JOIN public.grid_scheme AS scheme ON scheme.id = grid.scheme_id
    WHERE scheme.owner_agency_id IS DISTINCT FROM fresh.agency_id
    AND NOT EXISTS (SELECT FROM public.grid_scheme_share AS share WHERE share.scheme_id = scheme.id AND share.agency_id = fresh.agency_id)
    LIMIT 1"""

_CHECK = """
CREATE FUNCTION {table}_{column}_is_shared_on_{verb}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE refused bigint;
BEGIN
    {query};
    IF FOUND THEN
        {refusal};
    END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER {table}_{column}_is_shared_on_{verb} AFTER {when} EXECUTE FUNCTION {table}_{column}_is_shared_on_{verb}()
"""

# A bulk load inserts and pays one join; an update nearly never changes the grid, and then pays nothing.
_INSERTED = ("insert", "fresh", 'INSERT ON "{table}" REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT')
_UPDATED = (
    "update",
    "(SELECT NEW.agency_id, NEW.{column}) AS fresh",
    'UPDATE ON "{table}" FOR EACH ROW WHEN ((OLD.agency_id, OLD.{column}) IS DISTINCT FROM (NEW.agency_id, NEW.{column}))',
)


def policies() -> list[str]:
    """Give the statements that put every grid table under its policies."""
    return [statement for table, (seen, owned) in _POLICIES.items() for statement in _secure(table, seen, owned)]


def _secure(table: str, seen: str, owned: str) -> list[str]:
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY owner_all ON {table} TO wangge_owner USING (true) WITH CHECK (true)",
        f"CREATE POLICY seen ON {table} FOR SELECT TO wangge_app USING ({seen})",
        f"CREATE POLICY added ON {table} FOR INSERT TO wangge_app WITH CHECK ({owned})",
        f"CREATE POLICY changed ON {table} FOR UPDATE TO wangge_app USING ({owned}) WITH CHECK ({owned})",
        f"CREATE POLICY removed ON {table} FOR DELETE TO wangge_app USING ({owned})",
    ]


def shared_grids_only(table: str, column: str = "grid_id") -> str:
    """Give the statements that refuse rows of `table` whose `column` names a grid not shared with the row's agency.

    Tables made from the core's metadata get it by themselves; a plugin's
    migration runs it for its own tables.
    """
    names = {"table": table, "column": column}
    checks = []
    for verb, rows, when in (_INSERTED, _UPDATED):
        query = _UNSHARED.format(rows=rows.format(**names), **names)
        checks.append(_CHECK.format(verb=verb, query=query, refusal=_REFUSAL.format(**names), when=when.format(**names), **names))
    return ";".join(checks)


def guard_references(_metadata: MetaData, connection: Connection, *, tables: Sequence[Table], **_: object) -> None:
    """Guard every reference from an agency's table to a grid, right after the tables are created."""
    for table in tables:
        for column in table.columns if "agency_id" in table.columns else ():
            if any(key.target_fullname == "grid.id" for key in column.foreign_keys):
                connection.exec_driver_sql(shared_grids_only(table.name, column.name).replace("%", "%%"))


def after_create(table: Table, *statements: str) -> None:
    """Run statements right after the table is created from the metadata."""
    for statement in statements:
        event.listen(table, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]
