"""The scope of a right: the same rule as a yes/no and as a SQL filter.

A scope is a union of grants. A grant at a grid reaches that grid and all below
it; at a department likewise; at both, where the two meet. No grant, no rows.
The paths are resolved when asked, so a reorganisation needs no restamping.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    bindparam,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    table,
    true,
)
from sqlalchemy import column as sql_column

from core.authz.actor import Actor, Grant, covers
from core.db.types import LTree
from core.lib.errors import Forbidden
from core.lib.text import msg

Column = SQLColumnExpression[Any]
"""A column of Core or an attribute of a mapped class."""

_DEPARTMENT = table("department", sql_column("id"), sql_column("path", LTree()), sql_column("agency_id"))


@dataclass(frozen=True)
class Scope:
    """Everywhere that the grants of one right reach."""

    grants: tuple[Grant, ...]

    def allows(self, *, grid_path: str | None = None, department_path: str | None = None) -> bool:
        """Say whether a thing at this place is inside."""
        return covers(self.grants, grid_path, department_path)

    def filter(self, grid_id: Column | None = None, department_id: Column | None = None, *, named: bool = False) -> ColumnElement[bool]:
        """Give the condition for rows whose place is in these columns.

        A table without one of the columns passes None for it; a grant that is
        limited by the missing side then reaches none of its rows. With ``named``
        the places are the parameters of :meth:`parameters`, so that a statement
        can be kept for every scope of the same :attr:`shape`.
        """
        conditions = (
            _condition(grant, grid_id, department_id, name=f"scope_{number}" if named else None) for number, grant in enumerate(self.grants)
        )
        return or_(false(), *conditions)

    @property
    def shape(self) -> tuple[tuple[bool, bool], ...]:
        """Say which sides each grant limits: what of the scope decides the text of the condition."""
        return tuple((grant.grid_path is not None, grant.department_path is not None) for grant in self.grants)

    def parameters(self, grids_below: Callable[[str], str]) -> dict[str, str | None]:
        """Give the values of the named parameters of :meth:`filter`; ``grids_below`` gives the ids of a path's grids as an array in text."""
        found: dict[str, str | None] = {}
        for number, grant in enumerate(self.grants):
            found[f"scope_{number}_grid"] = None if grant.grid_path is None else grids_below(grant.grid_path)
            found[f"scope_{number}_department"] = grant.department_path
        return found


def _condition(grant: Grant, grid_id: Column | None, department_id: Column | None, *, name: str | None) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    if grant.grid_path is not None:
        below_grid = _below_grid(grant.grid_path, name)
        parts.append(false() if grid_id is None else grid_id.in_(below_grid))
    if grant.department_path is not None:
        below = select(_DEPARTMENT.c.id).where(
            _DEPARTMENT.c.path.op("<@")(func.text2ltree(_path(grant.department_path, name, "department")))
        )
        parts.append(false() if department_id is None else department_id.in_(below))
    return and_(true(), *parts)


def _below_grid(path: str, name: str | None) -> Select[Any]:
    if name is not None:
        return select(func.unnest(cast(bindparam(f"{name}_grid", type_=Text), ARRAY(BigInteger))))
    # A function of the grid package: under row-level security PostgreSQL would not use the index of paths.
    return select(func.grid_ids_within(func.text2ltree(literal(path, Text))))


def _path(path: str, name: str | None, side: str) -> ColumnElement[str]:
    return literal(path, Text) if name is None else bindparam(f"{name}_{side}", type_=Text)


def scope(actor: Actor, right: str) -> Scope:
    """Give the scope of ``right`` for ``actor``."""
    if actor.is_system:
        return Scope((Grant(right),))
    return Scope(actor.by_right.get(right, ()))


def require(actor: Actor, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> None:
    """Raise Forbidden unless ``actor`` holds ``right`` at this place."""
    if not actor.may(right, grid_path=grid_path, department_path=department_path):
        raise Forbidden(msg("authz.no_right", right=right))


def require_anywhere(actor: Actor, right: str) -> None:
    """Raise Forbidden unless ``actor`` holds ``right`` somewhere in the agency."""
    if not (actor.is_system or actor.by_right.get(right)):
        raise Forbidden(msg("authz.no_right", right=right))
