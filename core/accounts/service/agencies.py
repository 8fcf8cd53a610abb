"""Agencies: making, changing and closing the tenants of the installation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Integer, Select, String, column, select, table
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.accounts.permissions import AccountRight
from core.accounts.service.changes import Change, apply
from core.authz import Actor
from core.db import epoch
from core.db.base import User
from core.db.engine import set_agency
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound
from core.lib.text import Title, msg

_KEY = re.compile(r"^[a-z][a-z0-9_]{1,59}$")
_SCHEME = table("grid_scheme", column("id", Integer), column("key", String))


def create_agency(
    session: Session,
    key: str,
    title: Title,
    *,
    origin: tuple[float, float],
    time_zone: str = "Asia/Shanghai",
    scheme_key: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Agency:
    """Make a tenant. ``origin`` is the (longitude, latitude) around which its land is measured.

    Nobody is asked for a right: callers are ``wangge init``, ``wangge demo``
    and ``founding.found_agency``. Raises Invalid for a bad key, origin or zone and
    Conflict for a key in use.
    """
    if not _KEY.match(key):
        raise Invalid(msg("accounts.bad_key", name=key), path="key")
    lon, lat = _checked_origin(*origin)
    if session.scalar(select(Agency.id).where(Agency.key == key)) is not None:
        raise Conflict(msg("accounts.key_in_use", name=key))
    agency = Agency(
        key=key,
        title=dict(title),
        origin_lon=lon,
        origin_lat=lat,
        time_zone=_checked_zone(time_zone),
        scheme_key=scheme_key,
        settings=dict(settings or {}),
    )
    session.add(agency)
    session.flush()
    epoch.bump(session)
    return agency


def get_agency(session: Session, key: str) -> Agency:
    """Give an agency by its key; raise NotFound."""
    agency = session.execute(select(Agency).where(Agency.key == key)).scalar_one_or_none()
    if agency is None:
        raise NotFound(msg("accounts.no_such_agency"))
    return agency


def visible_agencies(session: Session, actor: Actor) -> Select[Agency]:
    """Select the acting agency; every one for an administrator of the installation."""
    query = select(Agency)
    return query if is_installation_admin(session, actor) else query.where(Agency.id == actor.agency_id)


def get_visible_agency(session: Session, actor: Actor, key: str) -> Agency:
    """Give an agency that the actor may see; raise NotFound for any other."""
    agency = session.execute(visible_agencies(session, actor).where(Agency.key == key)).scalar_one_or_none()
    if agency is None:
        raise NotFound(msg("accounts.no_such_agency"))
    return agency


def update_agency(session: Session, actor: Actor, agency: Agency, changes: Mapping[str, Any], *, version: int) -> Agency:
    """Change an agency's title, settings, map origin or zone; its own administrators may, and the installation's."""
    if agency.id != actor.agency_id or not actor.may(AccountRight.AGENCY_UPDATE):
        require_installation_admin(session, actor)
    if "time_zone" in changes:
        _checked_zone(changes["time_zone"])
    if changes.get("scheme_key") not in (None, agency.scheme_key):
        _check_scheme(session, actor, agency, changes["scheme_key"])
    _checked_origin(changes.get("origin_lon", agency.origin_lon), changes.get("origin_lat", agency.origin_lat))
    return apply(session, actor, agency, Change("accounts:agency:updated", f"agency:{agency.key}", changes, version))


def set_agency_active(session: Session, actor: Actor, agency: Agency, *, active: bool) -> Agency:
    """Close or open an agency: closed, nobody can act for it, and nothing is lost."""
    require_installation_admin(session, actor)
    if not active and agency.id == actor.agency_id:
        raise Conflict(msg("accounts.own_agency"))
    action = "accounts:agency:activated" if active else "accounts:agency:deactivated"
    return apply(session, actor, agency, Change(action, f"agency:{agency.key}", {"active": active}, None))


def is_installation_admin(session: Session, actor: Actor) -> bool:
    """Say whether the actor may make and close agencies."""
    if actor.is_system:
        return True
    return actor.user_id is not None and bool(session.scalar(select(User.is_installation_admin).where(User.id == actor.user_id)))


def require_installation_admin(session: Session, actor: Actor) -> None:
    """Raise Forbidden unless the actor administers the installation."""
    if not is_installation_admin(session, actor):
        raise Forbidden(msg("accounts.installation_admin_only"))


@contextmanager
def acting_for(session: Session, agency: Agency, *, back_to: int | None) -> Iterator[None]:
    """Let the transaction see and write the rows of another agency for a while, then those of `back_to` again."""
    with session.begin_nested():  # An error takes the change of agency back with everything else.
        set_agency(session.connection(), agency.id)
        yield
        session.flush()
        set_agency(session.connection(), back_to)


def _check_scheme(session: Session, actor: Actor, agency: Agency, key: str) -> None:
    """Refuse a scheme that the agency itself does not see: every map and every report would miss its land."""
    with acting_for(session, agency, back_to=actor.agency_id):
        found = session.scalar(select(_SCHEME.c.id).where(_SCHEME.c.key == key))
    if found is None:
        raise Invalid(msg("accounts.unknown_scheme", scheme=key), path="scheme_key")


def _checked_origin(lon: float, lat: float) -> tuple[float, float]:
    if not (-180 <= lon <= 180 and -85 <= lat <= 85):
        raise Invalid(msg("accounts.bad_origin"), path="origin_lon")
    return lon, lat


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(msg("accounts.bad_zone", zone=name), path="time_zone") from None
    return name
