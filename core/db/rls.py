"""Row-level security, grants and append-only tables, as SQL made from what a model says of itself.

``__row_level_security__`` on a model:

- ``True``: rows are seen and written only with their agency set;
- ``"nullable"``: rows without an agency are seen by all and written by the
  owner role alone; rows with one as above.

``__append_only__ = True`` takes UPDATE and DELETE away from the application;
``__grants__ = "SELECT, INSERT, UPDATE"`` names what it may do, where that is
neither this nor everything.
``__scan_columns__ = (…)`` lets the scan role read just these columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Table

from core.db.base import Base

_WRITTEN = "nullif(current_setting('wangge.agency', true), '')::integer"
_AGENCY = f"(SELECT {_WRITTEN})"  # worked out once for all rows that are read; a step writes one row to each of many tables


def statements() -> Iterator[str]:
    """Yield the SQL that secures every table of core, in table order."""
    yield from _schema_grants()
    for table in core_tables():
        yield from secure_table(table, model_of(table.name))


def core_tables() -> Sequence[Table]:
    """Give the tables of core, in table order; those of a plugin that is loaded belong to its own migrations."""
    others = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if not mapper.class_.__module__.startswith(("core.", "flask_appbuilder."))
    }
    return [table for table in Base.metadata.sorted_tables if table.name not in others]


def model_of(table: str) -> type | None:
    """Find the class that is mapped to a table; None for a table between two others."""
    mapped = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__tablename__ == table]
    # Our user stands over Flask-AppBuilder's own, in one table.
    return max(mapped, key=lambda one: len(one.__mro__), default=None)


def secure_table(table: Table, model: type | None) -> Iterator[str]:
    """Yield the grants and policies of one table."""
    name = f'"{table.name}"'
    yield f"GRANT {_grants(table, model)} ON {name} TO wangge_app"
    security = getattr(model, "__row_level_security__", None)
    if security:
        yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY owner_all ON {name} TO wangge_owner USING (true) WITH CHECK (true)"
        yield f"CREATE POLICY own_agency ON {name} TO wangge_app USING (agency_id = {_AGENCY}) WITH CHECK (agency_id = {_WRITTEN})"
        if security == "nullable":
            # For SELECT alone: were it part of own_agency, the application could delete shared rows or take them over.
            yield f"CREATE POLICY shared ON {name} FOR SELECT TO wangge_app USING (agency_id IS NULL)"
    columns = getattr(model, "__scan_columns__", ())
    if columns:
        yield f"GRANT SELECT ({', '.join(columns)}) ON {name} TO wangge_scan"
        if security:
            yield f"CREATE POLICY scan_due ON {name} FOR SELECT TO wangge_scan USING (true)"


def _grants(table: Table, model: type | None) -> str:
    if table.name.startswith("ab_") and not hasattr(model, "__grants__"):
        return "SELECT"  # Flask-AppBuilder's own tables: it reads them, and nothing here writes them.
    if getattr(model, "__append_only__", False):
        return "SELECT, INSERT"
    return getattr(model, "__grants__", "SELECT, INSERT, UPDATE, DELETE")


def _schema_grants() -> Iterator[str]:
    yield "GRANT USAGE ON SCHEMA public TO wangge_app, wangge_scan"
    yield "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO wangge_app"
    yield "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO wangge_app"
