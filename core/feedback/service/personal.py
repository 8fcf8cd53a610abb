"""What people wrote in their own words: theirs to see and to have erased, found by the number they left with their case."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, literal, null, select, update
from sqlalchemy.orm import Session

from core.accounts.service import digits_of, register_callers
from core.authz import Actor
from core.feedback.models import FeedbackAnswer, FeedbackWords
from core.workflow.models import Case, CasePersonal
from core.workflow.service.personal import register_case_eraser


def export_words(session: Session, digits: str) -> list[dict[str, Any]]:
    """Give what was answered about the cases that this telephone number was left with."""
    rows = session.execute(
        select(Case.number, FeedbackAnswer.id, FeedbackAnswer.answered_at, FeedbackAnswer.data)
        .join(Case, (Case.agency_id == FeedbackAnswer.agency_id) & (Case.id == FeedbackAnswer.case_id))
        .where(_about_cases_of(digits))
        .order_by(FeedbackAnswer.id)
    ).all()
    words: dict[int, dict[str, Any]] = {}
    for one in session.scalars(select(FeedbackWords).where(FeedbackWords.answer_id.in_([row.id for row in rows]))):
        words.setdefault(one.answer_id, {})[one.field] = one.value
    return [{"case": row.number, "answered_at": row.answered_at, "answer": {**row.data, **words.get(row.id, {})}} for row in rows]


def erase_words(session: Session, _actor: Actor, digits: str) -> int:
    """Erase what was written about the cases of this telephone number; the options chosen stay, they say nothing of anybody."""
    return _erase(session, _about_cases_of(digits))


def erase_words_of_case(session: Session, case_id: int) -> int:
    """Erase what was written about one case."""
    return _erase(session, FeedbackAnswer.case_id == case_id)


def _erase(session: Session, which: ColumnElement[bool]) -> int:
    answers = select(FeedbackAnswer.id).where(which)
    gone = session.execute(
        update(FeedbackWords)
        .where(FeedbackWords.answer_id.in_(answers), FeedbackWords.value.is_not(None))
        .values(value=null())
        .returning(FeedbackWords.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _about_cases_of(digits: str) -> ColumnElement[bool]:
    """Give the condition of the answers about cases with a personal value of these digits."""
    written = CasePersonal.value.op("#>>")(literal("{}").cast(ARRAY(Text)))
    return FeedbackAnswer.case_id.in_(select(CasePersonal.case_id).where(digits_of(written) == digits))


register_callers("answers", export_words, erase_words)
register_case_eraser(erase_words_of_case)
