"""The actor: who asks, for which agency, with which grants, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Grant:
    """One right at one place; ``None`` means everywhere in the agency."""

    right: str
    grid_path: str | None = None
    department_path: str | None = None


@dataclass(frozen=True)
class Actor:
    """A user acting for one agency. ``now`` is the time of the whole request."""

    user_id: int | None
    agency_id: int
    agency_key: str
    username: str
    grants: tuple[Grant, ...]
    now: datetime
    locale: str = "zh_CN"
    request_id: str = ""
    roles: frozenset[str] = field(default=frozenset())
    department_id: int | None = None
    is_system: bool = False

    @cached_property
    def by_right(self) -> dict[str, tuple[Grant, ...]]:
        """The grants of each right that the actor holds."""
        found: dict[str, list[Grant]] = {}
        for grant in self.grants:
            found.setdefault(grant.right, []).append(grant)
        return {right: tuple(grants) for right, grants in found.items()}

    def may(self, right: str, *, grid_path: str | None = None, department_path: str | None = None) -> bool:
        """Say whether the actor holds ``right`` for a thing at this grid and department.

        The system actor (timers, seeding) may do everything inside its agency.
        """
        if self.is_system:
            return True
        return covers(self.by_right.get(right, ()), grid_path, department_path)


def covers(grants: Iterable[Grant], grid_path: str | None, department_path: str | None) -> bool:
    """Say whether any of ``grants`` reaches the place; a grant at a place never covers a thing without one."""
    return any(_within(grid_path, grant.grid_path) and _within(department_path, grant.department_path) for grant in grants)


def _within(path: str | None, limit: str | None) -> bool:
    if limit is None:
        return True
    return path is not None and (path == limit or path.startswith(limit + "."))
