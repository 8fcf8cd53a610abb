"""A dashboard, compiled: its tiles, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.lib.text import Title

NEEDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "count": frozenset({"indicator"}),
        "rate": frozenset({"indicator"}),
        "ranking": frozenset(),
        "trend": frozenset({"series"}),
        "heat": frozenset({"indicator", "level"}),
    }
)
"""What a tile of each kind cannot be without; a ranking has an indicator or a scorecard."""

TAKES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "count": frozenset({"indicator", "compare", "alarm"}),
        "rate": frozenset({"indicator", "compare", "alarm"}),
        "ranking": frozenset({"indicator", "by", "scorecard", "level", "most"}),
        "trend": frozenset({"series", "step"}),
        "heat": frozenset({"indicator", "level"}),
    }
)
"""What a tile of each kind may have beside its key, title, width and period."""

NUMBERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "count": frozenset({"count", "sum"}),
        "rate": frozenset({"rate", "ratio", "mean"}),
        "ranking": frozenset({"count", "sum", "rate", "mean"}),
        "trend": frozenset({"count", "sum", "rate", "mean"}),
        "heat": frozenset({"count", "sum", "rate", "mean"}),
    }
)
"""What kinds of indicator a tile of each kind shows."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Beyond which values a number is an alarm."""

    above: float | None = None
    below: float | None = None

    def rings(self, value: float | None) -> bool:
        """Say whether ``value`` is beyond; no value is no alarm."""
        if value is None:
            return False
        return (self.above is not None and value > self.above) or (self.below is not None and value < self.below)


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile; ``period`` is the dashboard's own unless the tile has another."""

    key: str
    kind: str
    period: str
    title: Title | None = None
    width: int = 1
    indicator: str | None = None
    series: tuple[str, ...] = ()
    scorecard: str | None = None
    level: str | None = None
    by: str | None = None
    most: int = 10
    step: str = "day"
    compare: str | None = None
    alarm: Alarm | None = None

    @property
    def indicators(self) -> tuple[str, ...]:
        """Give every indicator that it shows."""
        return self.series or ((self.indicator,) if self.indicator else ())


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; ``right`` is asked of its viewer beside the one to see dashboards."""

    key: str
    title: Title
    tiles: tuple[Tile, ...]
    right: str | None = None
