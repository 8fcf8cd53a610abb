"""What a user may do in one agency: the roles held there, as grants, from a cache that every configuration change empties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sqlalchemy import and_, column, select, table
from sqlalchemy.orm import Session

from core.accounts.models import Agency, AgencyRole, Department, Member, RoleAssignment
from core.authz import Actor, Grant
from core.db.base import User
from core.db.engine import set_agency
from core.db.epoch import EpochCache
from core.db.types import LTree
from core.lib.text import Title

_GRID = table("grid", column("id"), column("path", LTree()))


@dataclass(frozen=True)
class Holding:
    """One role held at one place, for a time."""

    role: str
    rights: tuple[str, ...]
    needs_second_factor: bool
    grid_path: str | None
    department_path: str | None
    valid_from: datetime | None
    valid_to: datetime | None

    def holds_at(self, now: datetime, *, second_factor: bool) -> bool:
        """Say whether it counts now, for somebody who has or has not proven a second factor."""
        if self.needs_second_factor and not second_factor:
            return False
        return (self.valid_from is None or self.valid_from <= now) and (self.valid_to is None or now < self.valid_to)


@dataclass(frozen=True)
class Powers:
    """Roles and grants, ready for the actor."""

    roles: frozenset[str]
    grants: tuple[Grant, ...]

    @cached_property
    def by_right(self) -> dict[str, tuple[Grant, ...]]:
        """The actor's own index, made once for all of a user's requests."""
        return Actor(None, 0, "", "", self.grants, datetime.min).by_right  # noqa: DTZ901  # no time is read


@dataclass(frozen=True)
class Standing:
    """A user in one agency: who it is there, and what is held."""

    username: str
    department_id: int | None
    is_member: bool
    holdings: tuple[Holding, ...]
    _ready: dict[bool, Powers] = field(default_factory=dict, repr=False)

    def powers(self, now: datetime, *, second_factor: bool) -> Powers:
        """Give what counts now; made once unless a holding begins or ends at some time."""
        ready = self._ready.get(second_factor)
        if ready is None:
            held = [one for one in self.holdings if one.holds_at(now, second_factor=second_factor)]
            ready = Powers(frozenset(one.role for one in held), _grants(held))
            if not any(one.valid_from or one.valid_to for one in self.holdings):
                self._ready[second_factor] = ready
        return ready

    def wants_second_factor(self, now: datetime) -> bool:
        """Say whether a role held now counts only with a second factor."""
        return any(one.needs_second_factor and one.holds_at(now, second_factor=True) for one in self.holdings)


def _grants(held: Sequence[Holding]) -> tuple[Grant, ...]:
    found = {Grant(right, one.grid_path, one.department_path): None for one in held for right in one.rights}
    return tuple(found)


_cache: EpochCache[Standing] = EpochCache()
_agencies: EpochCache[tuple[tuple[str, Title], ...]] = EpochCache()


def standing_of(session: Session, *, agency_id: int, user_id: int) -> Standing:
    """Give a user's standing in the session's agency."""
    return _cache.get(session, (agency_id, user_id), lambda: _read(session, agency_id, user_id))


def _read(session: Session, agency_id: int, user_id: int) -> Standing:
    who = session.execute(
        select(User.username, Member.department_id, Member.active)
        .outerjoin(Member, and_(Member.user_id == User.id, Member.agency_id == agency_id))
        .where(User.id == user_id)
    ).one()
    is_member = bool(who.active)
    return Standing(who.username, who.department_id, is_member, _read_holdings(session, agency_id, user_id) if is_member else ())


def _read_holdings(session: Session, agency_id: int, user_id: int) -> tuple[Holding, ...]:
    query = (
        select(RoleAssignment, AgencyRole, _GRID.c.path.label("grid_path"), Department.path.label("department_path"))
        .join(AgencyRole, and_(AgencyRole.agency_id == RoleAssignment.agency_id, AgencyRole.id == RoleAssignment.role_id))
        .outerjoin(_GRID, _GRID.c.id == RoleAssignment.grid_id)
        .outerjoin(Department, and_(Department.agency_id == RoleAssignment.agency_id, Department.id == RoleAssignment.department_id))
        .where(RoleAssignment.agency_id == agency_id, RoleAssignment.user_id == user_id, AgencyRole.active)
        .order_by(RoleAssignment.id)
    )
    found = []
    for given, role, grid_path, department_path in session.execute(query):
        # A place that cannot be read must narrow to nothing, never widen to everywhere.
        if (given.grid_id is not None and grid_path is None) or (given.department_id is not None and department_path is None):
            continue
        found.append(
            Holding(role.key, tuple(role.rights), role.requires_second_factor, grid_path, department_path, given.valid_from, given.valid_to)
        )
    return tuple(found)


def agencies_of(session: Session, user_id: int) -> tuple[tuple[str, Title], ...]:
    """List the agencies (key and title) in which a user holds a role.

    No statement may look into two agencies, so each one is asked in turn; the
    cache spares that until the configuration changes.
    """
    return _agencies.get(session, user_id, lambda: _read_agencies(session, user_id))


def _read_agencies(session: Session, user_id: int) -> tuple[tuple[str, Title], ...]:
    connection, acting = session.connection(), getattr(session, "agency_id", None)
    held = (
        select(RoleAssignment.id)
        .join(Member, and_(Member.agency_id == RoleAssignment.agency_id, Member.user_id == RoleAssignment.user_id))
        .where(RoleAssignment.user_id == user_id, Member.active)
        .limit(1)
    )
    found = []
    for agency in connection.execute(select(Agency.id, Agency.key, Agency.title).where(Agency.active).order_by(Agency.key)).all():
        set_agency(connection, agency.id)
        if connection.execute(held.where(RoleAssignment.agency_id == agency.id)).first() is not None:
            found.append((agency.key, agency.title))
    set_agency(connection, acting)
    return tuple(found)


def actor_of(
    standing: Standing,
    *,
    user_id: int,
    agency: tuple[int, str],
    now: datetime,
    second_factor: bool = False,
    locale: str = "zh_CN",
    request_id: str = "",
) -> Actor:
    """Make the actor of a standing."""
    powers = standing.powers(now, second_factor=second_factor)
    actor = Actor(
        user_id,
        agency[0],
        agency[1],
        standing.username,
        powers.grants,
        now,
        locale=locale,
        request_id=request_id,
        roles=powers.roles,
        department_id=standing.department_id,
    )
    # Fills the cached property, so that a request does not index the same grants again.
    vars(actor)["by_right"] = powers.by_right
    return actor


def actor_for(session: Session, *, agency: tuple[int, str], user_id: int, now: datetime, locale: str = "zh_CN") -> Actor:
    """Make the actor that a user would be in ``agency`` (its id and key), for seeding and for tasks run in somebody's name."""
    standing = standing_of(session, agency_id=agency[0], user_id=user_id)
    return actor_of(standing, user_id=user_id, agency=agency, now=now, second_factor=True, locale=locale)


def system_actor(agency: tuple[int, str], *, now: datetime) -> Actor:
    """Make the actor of timers, seeding and the command line: it may do everything inside ``agency`` (its id and key)."""
    return Actor(None, agency[0], agency[1], "system", (), now, is_system=True)
