"""Laying facts beside the record without writing anything.

A case that moved since the watermark is no difference: its facts are of the
chain as it was. Such cases are told apart and looked at again once the facts
have followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.db.engine import Database
from core.facts.service import deriving, locks
from core.facts.service.deriving import Scope, Span
from core.facts.types import GRAINS, Comparison
from core.workflow.models import Case

_LOWEST, _HIGHEST = -(2**62), 2**62
_STARTS = """
SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM cases) AS cases WHERE place % :size = 1 AND place > 1 ORDER BY id
"""

_STANDS = "case_id NOT IN (SELECT case_id FROM moving)"

# The first step that the facts of a case lack is behind the watermark: they could not know it.
_MOVING = """
moving AS MATERIALIZED (
  SELECT c.case_id FROM c
  LEFT JOIN fact_case AS f ON f.agency_id = :agency AND f.case_id = c.case_id AND {scope}
  WHERE f.chain_length IS DISTINCT FROM c.chain_length AND EXISTS (
    SELECT FROM case_event AS next
    WHERE next.agency_id = :agency AND next.case_id = c.case_id AND next.sequence = coalesce(f.chain_length, 0) + 1
    AND next.id > (SELECT event_id FROM fact_progress WHERE agency_id = :agency)
  )
)"""


def compare(database: Database, agency_id: int, scope: Scope) -> Comparison:
    """Compare the facts of some cases with what the record says, as of one instant."""
    with database.session(agency_id) as session:
        locks.begin_range(session)
        given = deriving.parameters(session, agency_id, scope)
        found = deriving.counted(rows := session.execute(text(checking_sql(scope.condition)), given).all())
        return replace(found, moving=tuple(rows[0].moving))


@cache
def checking_sql(condition: str) -> str:
    """Give the statement that derives, compares and counts."""
    moving = _MOVING.format(scope=condition.format(column="f.case_id"))
    parts = [deriving.derived_sql(condition), moving, *(deriving.differing_sql(grain, condition, but=_STANDS) for grain in GRAINS)]
    counted = deriving.counting_sql(_STANDS)
    return f"{','.join(parts)} SELECT counted.*, ARRAY(SELECT case_id FROM moving) AS moving FROM ({counted}) AS counted"  # noqa: S608  # constants


def spans(session: Session, size: int) -> list[Span]:
    """Cut the cases of the session's agency into ranges of so many, which together hold every id there could be."""
    starts = session.scalars(text(_STARTS), {"size": size})
    return [Span(low, high) for low, high in pairwise([_LOWEST, *starts, _HIGHEST])]


def numbers_of(session: Session, case_ids: Sequence[int]) -> list[str]:
    """Name cases by their numbers; a fact whose case there is none of, by the id."""
    known = {row.id: row.number for row in session.execute(select(Case.id, Case.number).where(Case.id.in_(case_ids)))}
    return [known.get(one, f"#{one}") for one in case_ids]
