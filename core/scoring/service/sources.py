"""From what the numbers are made: the live facts as far as they are known, or frozen facts as they were; and when it is where the agency is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.authz import Actor
from core.db.epoch import EpochCache
from core.facts.service import known_until
from core.scoring.periods import Period
from core.scoring.service.naming import LIVE, Tables
from core.scoring.types import EMPTY

_zones: EpochCache[ZoneInfo] = EpochCache()
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Source:
    """What is counted and by which definitions; as it stands now, unless something frozen is given.

    ``parameters`` are those of the tables' own conditions, such as which
    snapshot; tables of one ``name`` differ in nothing else. ``formula`` names
    the versions of the definitions by ``kind:key``.
    """

    name: str = "live"
    tables: Tables = LIVE
    parameters: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    formula: Mapping[str, int] | None = None
    as_of: datetime | None = None


NOW = Source()


@dataclass(frozen=True)
class Window:
    """A period where the agency is, and up to when its facts count."""

    period: Period
    starts_at: datetime
    ends_at: datetime
    as_of: datetime

    @property
    def until(self) -> datetime:
        """The first instant that does not count any more."""
        return min(self.ends_at, self.as_of + _TICK)

    def parameters(self, actor: Actor, source: Source) -> dict[str, Any]:
        """Give the parameters of every statement over facts."""
        return {
            **source.parameters,
            "agency": actor.agency_id,
            "starts_at": self.starts_at,
            "until": self.until,
            "as_of": self.as_of,
            "first_day": self.period.starts_on.isoformat(),
            "last_day": self.period.ends_on.isoformat(),
        }


def window_of(session: Session, period: Period, source: Source = NOW) -> Window:
    """Give a period as instants of the session's agency, with the instant up to which everything is known."""
    starts_at, ends_at = period.bounds(zone_of(session))
    return Window(period, starts_at, ends_at, source.as_of or known_until(session))


def zone_of(session: Session) -> ZoneInfo:
    """Give the time zone of the session's agency."""
    agency_id = getattr(session, "agency_id", None)
    return _zones.get(
        session, agency_id, lambda: ZoneInfo(session.execute(select(Agency.time_zone).where(Agency.id == agency_id)).scalar_one())
    )
