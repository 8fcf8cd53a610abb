"""Schemes: making, sharing and finding them. Row-level security decides which ones there are at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Integer, String, Text, case, cast, column, func, insert, select, table
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require_anywhere
from core.db.engine import Database
from core.db.epoch import EpochCache, bump
from core.grid import tree
from core.grid.models import GridLevel, GridScheme, GridSchemeShare
from core.grid.permissions import GridRight
from core.grid.types import Level
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from core.lib.geo import LocalProjection, local_projection
from core.lib.text import Title, msg

__all__ = [
    "LAND",
    "Scheme",
    "create_scheme",
    "list_schemes",
    "owned_scheme",
    "plane_of",
    "scheme_of",
    "schemes_chosen",
    "share_scheme",
    "to_metres",
]

_AGENCY = table(
    "agency",
    column("id", Integer),
    column("key", String),
    column("active", Boolean),
    column("scheme_key", String),
    column("origin_lon"),
    column("origin_lat"),
)

_OURS = cast(cast(func.pg_current_xact_id_if_assigned(), Text), BigInteger)
LAND = case((GridScheme.land.is_distinct_from(_OURS), GridScheme.land)).label("land")
"""The number of the land that a statement reads; NULL while its own transaction has changed that land, and may change it again."""


@dataclass(frozen=True)
class Scheme:
    """A scheme with its levels, as one agency sees it; free of any session."""

    id: int
    key: str
    title: Title
    owner_agency_id: int | None
    origin: tuple[float, float]
    levels: Mapping[str, Level]
    level_ids: Mapping[str, int]
    land: int
    """Number of the land's state: what was worked out from the grids holds while it stays the same."""

    @property
    def level_keys(self) -> dict[int, str]:
        """Give the key of each level by its id."""
        return {number: key for key, number in self.level_ids.items()}


# By acting agency: what one sees another may not.
_schemes: EpochCache[dict[str, Scheme]] = EpochCache()
_agencies: EpochCache[tuple[str | None, LocalProjection]] = EpochCache()


def list_schemes(session: Session, actor: Actor) -> list[Scheme]:
    """List the schemes that the acting agency owns or shares, by key."""
    return [scheme for _, scheme in sorted(_visible(session, actor.agency_id).items())]


def scheme_of(session: Session, actor: Actor, key: str | None = None) -> Scheme:
    """Give a scheme by key; without one the agency's own choice, or the only one there is.

    Raises NotFound for a scheme that is not visible, Invalid when several are
    and the agency has chosen none.
    """
    return _scheme_of(session, actor.agency_id, key)


def schemes_chosen(database: Database) -> Iterator[tuple[int, Scheme]]:
    """Give each agency's id with the scheme of its choice; an agency without one is left out."""
    with database.session(None) as session:
        agencies = session.scalars(select(_AGENCY.c.id).where(_AGENCY.c.active).order_by(_AGENCY.c.id)).all()
    for agency_id in agencies:
        with database.session(agency_id) as session:
            try:
                chosen = _scheme_of(session, agency_id)
            except (NotFound, Invalid):
                continue
        yield agency_id, chosen


def owned_scheme(session: Session, actor: Actor, key: str | None = None) -> Scheme:
    """Give a scheme that the acting agency may change, locked until the transaction ends.

    Raises NotFound when it is not visible and Forbidden when another owns it.
    """
    scheme = scheme_of(session, actor, key)
    if scheme.owner_agency_id != actor.agency_id:
        raise Forbidden(msg("grid.not_the_owner", scheme=scheme.key))
    session.execute(select(GridScheme.id).where(GridScheme.id == scheme.id).with_for_update())
    return scheme


def create_scheme(
    session: Session, actor: Actor, *, key: str, title: Title, levels: Sequence[Mapping[str, Any]], origin: tuple[float, float]
) -> Scheme:
    """Make a scheme owned by the acting agency; `levels` go from the root down: `key, title, code_digits?, code_within?`.

    Raises Conflict when the key is taken, by whomever, and Invalid when the
    levels do not fit each other or the origin is not on the earth.
    """
    require_anywhere(actor, GridRight.MANAGE)
    ranks = _checked_levels(levels)
    _checked_origin(origin)
    made = session.scalar(
        upsert(GridScheme)
        .values(key=tree.root_path(key), title=dict(title), owner_agency_id=actor.agency_id, origin_lon=origin[0], origin_lat=origin[1])
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(GridScheme.id)
    )
    if made is None:
        raise Conflict(msg("grid.scheme_exists", scheme=key))
    rows = [
        {
            "scheme_id": made,
            "key": rank.key,
            "title": dict(rank.title),
            "depth": rank.depth,
            "code_digits": rank.code_digits,
            "code_within": rank.code_within,
        }
        for rank in ranks
    ]
    session.execute(insert(GridLevel), rows)
    bump(session)
    audit.record(session, actor, "grid:scheme:created", subject=f"grid_scheme:{key}", new={"levels": [rank.key for rank in ranks]})
    return scheme_of(session, actor, key)


def share_scheme(session: Session, actor: Actor, key: str, agency_key: str) -> None:
    """Let another agency use a scheme of the acting one; done already, it changes nothing.

    A share is not taken back: the other agency's rows may refer to its grids.
    """
    require_anywhere(actor, GridRight.MANAGE)
    scheme = owned_scheme(session, actor, key)
    agency_id = session.scalar(select(_AGENCY.c.id).where(_AGENCY.c.key == agency_key))
    if agency_id is None or agency_id == actor.agency_id:
        raise Invalid(msg("grid.no_agency_to_share_with", agency=agency_key), path="agency")
    row = {"scheme_id": scheme.id, "agency_id": agency_id, "shared_by_id": actor.agency_id}
    done = session.execute(upsert(GridSchemeShare).values(row).on_conflict_do_nothing().returning(GridSchemeShare.agency_id)).first()
    if done is not None:
        bump(session)
        audit.record(session, actor, "grid:scheme:shared", subject=f"grid_scheme:{key}", new={"agency": agency_key})


def plane_of(session: Session, actor: Actor) -> LocalProjection:
    """Give the plane in which the acting agency's positions are measured."""
    return _agency(session, actor.agency_id)[1]


def to_metres(session: Session, actor: Actor, lon: float, lat: float) -> tuple[float, float]:
    """Give a WGS84 position in metres of the acting agency's plane."""
    return plane_of(session, actor).to_xy(lon, lat)


def _scheme_of(session: Session, agency_id: int, key: str | None = None) -> Scheme:
    visible = _visible(session, agency_id)
    wanted = key or _agency(session, agency_id)[0]
    if wanted is None and len(visible) == 1:
        return next(iter(visible.values()))
    if wanted is None and visible:
        raise Invalid(msg("grid.which_scheme", known=", ".join(sorted(visible))), path="scheme")
    if wanted not in visible:
        raise NotFound(msg("grid.no_scheme", scheme=wanted or "-"))
    return visible[wanted]


def _agency(session: Session, agency_id: int) -> tuple[str | None, LocalProjection]:
    def read() -> tuple[str | None, LocalProjection]:
        chosen = select(_AGENCY.c.scheme_key, _AGENCY.c.origin_lon, _AGENCY.c.origin_lat).where(_AGENCY.c.id == agency_id)
        scheme_key, lon, lat = session.execute(chosen).one()
        return scheme_key, local_projection(lon, lat)

    return _agencies.get(session, agency_id, read)


def _visible(session: Session, agency_id: int) -> dict[str, Scheme]:
    def read() -> dict[str, Scheme]:
        levels: dict[int, list[GridLevel]] = {}
        for level in session.scalars(select(GridLevel).order_by(GridLevel.depth)):
            levels.setdefault(level.scheme_id, []).append(level)
        # A trigger writes the number of the land, so what the session has in memory may be older.
        rows = session.scalars(select(GridScheme).execution_options(populate_existing=True))
        return {row.key: _scheme(row, levels.get(row.id, [])) for row in rows}

    return _schemes.get(session, agency_id, read)


def _scheme(row: GridScheme, levels: Sequence[GridLevel]) -> Scheme:
    ranks = {level.key: Level(level.key, level.title, level.depth, level.code_digits, level.code_within) for level in levels}
    ids = {level.key: level.id for level in levels}
    return Scheme(row.id, row.key, row.title, row.owner_agency_id, (row.origin_lon, row.origin_lat), ranks, ids, row.land)


def _checked_levels(levels: Sequence[Mapping[str, Any]]) -> list[Level]:
    ranks: list[Level] = []
    for depth, given in enumerate(levels):
        rank = Level(
            key=str(given["key"]),
            title=dict(given["title"]),
            depth=depth,
            code_digits=given.get("code_digits"),
            code_within=given.get("code_within"),
        )
        above = {other.key: other for other in ranks}
        if rank.key in above:
            raise Invalid(msg("grid.level_twice", level=rank.key), path=f"levels[{depth}].key")
        if rank.code_within is not None:
            outer = above.get(rank.code_within)
            if outer is None or outer.code_digits is None or rank.code_digits is None or outer.code_digits >= rank.code_digits:
                raise Invalid(msg("grid.level_prefix", level=rank.key, within=rank.code_within), path=f"levels[{depth}].code_within")
        ranks.append(rank)
    if not ranks:
        raise Invalid(msg("grid.no_levels"), path="levels")
    return ranks


def _checked_origin(origin: tuple[float, float]) -> None:
    try:
        local_projection(*origin)
    except ValueError:
        raise Invalid(msg("grid.bad_origin"), path="origin") from None
