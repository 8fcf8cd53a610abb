"""Functions that find rows by index where row-level security would have PostgreSQL read the whole table.

Under row-level security an index serves a condition only when its operator is
known not to leak; ``LIKE``, ``<@`` on points and paths and everything on JSONB
are not. A finder runs as the owner, asks for the agency of the transaction
itself, and gives back ids alone: the rows are then read under the policies as
ever. Without an agency it finds nothing.
"""

from __future__ import annotations

AGENCY = "nullif(current_setting('wangge.agency', true), '')::integer"
"""The agency of the transaction, in SQL; NULL when none is set, which equals nothing."""

_FINDER = """
CREATE FUNCTION {signature} RETURNS SETOF bigint LANGUAGE {language} STABLE SECURITY DEFINER ROWS {rows}
SET search_path = pg_catalog, public, pg_temp AS $body$ {body} $body$;
REVOKE ALL ON FUNCTION {types} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {types} TO wangge_app
"""


def finder(signature: str, body: str, *, language: str = "sql", rows: int = 500) -> str:
    """Give the statements that make a finder of a signature like ``name(first text, second box)``; ``rows`` is what the planner expects."""
    name, _, arguments = signature.rstrip(")").partition("(")
    types = ", ".join(argument.strip().split(" ", 1)[1] for argument in arguments.split(","))
    return _FINDER.format(signature=signature, language=language, rows=rows, body=body.strip(), types=f"{name}({types})")
