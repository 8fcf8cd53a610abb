"""Casting and walking the demo's cases, and handing them to the bulk history import."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.api import Actor, say
from core.api.cases import (
    CatalogueRules,
    PastCase,
    PastStep,
    calendar_of,
    catalogue_items,
    columns_of,
    current_workflow,
    form,
)
from core.api.grids import locate_for_agency
from plugins.urban_mgmt.demo.organisation import Organisation, Unit
from plugins.urban_mgmt.demo.temper import Temper
from plugins.urban_mgmt.demo.walk import PUBLIC, Cast, Matter, Said, Stage, Walk, Walker, waiting_timers

DAYS = 90
COUNT = 6_000
ZONE = ZoneInfo("Asia/Shanghai")
WORKFLOW = "urban_mgmt.case"
_HOURS = (1, 1, 0, 0, 0, 1, 3, 8, 14, 15, 14, 10, 6, 9, 13, 13, 11, 8, 5, 4, 3, 2, 2, 1)
_COMMON = {"e0110": 9.0, "e0112": 9.0, "e0113": 4.0, "e0114": 3.0, "e0201": 8.0, "e0401": 8.0, "e0402": 7.0, "c0101": 3.0, "c0104": 4.0}
_WINTER = {"e0115": 2.0, "e0111": 1.6}
_SOURCES = (("inspector", 0.86), ("hotline", 0.08), ("web", 0.02), ("public_app", 0.03), ("video", 0.01))


@dataclass(frozen=True)
class Rule:
    """A filing condition to choose from: its code, class, kind, name and the keys of its departments."""

    condition: str
    class_code: str
    kind: str
    name: str
    wrong: str
    departments: Sequence[str]


@dataclass(frozen=True)
class Scenery:
    """Where cases may happen, and the photos that stand for what was seen."""

    units: Sequence[Unit]
    middles: Mapping[str, tuple[float, float]]
    photos: Mapping[str, int]
    """Attachment uuid → id."""


def walked_cases(
    session: Session, actor: Actor, organisation: Organisation, scenery: Scenery, *, count: int = COUNT, seed: int = 110101
) -> Iterator[tuple[PastCase, Sequence[Said]]]:
    """Walk ``count`` cases of the last ninety days and yield each as a past case with what was said of it, oldest report first."""
    chance = random.Random(seed)  # noqa: S311  # a reproducible demo, no secret
    known = current_workflow(session, WORKFLOW)
    stage = Stage(known.workflow, calendar_of(session, actor), CatalogueRules(session, "urban_mgmt"), _checker(session), actor.now)
    rules = _rules(session)
    weights = [_weight(rule) for rule in rules]
    temper = Temper(seed)
    hot = [chance.gammavariate(0.6, 1.0) for _ in scenery.units]
    titles = {code: say(item.title, "zh_CN") for code, item in catalogue_items(session, "urban_mgmt").items()}
    moments = sorted(_moment(chance, actor.now) for _ in range(count))
    for number, at in enumerate(moments, start=1):
        unit = chance.choices(scenery.units, hot)[0]
        rule = chance.choices(rules, weights)[0]
        matter = _matter(chance, rule, unit, scenery, temper)
        walk = Walk(stage, matter, _cast(chance, organisation, rule, unit, temper), chance, at).run()
        yield _past(session, actor, walk, known.id, number, titles, scenery), walk.said


def _checker(session: Session) -> Callable[[str | None, dict[str, Any], datetime], Mapping[str, Any]]:
    def check(key: str | None, data: dict[str, Any], now: datetime) -> Mapping[str, Any]:
        if key is None:
            return {}
        checked = form(session, key).form.check(data, now=now)
        checked.raise_invalid()
        return checked.data

    return check


def _rules(session: Session) -> list[Rule]:
    items = catalogue_items(session, "urban_mgmt")
    found = []
    for code, item in items.items():
        if "limit" not in item.data or item.parent is None:
            continue
        parent = items[item.parent]
        departments = item.data.get("departments") or parent.data.get("departments") or ["subdistrict"]
        found.append(Rule(code, item.parent, parent.data["kind"], say(parent.title, "zh_CN"), say(item.title, "zh_CN"), departments))
    return found


def _weight(rule: Rule) -> float:
    return _COMMON.get(rule.class_code, 1.0) * _WINTER.get(rule.class_code, 1.0) * (1.0 if rule.kind == "event" else 0.35)


def _moment(chance: random.Random, now: datetime) -> datetime:
    """Draw when something is reported: more in the day, fewer on Sundays, slowly rising."""
    while True:
        day = now.astimezone(ZONE) - timedelta(days=DAYS * chance.random() ** 1.05)
        hour = chance.choices(range(24), _HOURS)[0]
        at = day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60), microsecond=0)
        quiet = at.weekday() == 6 and chance.random() < 0.45
        if at < now - timedelta(minutes=5) and not quiet:
            return at.astimezone(now.tzinfo)


def _matter(chance: random.Random, rule: Rule, unit: Unit, scenery: Scenery, temper: Temper) -> Matter:
    loud = temper.of_complaints(unit.code[:9])
    shares = [share * (loud if name in PUBLIC else 1.0) for name, share in _SOURCES]
    source = chance.choices([name for name, _ in _SOURCES], shares)[0]
    lon, lat = scenery.middles[unit.code]
    return Matter(
        kind=rule.kind,
        class_code=rule.class_code,
        condition=rule.condition,
        position={
            "lon": round(lon + chance.uniform(-2e-4, 2e-4), 6),
            "lat": round(lat + chance.uniform(-1.5e-4, 1.5e-4), 6),
            "accuracy": 8.0,
        },
        grid_path=unit.path,
        description=f"{rule.name}：{rule.wrong}。",
        photo=chance.choice(list(scenery.photos)),
        source=source,
    )


def _cast(chance: random.Random, organisation: Organisation, rule: Rule, unit: Unit, temper: Temper) -> Cast:
    bodies = organisation.answering(rule.departments, unit.code[:9])
    code = bodies[0] if chance.random() < 0.8 else chance.choice(bodies)
    department_id, path = organisation.departments[code]
    wrong = chance.choice([other for other in organisation.departments if other[0] in "EF" and other != code])
    posts = organisation.posts

    def on_duty(post: str) -> Walker:
        return temper.walker(temper.on_duty(chance, organisation.holders[f"urban_mgmt.{post}"]))

    return Cast(
        inspector=temper.walker(organisation.inspectors[unit.code]),
        intake=Walker(posts["urban_mgmt.intake"]),
        acceptor=on_duty("acceptor"),
        duty_lead=on_duty("duty_lead"),
        dispatcher=on_duty("dispatcher"),
        clerk=Walker(organisation.clerks[code]),
        head=Walker(organisation.heads[code]),
        leader=Walker(posts["urban_mgmt.supervising_leader"]),
        evaluator=Walker(posts["urban_mgmt.evaluator"]),
        department_id=department_id,
        department_path=path,
        wrong_department_id=organisation.departments[wrong][0] if chance.random() < 0.08 else None,
        trouble=temper.of_department(code) ** 2 * temper.of_street(unit.code[:9]),
    )


def _past(
    session: Session, actor: Actor, walk: Walk, definition_id: int, number: int, titles: Mapping[str, str], scenery: Scenery
) -> PastCase:
    assert walk.outcome is not None
    place = locate_for_agency(session, actor, walk.matter.position)
    reported = walk.steps[0].facts.at
    code = walk.snapshot.class_code or walk.matter.class_code
    outcome = replace(walk.outcome, case=walk.snapshot)
    timers = () if walk.outcome.category == "closed" else waiting_timers(walk, actor.now)
    return PastCase(
        number=f"{reported.astimezone(ZONE):%Y%m%d}-{900_000 + number:06d}",
        workflow=WORKFLOW,
        definition_id=definition_id,
        title=titles.get(code, code),
        columns=columns_of(outcome),
        place={"grid_id": place.grid_id, "located": place.located, "lon": place.lon, "lat": place.lat, "xy": place.xy},
        reported_at=reported,
        steps=[_with_form(session, walk, one, scenery) for one in walk.steps],
        reporter_id=walk.snapshot.reporter_id,
        timers=timers,
    )


def _with_form(session: Session, walk: Walk, one: PastStep, scenery: Scenery) -> PastStep:
    key = walk.stage.workflow.transitions[one.facts.verb].form
    photos = tuple(("photos", scenery.photos[uuid]) for uuid in one.data.get("photos", ()))
    return replace(one, form_id=form(session, key).id if key else None, attachments=photos)
