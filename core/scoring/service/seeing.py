"""Whose score somebody may see: the rule is over the subject, so that a number never speaks of "the part of it that you may see"."""

from __future__ import annotations

from core.authz import Actor, scope
from core.scoring.permissions import ScoringRight
from core.scoring.types import Subject


def may_see(actor: Actor, subject: Subject) -> bool:
    """Say whether ``actor`` sees the row of ``subject``: areas and bodies in the scope of the right, people by name or oneself."""
    if subject.kind == "person" and subject.special is None:
        if actor.user_id is not None and subject.id == actor.user_id:
            return True
        return scope(actor, ScoringRight.PERSON_READ).allows(department_path=subject.department_path)
    grid_path = subject.path if subject.kind in {"grid", "record"} else None
    return scope(actor, ScoringRight.SCORE_READ).allows(grid_path=grid_path, department_path=subject.department_path)
