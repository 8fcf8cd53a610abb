"""The list behind a number in words: titles of classes, states, limits and reasons, and whether the case itself is open to who asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Department
from core.authz import Actor
from core.grid.models import Grid
from core.lib.text import Title, listed, msg, say
from core.scoring.definition import Exemption, Indicator
from core.scoring.service.attribution import Own
from core.scoring.types import Fact
from core.workflow.models import Case
from core.workflow.service import known
from core.workflow.service.reading import visible


@dataclass
class _Titles:
    """What the workflows of a plugin call things, the newest version first."""

    states: dict[str, Title] = field(default_factory=dict)
    limits: dict[str, Title] = field(default_factory=dict)
    verbs: dict[str, Title] = field(default_factory=dict)


def facts_shown(session: Session, actor: Actor, indicator: Indicator, facts: Sequence[Fact], locale: str) -> list[dict[str, Any]]:
    """Write the rows of a list."""
    plugin = indicator.key.partition(".")[0]
    titles = _titles(session, plugin)
    classes = known.catalogue_items(session, plugin)
    grids = _places(session, select(Grid.id, Grid.code, Grid.name).where(Grid.id.in_(_ids(facts, "grid_id"))))
    departments = _places(
        session, select(Department.id, Department.code, Department.name).where(Department.id.in_(_ids(facts, "department_id")))
    )
    may_open = open_to(session, actor, _ids(facts, "case_id"))
    reasons = {one.key: one for one in indicator.exemptions}
    return [
        {
            "number": fact.number,
            "may_open": fact.case_id in may_open,
            "class_title": _class(classes, fact.class_code, locale),
            "state": None if fact.state is None else {"key": fact.state, "title": _said(titles.states, fact.state, locale)},
            "grid": grids.get(fact.grid_id or 0),
            "department": departments.get(fact.department_id or 0),
            "limit": None if fact.limit is None else _said(titles.limits, fact.limit, locale),
            "verb": None if fact.verb is None else _said(titles.verbs, fact.verb, locale),
            "began_at": fact.began_at,
            "due_at": fact.due_at,
            "ended_at": fact.ended_at,
            "closed_at": fact.closed_at,
            "is_late": fact.is_late,
            "verdict": fact.verdict,
            "exemption": _exemption(fact, reasons, locale),
            "value": None if fact.value is None else float(fact.value),
        }
        for fact in facts
    ]


def open_to(session: Session, actor: Actor, case_ids: Iterable[int]) -> set[int]:
    """Give those of the cases that the actor may open."""
    ids = list(case_ids)
    return set(session.scalars(select(Case.id).where(Own(tuple(ids)).condition(Case.id), visible(actor)))) if ids else set()


def step_title(session: Session, workflow: str, verb: str, locale: str) -> str:
    """Name a step of a workflow, whichever version knows it, or one of the base's own."""
    title = _titles(session, workflow.partition(".")[0]).verbs.get(verb)
    return msg(f"workflow.verb_{verb}").text(locale) if title is None else say(title, locale)


def _titles(session: Session, plugin: str) -> _Titles:
    found = _Titles()
    for version in sorted(known.all_workflows(session), key=lambda one: -one.id):
        if known.plugin_of(version.key) == plugin:
            workflow = version.workflow
            for key, state in workflow.states.items():
                found.states.setdefault(key, state.title)
            for key, limit in workflow.limits.items():
                found.limits.setdefault(key, limit.title)
            for key, transition in workflow.transitions.items():
                found.verbs.setdefault(key, transition.title)
    return found


def _said(titles: Mapping[str, Title], key: str, locale: str) -> str:
    title = titles.get(key)
    return key if title is None else say(title, locale)


def _class(classes: Mapping[str, Any], code: str | None, locale: str) -> str | None:
    if code is None:
        return None
    item = classes.get(code)
    return code if item is None else say(item.title, locale)


def _exemption(fact: Fact, reasons: Mapping[str, Exemption], locale: str) -> str | None:
    """Say why a fact does not count; lateness that an appeal has taken back stays to be read."""
    if not fact.exemptions:
        return None
    said = listed((say(reasons[key].title, locale) if key in reasons else key for key in fact.exemptions), locale)
    if not fact.is_late or fact.due_at is None or fact.ended_at is None or fact.ended_at <= fact.due_at:
        return said
    hours, rest = divmod(int((fact.ended_at - fact.due_at).total_seconds()), 3600)
    return msg("scoring.exempted_though_late", reason=said, hours=hours, minutes=rest // 60).text(locale)


def _places(session: Session, query: Any) -> dict[int, dict[str, str]]:
    return {row.id: {"code": row.code, "name": row.name} for row in session.execute(query)}


def _ids(facts: Iterable[Fact], name: str) -> set[int]:
    return {found for fact in facts if (found := getattr(fact, name)) is not None}
