"""Seeding the Dongcheng demo: through the services and imports that a user would use, in the order in which an agency would be set up."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely.geometry import shape
from sqlalchemy.orm import Session

from core.api import Actor
from core.api.accounts import create_agency
from core.api.attachments import Store, Taken, keep
from core.api.cases import import_chunk
from core.api.feedback import PastAnswer, RoundWished, import_answers, import_round
from core.api.grids import create_scheme, find_by_codes, import_geojson, scheme_of
from core.api.ledgers import ImportOrder, create_import, run_import
from core.api.scores import follow_record, publish_scores
from core.api.setup import Database, Settings, current_definition, publish_overlay, switch_on, unit_of_work
from plugins.urban_mgmt.demo import cases, components, land, opinions, organisation, photos, small_land
from plugins.urban_mgmt.demo.organisation import NameSource, Organisation, Unit

Progress = Callable[[str, int, int], None]
"""Is told a step, how much of it is done, and how much there is."""

PLUGIN = "urban_mgmt"
SEED = 110101
PUBLISHED = (
    "area",
    "area_outer",
    "area_total",
    "department",
    "department_outer",
    "department_total",
    "inspector",
    "acceptor",
    "duty_lead",
    "dispatcher",
)
"""The scorecards that the demo publishes month by month."""
_CHUNK = 1_000
_PATIENCE = 300.0
"""Seconds for the facts of ninety days; it takes a few."""


@dataclass(frozen=True)
class Seeding:
    """What every step of the seeding uses."""

    database: Database
    settings: Settings
    progress: Progress
    now: datetime

    @contextmanager
    def work(self, agency_id: int, key: str) -> Iterator[tuple[Session, Actor]]:
        """Open one unit of work as the system inside an agency."""
        with unit_of_work(self.database, agency_id) as session:
            yield session, Actor(None, agency_id, key, "system", (), self.now, is_system=True)


def seed(
    database: Database,
    *,
    settings: Settings,
    progress: Progress,
    now: datetime | None = None,
    case_count: int = cases.COUNT,
    component_count: int = components.COUNT,
) -> list[dict[str, str]]:
    """Seed both agencies of the demo; give the sign-ins, whose passwords are kept nowhere else."""
    seeding = Seeding(database, settings, progress, now or datetime.now(UTC))
    body = organisation.plan()
    chance = random.Random(SEED)  # noqa: S311  # a reproducible demo, no secret
    agency_id, key = _found(seeding, body["agency"], land.SCHEME["origin"], land.SCHEME["key"])
    seeding.progress("land", 0, 3)
    district = land.feature_collection(SEED)
    made, scenery = _settle(seeding, agency_id, key, body, district, chance)
    _survey(seeding, agency_id, key, made, district, component_count)
    said = _history(seeding, agency_id, key, made, scenery, case_count)
    _opinions(
        seeding,
        agency_id,
        key,
        said,
        [one["properties"]["code"] for one in district["features"] if one["properties"]["level"] == "community"],
    )
    _published(seeding, agency_id, key)
    second = _second_agency(seeding, body["second_agency"])
    return [*made.sign_ins, *second.sign_ins]


def _found(seeding: Seeding, agency: Mapping[str, Any], origin: tuple[float, float], scheme: str) -> tuple[int, str]:
    with unit_of_work(seeding.database, None) as session:
        made = create_agency(
            session, agency["key"], agency["title"], origin=origin, scheme_key=scheme, settings={"county": agency.get("county", "110101")}
        )
        agency_id = made.id
    with seeding.work(agency_id, agency["key"]) as (session, actor):
        switch_on(session, actor, PLUGIN)
    return agency_id, agency["key"]


def _settle(
    seeding: Seeding, agency_id: int, key: str, body: Mapping[str, Any], district: Mapping[str, Any], chance: random.Random
) -> tuple[Organisation, cases.Scenery]:
    """Lay out the land, found the departments, hire the people."""
    seeding.progress("land", 1, 3)
    with seeding.work(agency_id, key) as (session, today):
        # The land was there before anything was reported on it: what is counted per unit grid divides by those in force then.
        actor = replace(today, now=seeding.now - timedelta(days=cases.DAYS + 31))
        create_scheme(
            session, actor, key=land.SCHEME["key"], title=land.SCHEME["title"], levels=land.SCHEME["levels"], origin=land.SCHEME["origin"]
        )
        import_geojson(session, actor, district, scheme=land.SCHEME["key"])
    seeding.progress("land", 3, 3)
    with seeding.work(agency_id, key) as (session, actor):
        units = _units(session, actor, district)
        names = {feature["properties"]["code"]: feature["properties"]["name"] for feature in district["features"]}
        seeding.progress("people", 0, 3)
        made = organisation.found_departments(session, actor, body, units["street"], names)
        _answer_for(session, actor, made.answers)
        source = NameSource(chance)
        organisation.hire(session, actor, made, source)
        seeding.progress("people", 1, 3)
        communities = {unit.code: unit for unit in units["community"]}
        organisation.station_inspectors(session, actor, made, units["unit_grid"], communities, count=body["inspectors"], names=source)
        seeding.progress("people", 2, 3)
        organisation.open_sign_ins(session, actor, made, body["sign_ins"], patrol=units["district"][0])
        organisation.fill_posts(session, actor, made, body["post_holders"], source)
        scenery = cases.Scenery(units["unit_grid"], _middles(district), _pictures(session, actor, seeding))
        seeding.progress("people", 3, 3)
    return made, scenery


def _units(session: Session, actor: Actor, district: Mapping[str, Any]) -> dict[str, list[Unit]]:
    by_level: dict[str, list[str]] = {}
    for feature in district["features"]:
        by_level.setdefault(feature["properties"]["level"], []).append(feature["properties"]["code"])
    scheme = scheme_of(session, actor)
    found = {}
    for level, codes in by_level.items():
        grids = find_by_codes(session, scheme, codes)
        found[level] = [Unit(grids[code].id, code, grids[code].path) for code in sorted(codes)]
    return found


def _middles(district: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    middles = {}
    for feature in district["features"]:
        if feature["properties"]["level"] == "unit_grid":
            point = shape(feature["geometry"]).representative_point()
            middles[feature["properties"]["code"]] = (point.x, point.y)
    return middles


def _answer_for(session: Session, actor: Actor, answers: Mapping[str, str]) -> None:
    """Map the department keys of the filing rules to the agency's departments: an overlay of the catalogue."""
    content = dict(current_definition(session, "catalogue", f"{PLUGIN}.departments").content)
    content["items"] = [
        {**item, "data": {**item.get("data", {}), "department": answers[item["code"]]}} if item["code"] in answers else item
        for item in content["items"]
    ]
    publish_overlay(session, actor, "catalogue", f"{PLUGIN}.departments", content)


def _pictures(session: Session, actor: Actor, seeding: Seeding) -> dict[str, int]:
    store = Store.of(seeding.settings)
    found = {}
    for name, data in photos.pictures():
        kept = keep(session, actor, store, name=name, data=data, taken=Taken(stage="report"))
        found[str(kept.uuid)] = kept.id
    return found


def _survey(seeding: Seeding, agency_id: int, key: str, made: Organisation, district: Mapping[str, Any], count: int) -> None:
    """Bring the components in through the import, from the file that a survey would deliver."""
    seeding.progress("components", 0, count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "components.csv"
        components.write_survey(path, district, made.answering, count=count)
        with seeding.work(agency_id, key) as (session, actor), path.open("rb") as stream:
            order = ImportOrder(f"{PLUGIN}.component", path.name, "wgs84")
            job = create_import(session, actor, order, stream, store_url=Store.of(seeding.settings).url)
            job_id = job.id
    run_import(
        lambda: unit_of_work(seeding.database, agency_id),
        job_id,
        now=seeding.now,
        progress=lambda taken, *_: seeding.progress("components", taken, count),
    )


def _history(seeding: Seeding, agency_id: int, key: str, made: Organisation, scenery: cases.Scenery, count: int) -> list[PastAnswer]:
    seeding.progress("cases", 0, count)
    said: list[PastAnswer] = []
    with seeding.work(agency_id, key) as (session, actor):
        batch = []
        done = 0
        for past, answers in cases.walked_cases(session, actor, made, scenery, count=count):
            batch.append(past)
            said += [PastAnswer(past.number, **vars(one)) for one in answers]
            if len(batch) == _CHUNK or done + len(batch) == count:
                import_chunk(session, actor, batch)
                done += len(batch)
                batch = []
                seeding.progress("cases", done, count)
    return said


def _opinions(seeding: Seeding, agency_id: int, key: str, said: Sequence[PastAnswer], communities: Sequence[str]) -> None:
    """Bring in what was answered after closings, and a round of last month over every community."""
    seeding.progress("answers", 0, 2)
    with seeding.work(agency_id, key) as (session, actor):
        import_answers(session, actor, f"{PLUGIN}.satisfaction", said)
    seeding.progress("answers", 1, 2)
    last = seeding.now.astimezone(cases.ZONE).date().replace(day=1) - timedelta(days=1)
    wished = RoundWished(last.replace(day=10), last.replace(day=19), seed=str(SEED))
    with seeding.work(agency_id, key) as (session, actor):
        answers = list(opinions.round_answers(sorted(communities), wished.opens_on, cases.ZONE, SEED))
        import_round(session, actor, f"{PLUGIN}.residents", wished, answers)
    seeding.progress("answers", 2, 2)


def _published(seeding: Seeding, agency_id: int, key: str) -> None:
    """Publish the scores of the two whole months that lie in the demo's ninety days."""
    seeding.progress("scores", 0, 3)
    follow_record(seeding.database, agency_id, now=seeding.now, patience=_PATIENCE)
    last = seeding.now.astimezone(cases.ZONE).date().replace(day=1) - timedelta(days=1)
    before = last.replace(day=1) - timedelta(days=1)
    for done, month in enumerate((before, last), start=1):
        seeding.progress("scores", done, 3)
        with seeding.work(agency_id, key) as (session, actor):
            cards = [f"{PLUGIN}.{card}" for card in PUBLISHED]
            publish_scores(session, actor, cards, f"{month:%Y-%m}", reason="月度考核")
    seeding.progress("scores", 3, 3)


def _second_agency(seeding: Seeding, body: Mapping[str, Any]) -> Organisation:
    """Found a small agency of its own, with land of its own, that must never see the first one's data."""
    seeding.progress("second_agency", 0, 1)
    agency_id, key = _found(seeding, body, small_land.SCHEME["origin"], small_land.SCHEME["key"])
    made = Organisation()
    with seeding.work(agency_id, key) as (session, actor):
        scheme = small_land.SCHEME
        create_scheme(session, actor, key=scheme["key"], title=scheme["title"], levels=scheme["levels"], origin=scheme["origin"])
        small = small_land.feature_collection()
        import_geojson(session, actor, small, scheme=scheme["key"])
        organisation.open_sign_ins(session, actor, made, body["sign_ins"], patrol=_units(session, actor, small)["district"][0])
    seeding.progress("second_agency", 1, 1)
    return made
