"""The words of the health report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """How well a part is, from good to bad."""

    WELL = "well"
    DEGRADED = "degraded"
    FAILING = "failing"


@dataclass(frozen=True)
class Check:
    """One part of the installation: how it is, and in a few words why."""

    name: str
    condition: Condition
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """Every check, and the worst of them."""

    checks: tuple[Check, ...]

    @property
    def condition(self) -> Condition:
        """Give the worst condition of all."""
        order = list(Condition)
        return max((check.condition for check in self.checks), key=order.index, default=Condition.WELL)
