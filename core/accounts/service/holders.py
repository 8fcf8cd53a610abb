"""What somebody has in hand: the register of everything that must be passed on when a person leaves or a department ends.

Each package above registers its own kind of work; the lists and the moves
then know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

from core.authz import Actor


@dataclass(frozen=True)
class Holder:
    """Who has it: a member (the user's id) or a department (its id)."""

    kind: Literal["user", "department"]
    id: int


@dataclass(frozen=True)
class OpenItem:
    """One thing in hand, as the list shows it: ``subject`` is ``kind:key``."""

    subject: str
    title: str


Lister = Callable[[Session, Holder, datetime], Sequence[OpenItem]]
Mover = Callable[[Session, Actor, Holder, Holder], int]


@dataclass(frozen=True)
class _Kind:
    lister: Lister
    mover: Mover


_kinds: dict[str, _Kind] = {}


def register_hand_over(name: str, lister: Lister, mover: Mover) -> None:
    """Register a kind of work, such as ``tasks``; two of one name are a mistake (ValueError).

    ``lister(session, holder, now)`` lists what is open; ``mover(session,
    actor, from_holder, to_holder)`` moves all of it and says how much.
    """
    kind = _Kind(lister, mover)
    if _kinds.setdefault(name, kind) != kind:
        raise ValueError(f"hand-over {name!r} is registered already")


def open_work(session: Session, holder: Holder, *, now: datetime) -> Mapping[str, Sequence[OpenItem]]:
    """List what ``holder`` has in hand, by kind."""
    return {name: kind.lister(session, holder, now) for name, kind in _kinds.items()}


def move_work(session: Session, actor: Actor, source: Holder, target: Holder) -> Mapping[str, int]:
    """Move everything from one holder to another of the same sort; give the counts by kind."""
    return {name: kind.mover(session, actor, source, target) for name, kind in _kinds.items()}
