"""What the derivation must know of workflows, as rows: which states are a department's, and what each edge does.

No word of a domain stands in the SQL of facts; these rows are made of the
compiled definitions. A case belongs to one version for life, until it is moved
to another: its steps were then taken under older ones. So each version knows,
beside its own, the verbs and limits of those published before it that it has
no more. What was published never changes, so neither do these rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.epoch import EpochCache
from core.definitions.models import Definition
from core.workflow.definition import Way, Workflow
from core.workflow.service import known

HANDLED = "handled"
DEPARTMENT = "department"

Edge = tuple[str, str, str]
"""(verb, from, to)."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step along an edge means to facts."""

    reaches: bool = False
    """The case counts as handled with it."""
    gives: bool = False
    """It puts the case into a department's hands."""
    takes: bool = False
    """It takes the case away from its department and gives it to none."""
    ends: str | None = None
    """The department's limit that it ends, whether or not one ran."""


@dataclass(frozen=True)
class Shape:
    """One version of a workflow, as facts see it."""

    edges: Mapping[Edge, Effect]
    holding: Mapping[str, str]
    """State → limit, for the states in which a department's limit runs."""


_parameters: EpochCache[Mapping[str, list[Any]]] = EpochCache()


def parameters(session: Session) -> Mapping[str, list[Any]]:
    """Give the rows of every version that a case of the agency may belong to, column by column."""
    return _parameters.get(session, getattr(session, "agency_id", None), lambda: _columns(_shapes(session)))


def shape_of(workflow: Workflow) -> Shape:
    """Read one version."""
    holding = _holding(workflow)
    edges: dict[Edge, Effect] = {}
    for start, end, transition, way in workflow.edges():
        place = (transition.verb, start, end)
        edges[place] = _together(edges.get(place, Effect()), _effect(workflow, holding, start, end, way))
    return Shape(edges, holding)


def _holding(workflow: Workflow) -> dict[str, str]:
    """A limit is a department's when some state that names it belongs to a department."""
    owned = {state.limit for state in workflow.states.values() if state.owner is not None and state.owner.at == DEPARTMENT}
    return {key: state.limit for key, state in workflow.states.items() if state.limit is not None and state.limit in owned}


def _effect(workflow: Workflow, holding: Mapping[str, str], start: str, end: str, way: Way) -> Effect:
    arrives = end == HANDLED and end != start and workflow.states[end].milestone is not None
    given = way.assign.get(DEPARTMENT)
    limit = holding.get(start)
    return Effect(
        reaches=arrives or HANDLED in way.milestones,
        gives=bool(given) or DEPARTMENT in way.assign_facts,
        takes=DEPARTMENT in way.assign and not given,
        ends=limit if limit is not None and workflow.states[end].limit != limit else None,
    )


def _together(one: Effect, other: Effect) -> Effect:
    return Effect(one.reaches or other.reaches, one.gives or other.gives, one.takes or other.takes, one.ends or other.ends)


def _after(earlier: Shape | None, own: Shape) -> Shape:
    """Add what only the versions before knew: verbs this one has no more, and states it has no more."""
    if earlier is None:
        return own
    verbs = {verb for verb, _, _ in own.edges}
    kept = {edge: effect for edge, effect in earlier.edges.items() if edge[0] not in verbs}
    return Shape({**kept, **own.edges}, {**earlier.holding, **own.holding})


def _shapes(session: Session) -> Iterator[tuple[int, Shape]]:
    """Yield every published version, those of plugins that are off too: their cases are on record all the same."""
    query = select(Definition.id, Definition.key).where(Definition.kind == "workflow", Definition.status != "draft")
    latest: dict[str, Shape] = {}
    for row in session.execute(query.order_by(Definition.key, Definition.published_at, Definition.id)):
        latest[row.key] = _after(latest.get(row.key), shape_of(known.workflow(session, row.id)))
        yield row.id, latest[row.key]


def _columns(shapes: Iterator[tuple[int, Shape]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {
        name: [] for name in ("edge_in", "edge_verb", "edge_from", "edge_to", "edge_reaches", "edge_gives", "edge_takes", "edge_ends")
    }
    found |= {"held_in": [], "held_state": [], "held_limit": []}
    for definition_id, shape in shapes:
        for (verb, start, end), effect in shape.edges.items():
            values = (definition_id, verb, start, end, effect.reaches, effect.gives, effect.takes, effect.ends)
            for name, value in zip(found, values, strict=False):
                found[name].append(value)
        for state, limit in shape.holding.items():
            found["held_in"].append(definition_id)
            found["held_state"].append(state)
            found["held_limit"].append(limit)
    return found
