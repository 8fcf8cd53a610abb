"""Later events never touch what is published: they are listed, and a proposed revision beside it shows what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.audit import service as audit
from core.authz import Actor, require
from core.facts.service import locks
from core.lib.errors import Conflict
from core.lib.text import msg
from core.scoring.models import FrozenAnswer, FrozenCase, FrozenHolding, FrozenRecord, FrozenTask, Publication, PublicationResult, Snapshot
from core.scoring.permissions import ScoringRight
from core.scoring.service.attribution import Own
from core.scoring.service.formulas import Formula, formula_of
from core.scoring.service.freezing import changed_since, freeze, lengths_of, source_of
from core.scoring.service.keeping import kept, row_of
from core.scoring.service.publishing import formula_ids, ledgers_of, moment_of, period_of, put_into_force, scored, store_publication
from core.scoring.service.sources import NOW, Source, window_of
from core.scoring.service.tracing import Shares, shares_of
from core.scoring.types import Row
from core.workflow.models import Case, CaseEvent
from core.workflow.service.reading import USER

_FROZEN = (FrozenCase, FrozenHolding, FrozenTask, FrozenAnswer, FrozenRecord)


@dataclass(frozen=True)
class LateStep:
    """One step that came after the scores were frozen."""

    sequence: int
    at: datetime
    verb: str
    actor: str | None


@dataclass(frozen=True)
class LateCase:
    """One case that is no longer as it was when the scores were frozen."""

    id: int
    number: str
    workflow: str
    is_new: bool
    changes_numbers: bool
    steps: Sequence[LateStep]


@dataclass(frozen=True)
class Difference:
    """One subject before and after; a row that is on one side only is None on the other."""

    before: Row | None
    after: Row | None


def newest_of(session: Session, publication: Publication) -> Publication:
    """Give the newest published revision of the same card and period."""
    query = select(Publication).where(*_same(publication), Publication.state == "published")
    return session.scalars(query.order_by(Publication.revision.desc()).limit(1)).one()


def proposal_of(session: Session, publication: Publication) -> Publication | None:
    """Give the proposed revision of the same card and period, if there is one."""
    return session.scalars(select(Publication).where(*_same(publication), Publication.state == "proposed")).one_or_none()


def before_of(session: Session, publication: Publication) -> Publication | None:
    """Give the published revision that comes before a publication; None before the first."""
    query = select(Publication).where(*_same(publication), Publication.state == "published", Publication.revision < publication.revision)
    return session.scalars(query.order_by(Publication.revision.desc()).limit(1)).one_or_none()


def propose_revision(session: Session, actor: Actor, publication: Publication) -> Publication:
    """Score the newest published revision again with what has happened since, by the same formula; the proposal there was goes.

    Raises Conflict when nothing has changed.
    """
    require(actor, ScoringRight.REVISION_PUBLISH)
    locks.write_alone(session, actor.agency_id)
    proposed = propose(session, actor, publication)
    if proposed is None:
        raise Conflict(msg("scoring.nothing_changed"))
    return proposed


def propose(session: Session, actor: Actor, publication: Publication) -> Publication | None:
    """Make the proposal, or take back the one there was when nothing differs any more; the caller keeps followers away."""
    newest = newest_of(session, publication)
    _take_back(session, newest)
    ids, period = formula_ids(newest), period_of(newest)
    formula = formula_of(session, (newest.scorecard_key,), ids)
    frozen = session.get_one(Snapshot, (newest.agency_id, newest.snapshot_id))
    base = frozen if frozen.base_id is None else session.get_one(Snapshot, (newest.agency_id, frozen.base_id))
    snapshot = freeze(session, moment_of(session, actor, period), ledgers=ledgers_of(formula), base=base)
    rows = scored(session, actor, snapshot, period, {newest.scorecard_key: ids})[newest.scorecard_key]
    if numbers_of(rows) == numbers_of(results_of(session, newest)):
        _forget(session, snapshot)
        return None
    proposed = Publication(
        agency_id=newest.agency_id,
        snapshot_id=snapshot.id,
        scorecard_key=newest.scorecard_key,
        definition_id=newest.definition_id,
        period_kind=newest.period_kind,
        starts_on=newest.starts_on,
        ends_on=newest.ends_on,
        revision=newest.revision + 1,
        state="proposed",
        reason="",
        formula=newest.formula,
        formula_sha256=newest.formula_sha256,
        as_of=snapshot.as_of,
        created_at=actor.now,
        created_by_id=actor.user_id,
    )
    store_publication(session, proposed, rows)
    new = {"scorecard": proposed.scorecard_key, "revision": proposed.revision}
    audit.record(session, actor, "scoring:revision:proposed", subject=f"publication:{proposed.uuid}", new=new)
    return proposed


def publish_revision(session: Session, actor: Actor, publication: Publication, *, reason: str) -> Publication:
    """Put a proposed revision into force beside what was published before; raises Conflict when it is none, or no longer the next one."""
    require(actor, ScoringRight.REVISION_PUBLISH)
    locks.write_alone(session, actor.agency_id)
    session.refresh(publication)
    if publication.state != "proposed":
        raise Conflict(msg("scoring.already_published", revision=publication.revision))
    publication.reason = reason.strip()
    put_into_force(session, actor, publication)
    return publication


def results_of(session: Session, publication: Publication) -> list[Row]:
    """Give the rows of a publication, as they were on the board."""
    query = select(PublicationResult).where(PublicationResult.publication_id == publication.id)
    return [row_of(result) for result in session.scalars(query.order_by(PublicationResult.position))]


def late_cases(session: Session, actor: Actor, publication: Publication) -> list[LateCase]:
    """List the cases that have gone on since a publication was frozen, or have newly come into its period, by number."""
    snapshot, ids = _frozen(session, publication)
    moved = {case: (before, now) for case, before, now in changed_since(session, snapshot)}
    return _told(session, actor, publication, moved, (source_of(snapshot, ids), replace(NOW, formula=ids)))


def differing_cases(session: Session, actor: Actor, before: Publication, after: Publication) -> list[LateCase]:
    """List the cases that are not the same in two publications, by number."""
    frozen = [_frozen(session, one) for one in (before, after)]
    old, new = (lengths_of(session, snapshot) for snapshot, _ in frozen)
    moved = {case: (old.get(case), length) for case, length in new.items() if old.get(case) != length}
    sources = [source_of(snapshot, ids) for snapshot, ids in frozen]
    return _told(session, actor, after, moved, (sources[0], sources[1]))


def differences(session: Session, before: Publication, after: Publication) -> list[Difference]:
    """Give every subject whose score, place or numbers differ, in the order of the later publication."""
    rows = [{row.subject.ref: row for row in results_of(session, one)} for one in (before, after)]
    refs = [*rows[1], *(ref for ref in rows[0] if ref not in rows[1])]
    pairs = ((rows[0].get(ref), rows[1].get(ref)) for ref in refs)
    return [Difference(old, new) for old, new in pairs if _number(old) != _number(new)]


def _same(publication: Publication) -> tuple[Any, ...]:
    return (
        Publication.scorecard_key == publication.scorecard_key,
        Publication.starts_on == publication.starts_on,
        Publication.ends_on == publication.ends_on,
    )


def _frozen(session: Session, publication: Publication) -> tuple[Snapshot, Mapping[str, int]]:
    return session.get_one(Snapshot, (publication.agency_id, publication.snapshot_id)), formula_ids(publication)


def _take_back(session: Session, newest: Publication) -> None:
    """Remove the proposal there was, with the facts that were frozen for it."""
    old = proposal_of(session, newest)
    if old is None:
        return
    snapshot = session.get_one(Snapshot, (old.agency_id, old.snapshot_id))
    session.delete(old)
    session.flush()
    _forget(session, snapshot)


def _forget(session: Session, snapshot: Snapshot) -> None:
    for model in _FROZEN:
        session.execute(delete(model).where(model.snapshot_id == snapshot.id))
    session.delete(snapshot)
    session.flush()


def numbers_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Give everything that is a number of rows, by subject."""
    return {row.subject.ref: _number(row) for row in rows}


def _number(row: Row | None) -> Any:
    """Give what is a number of a row: names and places in the list are none."""
    if row is None:
        return None
    whole = kept(row, 0)
    return {name: whole[name] for name in ("lines", "also", "details", "score", "grade", "rank", "is_ranked", "volume")}


def _told(
    session: Session, actor: Actor, publication: Publication, moved: Mapping[int, tuple[int | None, int]], sources: tuple[Source, Source]
) -> list[LateCase]:
    """Write down what happened to each case, and whether it changes a number of the card."""
    if not moved:
        return []
    formula = formula_of(session, (publication.scorecard_key,), formula_ids(publication))
    shares = [_shares(session, actor, publication, formula, source, moved) for source in sources]
    steps = _steps(session, publication.agency_id, moved)
    cases = session.execute(select(Case.id, Case.number, Case.workflow).where(Own(tuple(moved)).condition(Case.id)).order_by(Case.number))
    return [
        LateCase(
            id=case.id,
            number=case.number,
            workflow=case.workflow,
            is_new=moved[case.id][0] is None,
            changes_numbers=shares[0][case.id] != shares[1][case.id],
            steps=steps.get(case.id, ()),
        )
        for case in cases
    ]


def _shares(session: Session, actor: Actor, publication: Publication, formula: Formula, source: Source, cases: Mapping[int, Any]) -> Shares:
    window = window_of(session, period_of(publication), source)
    return shares_of(session, actor, formula, publication.scorecard_key, window, source, cases.keys())


def _steps(session: Session, agency_id: int, moved: Mapping[int, tuple[int | None, int]]) -> dict[int, list[LateStep]]:
    """Give the steps of each case after those that were known; of a case that was not there, all of them."""
    query = (
        select(CaseEvent.case_id, CaseEvent.sequence, CaseEvent.at, CaseEvent.verb, USER.c.first_name)
        .outerjoin(USER, USER.c.id == CaseEvent.actor_id)
        .where(CaseEvent.agency_id == agency_id, Own(tuple(moved)).condition(CaseEvent.case_id))
        .order_by(CaseEvent.case_id, CaseEvent.sequence)
    )
    found: dict[int, list[LateStep]] = {}
    for row in session.execute(query):
        before, now = moved[row.case_id]
        if (before or 0) < row.sequence <= now:
            found.setdefault(row.case_id, []).append(LateStep(row.sequence, row.at, row.verb, row.first_name))
    return found
