"""Which cards and which published rows somebody may see; of scores as they stand, ``seeing`` says it.

Published rows of areas and bodies are for everybody with the right to
publications: that is what publishing means. Those of people are not.
"""

from __future__ import annotations

from core.authz import Actor
from core.scoring.definition import Scorecard
from core.scoring.permissions import ScoringRight
from core.scoring.service.seeing import may_see
from core.scoring.types import Subject

_OF_PEOPLE = frozenset({"person", "post"})


def may_see_published(actor: Actor, subject: Subject) -> bool:
    """Say whether the actor may see a published row: of people as ever, of all others with the right to publications."""
    return may_see(actor, subject) or (subject.kind not in _OF_PEOPLE and holds(actor, ScoringRight.PUBLICATION_READ))


def may_see_some(actor: Actor, card: Scorecard) -> bool:
    """Say whether there can be a row of a card that the actor may see: whoever is scored by it sees the card."""
    if card.subjects.kind != "person":
        return holds(actor, ScoringRight.SCORE_READ)
    role = card.subjects.role
    return role is None or role in actor.roles or holds(actor, ScoringRight.PERSON_READ) or holds(actor, ScoringRight.SCORE_READ)


def holds(actor: Actor, right: str) -> bool:
    """Say whether the actor holds a right anywhere in the agency."""
    return actor.is_system or right in actor.by_right
