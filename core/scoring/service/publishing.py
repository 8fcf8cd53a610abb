"""Publishing: the facts of a period are frozen, the cards scored over what was frozen, and the results kept for good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require
from core.db import outbox
from core.definitions import store
from core.facts.models import FactCase, FactProgress
from core.facts.service import locks
from core.lib.errors import Conflict, Invalid
from core.lib.text import msg
from core.scoring import periods
from core.scoring.definition import INSTANTS
from core.scoring.models import Publication, PublicationResult, Snapshot
from core.scoring.periods import Period
from core.scoring.permissions import ScoringRight
from core.scoring.service.boards import newest_published
from core.scoring.service.formulas import Formula, formula_of
from core.scoring.service.freezing import Moment, freeze, source_of
from core.scoring.service.keeping import kept
from core.scoring.service.scoreboard import scoreboard
from core.scoring.service.sources import zone_of
from core.scoring.types import Asked, Row
from core.workflow.models import Case

SETTLING = timedelta(seconds=60)
"""A step of the period's last second may be committed a moment into the next: nothing is published sooner."""

PUBLISHED = "scoring.published"
"""The topic of the message that has people told of a publication."""

_BATCH = 2_000


@dataclass(frozen=True)
class Preview:
    """What publishing now would freeze, and what may still change it."""

    period: Period
    ends_at: datetime
    as_of: datetime
    refusal: Conflict | None
    appeals: int
    open_cases: int
    published: Sequence[Publication]


def preview(session: Session, actor: Actor, keys: Sequence[str], period: str) -> Preview:
    """Say what publishing these cards for a period would come to; raises Forbidden, NotFound and Invalid as publishing does."""
    require(actor, ScoringRight.PUBLICATION_PUBLISH)
    chosen = periods.parse(period)
    _formula(session, keys, chosen)
    starts_at, ends_at = chosen.bounds(zone_of(session))
    as_of = _progress(session).known_at
    columns = [getattr(FactCase, name) for name in sorted(set(INSTANTS["case"].values()))]
    inside = or_(*((column >= starts_at) & (column < ends_at) for column in columns))
    pending = session.execute(
        select(
            func.count().filter(Case.requests != {}).label("appeals"),
            func.count().filter(Case.category == "open").label("open_cases"),
        )
        .select_from(FactCase)
        .join(Case, (Case.agency_id == FactCase.agency_id) & (Case.id == FactCase.case_id))
        .where(inside)
    ).one()
    published = [found for key in dict.fromkeys(keys) if (found := newest_published(session, key, chosen)) is not None]
    return Preview(chosen, ends_at, as_of, _too_soon(chosen, ends_at, as_of), pending.appeals, pending.open_cases, published)


def publish(session: Session, actor: Actor, keys: Sequence[str], period: str, *, reason: str = "") -> tuple[list[Publication], bool]:
    """Publish cards for a period that is over; give their publications and whether any is new.

    What is published already stays as it is and is given again: asking twice
    publishes once. Raises Conflict before the period is over and everything of
    it is known, Forbidden without the right for the whole agency.
    """
    require(actor, ScoringRight.PUBLICATION_PUBLISH)
    chosen = periods.parse(period)
    keys = list(dict.fromkeys(keys))
    formula = _formula(session, keys, chosen)
    locks.write_alone(session, actor.agency_id)  # nobody follows meanwhile, and nobody else publishes
    known = {key: found for key in keys if (found := newest_published(session, key, chosen)) is not None}
    wanted = [key for key in keys if key not in known]
    if wanted:
        moment = moment_of(session, actor, chosen)
        refusal = _too_soon(chosen, moment.ends_at, moment.as_of)
        if refusal is not None:
            raise refusal
        snapshot = freeze(session, moment, ledgers=ledgers_of(formula))
        rows = scored(session, actor, snapshot, chosen, {key: formula.of_card(key) for key in wanted})
        known |= {key: _publish_card(session, actor, snapshot, chosen, key, formula, rows[key], reason) for key in wanted}
    return [known[key] for key in keys], bool(wanted)


def moment_of(session: Session, actor: Actor, period: Period) -> Moment:
    """Give the period with how far the facts know it; the caller keeps followers away."""
    progress = _progress(session)
    starts_at, ends_at = period.bounds(zone_of(session))
    return Moment(actor.agency_id, starts_at, ends_at, progress.known_at, progress.event_id)


def scored(
    session: Session, actor: Actor, snapshot: Snapshot, period: Period, formulas: Mapping[str, Mapping[str, int]]
) -> dict[str, Sequence[Row]]:
    """Score cards over what a snapshot holds, each by its own versions of the definitions; every row, whoever may see it."""
    whole = replace(actor, is_system=True)
    found: dict[str, Sequence[Row]] = {}
    for key, ids in formulas.items():
        board = scoreboard(session, whole, Asked((key,), period), source_of(snapshot, ids))
        found[key] = board.sheet(key).rows
    return found


def ledgers_of(formula: Formula) -> set[str]:
    """Name the ledgers that cards count, or take targets and adjustments from."""
    found = {indicator.ledger for indicator in formula.indicators.values()}
    for card in formula.cards.values():
        found |= {line.target.ledger for line in card.lines if line.target is not None}
        found |= {card.adjustments.ledger} if card.adjustments else set()
        found |= {card.subjects.ledger}
    return {ledger for ledger in found if ledger is not None}


def store_publication(session: Session, publication: Publication, rows: Sequence[Row]) -> None:
    """Keep a proposed publication with its rows."""
    session.add(publication)
    session.flush()
    values = [
        {"agency_id": publication.agency_id, "publication_id": publication.id, **kept(row, position)} for position, row in enumerate(rows)
    ]
    for begin in range(0, len(values), _BATCH):
        session.execute(insert(PublicationResult), values[begin : begin + _BATCH])


def put_into_force(session: Session, actor: Actor, publication: Publication) -> None:
    """Publish what was proposed: from now on nothing of it changes. It is put on record, and people are told."""
    publication.state = "published"
    publication.published_at = actor.now
    publication.published_by_id = actor.user_id
    session.flush()
    told = {
        "scorecard": publication.scorecard_key,
        "starts_on": publication.starts_on.isoformat(),
        "ends_on": publication.ends_on.isoformat(),
    }
    new = {**told, "revision": publication.revision, "formula": publication.formula_sha256.hex(), "reason": publication.reason}
    audit.record(session, actor, "scoring:publication:published", subject=f"publication:{publication.uuid}", new=new)
    outbox.add(session, PUBLISHED, {"publication_id": publication.id}, agency_id=actor.agency_id, due_at=actor.now)


def formula_kept(session: Session, ids: Mapping[str, int]) -> tuple[dict[str, Any], bytes]:
    """Give the formula as a publication keeps it, each definition by id, version and checksum, and the digest over the checksums."""
    definitions: dict[str, dict[str, Any]] = {}
    for name, number in sorted(ids.items()):
        found = store.version(session, number)
        definitions[name] = {"id": number, "version": found.version, "checksum": found.checksum}
    text = orjson.dumps({name: one["checksum"] for name, one in definitions.items()}, option=orjson.OPT_SORT_KEYS)
    return {"definitions": definitions}, hashlib.sha256(text).digest()


def formula_ids(publication: Publication) -> dict[str, int]:
    """Give the versions that made a publication, by ``kind:key``."""
    return {name: one["id"] for name, one in publication.formula["definitions"].items()}


def period_of(publication: Publication) -> Period:
    """Give the period of a publication."""
    return Period(publication.period_kind, publication.starts_on, publication.ends_on)


def _publish_card(
    session: Session, actor: Actor, snapshot: Snapshot, period: Period, key: str, formula: Formula, rows: Sequence[Row], reason: str
) -> Publication:
    ids = formula.of_card(key)
    text, digest = formula_kept(session, ids)
    publication = Publication(
        agency_id=actor.agency_id,
        snapshot_id=snapshot.id,
        scorecard_key=key,
        definition_id=ids[f"scorecard:{key}"],
        period_kind=period.kind,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        revision=1,
        state="proposed",
        reason=reason.strip(),
        formula=text,
        formula_sha256=digest,
        as_of=snapshot.as_of,
        created_at=actor.now,
        created_by_id=actor.user_id,
    )
    store_publication(session, publication, rows)
    put_into_force(session, actor, publication)
    return publication


def _formula(session: Session, keys: Sequence[str], period: Period) -> Formula:
    formula = formula_of(session, tuple(dict.fromkeys(keys)))
    for key in keys:
        if period.kind not in formula.cards[key].periods:
            known = ", ".join(formula.cards[key].periods)
            raise Invalid(msg("scoring.not_of_period", kind=period.kind, known=known), path="period")
    return formula


def _too_soon(period: Period, ends_at: datetime, as_of: datetime) -> Conflict | None:
    if as_of >= ends_at + SETTLING:
        return None
    return Conflict(msg("scoring.period_not_over", period=period.text, last=period.ends_on.isoformat()))


def _progress(session: Session) -> FactProgress:
    return session.scalars(select(FactProgress).execution_options(populate_existing=True)).one()
