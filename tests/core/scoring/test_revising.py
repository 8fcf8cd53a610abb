"""Revising: what comes after a publication is listed, and stands beside it in a revision that says what it changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from core.lib import clock
from core.lib.ids import uuid7
from core.scoring.models import Publication, Snapshot
from core.scoring.service.following import REST
from core.scoring.views import publications
from core.worker.due import work_off
from tests.core.scoring.stage import AREA, DEPARTMENT, Stage, kept
from tests.journeys.town import Town


@dataclass
class Story:
    """What was seen on the way: an appeal granted after publication, its revision, and a case opened again after that."""

    stage: Stage
    first: dict[str, dict[str, Any]]
    frozen: dict[str, Any] = field(default_factory=dict)
    late: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, Any] = field(default_factory=dict)
    proposed: dict[str, Any] = field(default_factory=dict)
    differences: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    untouched: bool = False


@pytest.fixture(scope="module")
def story(town: Town) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as patch:
        stage = Stage(town, patch)
        yield told(stage, Story(stage, stage.publish()))
    town.tokens.clear()


def told(stage: Stage, story: Story) -> Story:
    uuid = story.first[DEPARTMENT]["uuid"]
    story.frozen = stage.results(uuid)
    before = kept(stage)
    stage.appeal(stage.late)
    stage.follow()
    story.untouched = kept(stage) == before
    story.late = stage.get(f"/publications/{uuid}/late-events")
    story.stale = stage.post(f"/publications/{uuid}/revisions", status=201)
    story.proposed = stage.post(f"/publications/{uuid}/revisions", status=201)
    story.differences = stage.get(f"/publications/{story.proposed['uuid']}/differences")
    stage.get(f"/publications/{story.proposed['uuid']}", who="dispatcher", status=404)
    stage.post(f"/publications/{story.proposed['uuid']}/publish", {"reason": "x"}, who="dispatcher", status=404)
    story.second = stage.post(f"/publications/{story.proposed['uuid']}/publish", {"reason": "申诉成立"})
    return story


def test_who_moved_a_case_is_told_to_those_alone_who_may_open_it(story: Story) -> None:
    path = f"/publications/{story.first[DEPARTMENT]['uuid']}/late-events"
    seen = {who: story.stage.get(path, who=who)["items"] for who in ("evaluator", "garden_clerk")}
    assert {case["may_open"] for cases in seen.values() for case in cases} == {True, False}
    for case in (case for cases in seen.values() for case in cases):
        assert case["steps"]
        assert {step["actor"] is not None for step in case["steps"]} == {case["may_open"]}


def test_nothing_is_caught_up_with_for_who_may_not_publish(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(publications, "catch_up", lambda *_, **__: asked.append(1))
    uuid = story.first[DEPARTMENT]["uuid"]
    story.stage.post("/publications", {"scorecards": [DEPARTMENT], "period": story.stage.period}, who="inspector", status=403)
    story.stage.post(f"/publications/{uuid}/revisions", who="leader", status=403)
    story.stage.post(f"/publications/{uuid7()}/revisions", status=404)
    assert asked == []


def test_later_event_touches_nothing_and_is_listed(story: Story) -> None:
    assert story.untouched
    (case,) = story.late["items"]
    assert (case["number"], case["is_new"], case["changes_numbers"], story.late["total"]) == (story.stage.late, False, True, 1)
    assert [step["verb"] for step in case["steps"]] == ["appeal", "grant_appeal", "grant_appeal"]
    assert {step["title"] for step in case["steps"]} == {"Appeal", "Grant the appeal"}


def test_proposal_is_scored_by_the_formula_of_the_publication(story: Story) -> None:
    assert (story.proposed["state"], story.proposed["revision"]) == ("proposed", 2)
    assert story.proposed["formula"] == story.first[DEPARTMENT]["formula"]
    assert story.proposed["digest"] != story.first[DEPARTMENT]["digest"]


def test_newer_proposal_takes_the_place_of_the_one_before(story: Story) -> None:
    assert story.stale["uuid"] != story.proposed["uuid"]
    story.stage.get(f"/publications/{story.stale['uuid']}", status=404)


def test_differences_name_subject_line_and_case(story: Story) -> None:
    (difference,) = story.differences["items"]
    assert (difference["subject"]["key"], difference["score_before"], difference["score_after"]) == ("department:E01", 85.0, 100.0)
    changes = {line["key"]: {one["name"]: (one["before"], one["after"]) for one in line["changes"]} for line in difference["lines"]}
    assert changes["in_time"]["base"] == changes["closing"]["base"] == (2, 1)
    assert changes["in_time"]["exempted"] == (0, 1)
    assert changes["in_time"]["points"] == (50.0, 100.0)
    assert "filed" not in changes
    assert [(one["number"], one["changes_numbers"]) for one in story.differences["cases"]] == [(story.stage.late, True)]


def test_revision_stands_beside_the_first_which_stays(story: Story) -> None:
    stage, second = story.stage, story.second
    assert (second["state"], second["revision"], second["is_newest"], second["reason"]) == ("published", 2, True, "申诉成立")
    assert stage.results(story.first[DEPARTMENT]["uuid"]) == story.frozen
    assert stage.get(f"/publications/{story.first[DEPARTMENT]['uuid']}")["is_newest"] is False
    assert stage.results(second["uuid"])["department:E01"]["score"] == 100.0
    stage.post(f"/publications/{second['uuid']}/publish", {"reason": "again"}, status=409)


def test_both_lists_stay_open_and_the_overtime_stays_to_be_seen(story: Story) -> None:
    stage = story.stage

    def listed(uuid: str, part: str) -> list[dict[str, Any]]:
        found = stage.get(f"/publications/{uuid}/facts", subject="department:E01", line="in_time", part=part)["items"]
        assert isinstance(found, list)
        return found

    old, new = story.first[DEPARTMENT]["uuid"], story.second["uuid"]
    assert [[fact["number"] for fact in listed(old, part)] for part in ("counted", "missed", "exempted")] == [
        [stage.in_time],
        [stage.late],
        [],
    ]
    assert [[fact["number"] for fact in listed(new, part)] for part in ("counted", "missed", "exempted")] == [
        [stage.in_time],
        [],
        [stage.late],
    ]
    (missed,), (exempted,) = listed(old, "missed"), listed(new, "exempted")
    assert (missed["is_late"], exempted["is_late"]) == (True, True)
    assert (missed["due_at"], missed["ended_at"]) == (exempted["due_at"], exempted["ended_at"])
    assert exempted["exemption"] == "Appeal granted (had been late by 2 h 3 min)"


def test_revision_after_a_revision_builds_on_the_first_snapshot(story: Story) -> None:
    stage = story.stage
    if stage.get(f"/cases/{stage.in_time}")["state"]["key"] == "closed":
        stage.post(f"/publications/{story.second['uuid']}/revisions", status=409)  # nothing has changed since
        stage.town.as_("duty_lead").moved(stage.in_time, "reopen", {"reason": "复发"})
    stage.follow()
    late = stage.get(f"/publications/{story.second['uuid']}/late-events")
    assert [case["number"] for case in late["items"]] == [stage.in_time]
    both = stage.get(f"/publications/{story.first[DEPARTMENT]['uuid']}/late-events")
    assert sorted(case["number"] for case in both["items"]) == sorted([stage.in_time, stage.late])
    proposed = stage.post(f"/publications/{story.second['uuid']}/revisions", status=201)
    assert proposed["revision"] == 3
    with stage.town.work() as (session, _):
        bases = {one.id: one.base_id for one in session.scalars(select(Snapshot))}
        query = select(Publication.snapshot_id).where(Publication.scorecard_key == DEPARTMENT).order_by(Publication.revision)
        first, second, third = session.scalars(query)
    assert (bases[first], bases[second], bases[third]) == (None, first, first)
    found = stage.get(f"/publications/{proposed['uuid']}/differences")
    assert (found["before"]["uuid"], [one["number"] for one in found["cases"]]) == (story.second["uuid"], [stage.in_time])
    (difference,) = found["items"]
    assert (difference["score_before"], difference["rank_before"]) == (100.0, difference["rank_after"])
    assert difference["score_after"] < 100


def test_worker_proposes_what_changes_a_number_and_tells_who_publishes(story: Story) -> None:
    """The area card was published in the same act: the appeal changes it too, and nobody has asked for its revision."""
    stage = story.stage
    stage.follow()
    stage.later(REST)
    while work_off(stage.town.database, "outbox", stage.town.agency_id, now=clock.now()):
        continue
    (proposal,) = (one for one in stage.get("/publications", scorecard=AREA)["items"] if one["revision"] == 2)
    assert (proposal["state"], proposal["created_by"]) == ("proposed", None)
    assert stage.get(f"/publications/{story.first[AREA]['uuid']}/late-events")["proposal"] == proposal["uuid"]
    told = {
        who: [one["topic"] for one in stage.get("/me/notices", who=who, limit=200)["items"]]
        for who in ("evaluator", "dispatcher", "department_clerk")
    }
    assert "proposed_revision" in told["evaluator"]
    assert "proposed_revision" not in told["dispatcher"]
    assert "published_scores" in told["dispatcher"]
    assert "published_scores" in told["department_clerk"]  # whose role reaches one department only
