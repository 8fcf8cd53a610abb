"""Finding surveys: those in force, and the version that somebody was asked with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Actor, require
from core.definitions import store
from core.definitions.store import Version
from core.definitions.visibility import is_visible, visible, visible_current
from core.feedback.definition import ANSWER, Survey
from core.feedback.permissions import FeedbackRight
from core.lib.errors import Forbidden
from core.lib.text import msg
from core.workflow.models import Case


@dataclass(frozen=True)
class KnownSurvey:
    """A version of a survey and its id."""

    id: int
    survey: Survey


def in_force(session: Session) -> list[KnownSurvey]:
    """Give every survey of the plugins that are on."""
    return [_known(found) for found in visible(session, store.list_current(session, "survey"))]


def current(session: Session, key: str) -> KnownSurvey:
    """Give the survey in force; raise NotFound, also when its plugin is off."""
    return _known(visible_current(session, "survey", key))


def find_version(session: Session, definition_id: int) -> Survey | None:
    """Give the version that somebody was asked with; None while its plugin is off."""
    found = store.version(session, definition_id)
    return _known(found).survey if is_visible(session, found) else None


def list_surveys(session: Session, actor: Actor) -> Sequence[KnownSurvey]:
    """List the surveys in force for somebody with any of the rights over answers."""
    if not any(actor.is_system or actor.by_right.get(right) for right in FeedbackRight):
        raise Forbidden(msg("authz.no_right", right=FeedbackRight.INVITATION_READ))
    return in_force(session)


def require_rounds(actor: Actor) -> None:
    """Raise Forbidden unless ``actor`` may run rounds, which are drawn over all the land."""
    require(actor, FeedbackRight.ROUND_MANAGE)


def facts_of(case: Case) -> dict[str, Any]:
    """Give what a survey's rules read of a case."""
    return {
        "state": case.state,
        "kind": case.kind,
        "class_code": case.class_code,
        "condition": case.condition,
        "source": case.source,
        "department": case.department_id,
        "reporter": case.reporter_id,
        "is_sub_case": case.parent_id is not None,
        "counts": dict(case.counts),
        "facts": dict(case.data),
    }


def asks_about(survey: Survey, case: Case) -> bool:
    """Say whether a survey asks about this case as it stands: closed so, and fit."""
    after = survey.after
    if after is None or after.workflow != case.workflow or case.state not in after.states:
        return False
    return after.when is None or after.when.truthy(facts_of(case))


def calls_to_reopen(survey: Survey, case: Case, data: dict[str, Any]) -> bool:
    """Say whether an answer calls for its case to be opened again."""
    return survey.reopen is not None and survey.reopen.when.truthy({**facts_of(case), ANSWER: data})


def _known(found: Version) -> KnownSurvey:
    return KnownSurvey(found.id, store.compiled(found))
