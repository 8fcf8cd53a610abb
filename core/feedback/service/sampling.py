"""Rounds of a survey: drawn over the land by a seed, the same from the same seed, with codes that leave once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import Row, cast, func, insert, select, update
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor
from core.db.types import LTree
from core.feedback import links
from core.feedback.definition import Frame, Sample
from core.feedback.models import FeedbackInvitation, SurveyRound
from core.feedback.service import surveys
from core.feedback.service.surveys import KnownSurvey
from core.grid import service as grids
from core.grid.models import Grid
from core.grid.service.reading import level_id
from core.holidays import service as holidays
from core.ledgers.models import Record
from core.lib.errors import Conflict, Invalid, NotFound
from core.lib.ids import uuid7
from core.lib.text import msg

LONGEST, LAST_YEAR = timedelta(days=366), 2199
"""How long a round may last, and the last year that any can end in."""

MOST_ASKED = 200_000
"""So many people or codes one round can ask: fifty in each of 4,000 grids."""


@dataclass(frozen=True)
class Wished:
    """What somebody wants of a round."""

    opens_on: date
    closes_on: date
    wanted: int | None = None
    seed: str | None = None


@dataclass(frozen=True)
class Drawn:
    """One person or one code of a sample: the grid, and the record of the person where there is one."""

    grid_id: int
    record_id: int | None = None


@dataclass(frozen=True)
class Code:
    """One code as it leaves: for which grid, for whom if it is known, and what to type or to scan."""

    grid_code: str
    grid_name: str
    record_code: str | None
    code: str


def create_round(session: Session, actor: Actor, survey_key: str, wished: Wished) -> SurveyRound:
    """Draw a round of a survey.

    Raises Forbidden without the right, NotFound for an unknown survey, Invalid
    for one that has no rounds or for days that are over, Conflict for a second
    round from the same day.
    """
    surveys.require_rounds(actor)
    known = surveys.current(session, survey_key)
    sample = known.survey.sample
    if sample is None:
        raise Invalid(msg("feedback.no_rounds", survey=known.survey.title))
    today = holidays.calendar_for(session, actor.agency_id).local_day(actor.now)
    if wished.closes_on < max(wished.opens_on, today):
        raise Invalid(msg("feedback.round_over"), path="closes_on")
    if wished.closes_on - max(wished.opens_on, today) > LONGEST or wished.closes_on.year > LAST_YEAR:
        raise Invalid(msg("feedback.round_too_long", days=LONGEST.days, year=LAST_YEAR), path="closes_on")
    made = store_round(session, actor, known, wished, at=actor.now)
    _invite(session, actor, made, draw(session, actor, sample, made.seed, wanted=made.wanted))
    return made


def store_round(session: Session, actor: Actor, known: KnownSurvey, wished: Wished, *, at: datetime) -> SurveyRound:
    """Store a round without anybody asked yet, and put it on record; raise Conflict for a second one from the same day."""
    assert known.survey.sample is not None
    key = known.survey.key
    taken = select(SurveyRound.id).where(SurveyRound.survey_key == key, SurveyRound.opens_on == wished.opens_on)
    if session.scalar(taken) is not None:
        raise Conflict(msg("feedback.round_exists", day=wished.opens_on.isoformat()))
    made = SurveyRound(
        agency_id=actor.agency_id,
        uuid=uuid7(),
        survey_key=key,
        definition_id=known.id,
        opens_on=wished.opens_on,
        closes_on=wished.closes_on,
        seed=wished.seed or secrets.token_hex(8),
        wanted=wished.wanted or known.survey.sample.wanted,
        created_at=at,
        created_by_id=actor.user_id,
    )
    session.add(made)
    session.flush()
    what = {"survey": key, "opens_on": made.opens_on.isoformat(), "closes_on": made.closes_on.isoformat(), "seed": made.seed}
    audit.record(session, actor, "feedback:round:drawn", subject=f"survey_round:{made.uuid}", new=what)
    return made


def draw(session: Session, actor: Actor, sample: Sample, seed: str, *, wanted: int) -> list[Drawn]:
    """Draw the sample: the same seed over the same land and register gives the same."""
    scheme = grids.scheme_of(session, actor)
    areas = session.execute(
        select(Grid.id, Grid.path)
        .where(Grid.scheme_id == scheme.id, Grid.level_id == level_id(scheme, sample.level), Grid.valid_to.is_(None))
        .order_by(Grid.code)
    ).all()
    # Not everybody answers: so many more are asked as the survey's own figures say.
    asked = -(-wanted * sample.codes // sample.wanted)
    if len(areas) * asked > MOST_ASKED:
        raise Invalid(msg("feedback.too_many_asked", areas=len(areas), each=asked, most=MOST_ASKED), path="wanted")
    if sample.frame is None:
        return [Drawn(area.id) for area in areas for _ in range(asked)]
    return [Drawn(area.id, record) for area in areas for record in _people(session, sample.frame, area.path, seed, asked)]


def _people(session: Session, frame: Frame, path: str, seed: str, asked: int) -> Iterator[int]:
    """Name the first records of an area in the order that the seed gives them, of those with a telephone."""
    found = session.execute(
        select(Record.id, Record.uuid)
        .join(Grid, Grid.id == Record.grid_id)
        .where(
            Record.ledger_key == frame.ledger,
            Record.retired_at.is_(None),
            Grid.id.in_(select(func.grid_ids_within(cast(path, LTree)))),
            func.coalesce(Record.personal.op("->>")(frame.phone), "") != "",
        )
    ).all()
    ranked = sorted(found, key=lambda row: sha256(f"{seed}{row.uuid}".encode()).digest())
    return (row.id for row in ranked[:asked])


def _invite(session: Session, actor: Actor, made: SurveyRound, sample: Sequence[Drawn]) -> None:
    if not sample:
        raise Invalid(msg("feedback.nobody_drawn"))
    zone = holidays.calendar_for(session, actor.agency_id).zone
    ends = datetime.combine(made.closes_on + timedelta(days=1), time(), zone)
    session.execute(
        insert(FeedbackInvitation),
        [
            {
                "agency_id": actor.agency_id,
                "uuid": uuid7(),
                "survey_key": made.survey_key,
                "definition_id": made.definition_id,
                "round_id": made.id,
                "record_id": one.record_id,
                "grid_id": one.grid_id,
                "created_at": actor.now,
                "expires_at": ends,
            }
            for one in sample
        ],
    )


def get_round(session: Session, actor: Actor, survey_key: str, uuid: UUID) -> SurveyRound:
    """Give one round; raise NotFound when the survey has no such one."""
    surveys.require_rounds(actor)
    surveys.current(session, survey_key)
    found = session.scalar(select(SurveyRound).where(SurveyRound.survey_key == survey_key, SurveyRound.uuid == uuid))
    if found is None:
        raise NotFound(msg("feedback.unknown_round"))
    return found


def list_rounds(session: Session, actor: Actor, survey_key: str) -> Sequence[SurveyRound]:
    """List the rounds of a survey, newest first."""
    surveys.require_rounds(actor)
    surveys.current(session, survey_key)
    return session.scalars(select(SurveyRound).where(SurveyRound.survey_key == survey_key).order_by(SurveyRound.opens_on.desc())).all()


def areas_of(session: Session, made: SurveyRound) -> Sequence[Row[int, str, str, int, int]]:
    """Give how far each grid of a round is: (id, code, name, invited, answered), by code."""
    return session.execute(
        select(Grid.id, Grid.code, Grid.name, func.count().label("invited"), func.count(FeedbackInvitation.used_at).label("answered"))
        .join(FeedbackInvitation, FeedbackInvitation.grid_id == Grid.id)
        .where(FeedbackInvitation.round_id == made.id)
        .group_by(Grid.id, Grid.code, Grid.name)
        .order_by(Grid.code)
    ).all()


def issue_codes(session: Session, actor: Actor, made: SurveyRound, *, grid_code: str | None = None) -> list[Code]:
    """Make the codes of a round, or of one of its grids; they leave this once, for only their digests are kept.

    Raises Conflict when they have left before or the round is over.
    """
    session.execute(select(SurveyRound.id).where(SurveyRound.id == made.id).with_for_update())
    query = (
        select(FeedbackInvitation.id, Grid.code, Grid.name, Record.code.label("record_code"))
        .join(Grid, Grid.id == FeedbackInvitation.grid_id)
        .outerjoin(Record, (Record.agency_id == FeedbackInvitation.agency_id) & (Record.id == FeedbackInvitation.record_id))
        .where(
            FeedbackInvitation.round_id == made.id,
            FeedbackInvitation.token_sha256.is_(None),
            FeedbackInvitation.used_at.is_(None),
            FeedbackInvitation.expires_at > actor.now,
        )
        .order_by(Grid.code, FeedbackInvitation.id)
    )
    if grid_code is not None:
        query = query.where(Grid.code == grid_code)
    rows = session.execute(query).all()
    if not rows:
        raise Conflict(msg("feedback.codes_gone"))
    codes = [links.new_token(links.CODE_SIGNS) for _ in rows]
    session.execute(
        update(FeedbackInvitation),
        [
            {
                "agency_id": actor.agency_id,
                "id": row.id,
                "token_sha256": links.digest_of(code),
                "sent_via": "sheet",
                "sent_at": actor.now,
            }
            for row, code in zip(rows, codes, strict=True)
        ],
    )
    made.codes_issued_at = actor.now
    audit.record(session, actor, "feedback:codes:issued", subject=f"survey_round:{made.uuid}", new={"codes": len(rows), "grid": grid_code})
    return [Code(row.code, row.name, row.record_code, code) for row, code in zip(rows, codes, strict=True)]
