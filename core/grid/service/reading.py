"""Reading grids: one, a list, the children of one, by name, and the history of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.orm import Session, defer

from core.authz import Actor, require_anywhere
from core.db.types import LTree
from core.grid.models import Grid, GridChange, GridSuccession
from core.grid.permissions import GridRight
from core.grid.service.naming import like_pattern
from core.grid.service.schemes import Scheme, scheme_of
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.text import msg

__all__ = ["Succession", "Wanted", "children_of", "find_by_codes", "get", "list_grids", "successions_of"]


def get(session: Session, actor: Actor, code: str, *, scheme: str | None = None, retired: bool = False) -> Grid:
    """Give a grid by its code.

    Raises NotFound, and Conflict for a grid that is retired: nothing new may
    be put there. With `retired` it is given all the same, to be looked at.
    """
    grid = _get(session, scheme_of(session, actor, scheme), code)
    if grid.valid_to is not None and not retired:
        raise Conflict(msg("grid.retired", code=code))
    return grid


@dataclass(frozen=True)
class Wanted:
    """Which grids a list is asked for: of a level, below a grid, found by code, name or pinyin; in force or retired."""

    level: str | None = None
    below: str | None = None
    query: str | None = None
    retired: bool = False


def list_grids(
    session: Session, actor: Actor, wanted: Wanted, *, limit: int, after: str | None = None, scheme: str | None = None
) -> Sequence[Grid]:
    """List grids by code.

    Begins behind the code `after`, and gives one row more than `limit` when
    there are more. Raises Invalid for an unknown level and NotFound for an
    unknown grid.
    """
    require_anywhere(actor, GridRight.READ)
    chosen = scheme_of(session, actor, scheme)
    statement = _page(chosen, retired=wanted.retired, limit=limit, after=after)
    if wanted.level is not None:
        statement = statement.where(Grid.level_id == level_id(chosen, wanted.level))
    if wanted.below is not None:
        above = _get(session, chosen, wanted.below)
        # The finders use the indexes that row-level security would keep from plain conditions.
        statement = statement.where(Grid.id.in_(select(func.grid_ids_within(cast(above.path, LTree)))), Grid.id != above.id)
    if wanted.query is not None and wanted.query.strip():
        statement = statement.where(Grid.id.in_(select(func.grid_ids_named(cast(like_pattern(wanted.query), String)))))
    return session.scalars(statement).all()


def children_of(
    session: Session, actor: Actor, code: str, *, scheme: str | None = None, limit: int, after: str | None = None
) -> Sequence[Grid]:
    """List the grids in force right below one, by code; one row more than `limit` when there are more."""
    require_anywhere(actor, GridRight.READ)
    chosen = scheme_of(session, actor, scheme)
    parent = _get(session, chosen, code)
    return session.scalars(_page(chosen, retired=False, limit=limit, after=after).where(Grid.parent_id == parent.id)).all()


def find_by_codes(session: Session, scheme: Scheme, codes: Sequence[str]) -> dict[str, Grid]:
    """Give those of these grids that exist, by code."""
    statement = select(Grid).where(Grid.scheme_id == scheme.id, Grid.code.in_(codes)).execution_options(populate_existing=True)
    return {grid.code: grid for grid in session.scalars(statement)}


class Succession:
    """One step of a grid's history: who came before or after it, when, how and why."""

    def __init__(self, change: GridChange, code: str, *, is_successor: bool) -> None:
        self.kind, self.at, self.reason = change.kind, change.at, change.reason
        self.code, self.is_successor = code, is_successor


def successions_of(session: Session, grid: Grid) -> list[Succession]:
    """List the grids that this one came from and those that came from it, oldest change first."""
    found = []
    for mine, other, is_successor in (
        (GridSuccession.successor_id, GridSuccession.predecessor_id, False),
        (GridSuccession.predecessor_id, GridSuccession.successor_id, True),
    ):
        rows = session.execute(
            select(GridChange, Grid.code)
            .join(GridSuccession, GridSuccession.change_id == GridChange.id)
            .join(Grid, Grid.id == other)
            .where(mine == grid.id)
            .order_by(GridChange.id, Grid.code)
        )
        found += [Succession(change, code, is_successor=is_successor) for change, code in rows]
    return found


def level_id(scheme: Scheme, level: str) -> int:
    """Give the id of a level by its key. Raises Invalid."""
    if level not in scheme.level_ids:
        raise Invalid(msg("grid.no_level", level=level, known=", ".join(scheme.levels)), path="level")
    return scheme.level_ids[level]


def _get(session: Session, scheme: Scheme, code: str) -> Grid:
    # A zero character is no text to PostgreSQL.
    wanted = select(Grid).where(Grid.scheme_id == scheme.id, Grid.code == code.replace("\0", "?"))
    grid = session.execute(wanted).scalar_one_or_none()
    if grid is None:
        raise NotFound(msg("grid.no_grid", code=code))
    return grid


def _page(scheme: Scheme, *, retired: bool, limit: int, after: str | None) -> Select[Grid]:
    in_force = Grid.valid_to.is_not(None) if retired else Grid.valid_to.is_(None)
    # A list shows no land; a polygon of a district is larger than a page of everything else.
    statement = select(Grid).options(defer(Grid.polygon)).where(Grid.scheme_id == scheme.id, in_force).order_by(Grid.code).limit(limit + 1)
    return statement if after is None else statement.where(Grid.code > after)
