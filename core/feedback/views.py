"""Residents' answers over HTTP: two routes for whoever holds a link, and what the staff sees of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts.models import Agency
from core.accounts.signin import throttle
from core.accounts.signin.seals import seals_of
from core.authz import Actor
from core.db import uow
from core.db.uow import unit_of_work
from core.feedback import links, sheets
from core.feedback.models import SurveyRound
from core.feedback.schemas import (
    CodesQuery,
    InvitationListQuery,
    InvitationListSchema,
    InvitationPageSchema,
    NewLinkSchema,
    NewRoundSchema,
    OpenedLinkSchema,
    OpenLinkSchema,
    PublicAnswerSchema,
    ReopeningPageSchema,
    RoundListSchema,
    RoundSchema,
    SurveyListSchema,
    TakenAnswerSchema,
    TelephoneAnswerSchema,
)
from core.feedback.service import answering, listing, sampling, surveys
from core.feedback.service.listing import Asked, Wanted
from core.feedback.service.sampling import Wished
from core.http.paging import PageQuery, decode_cursor, encode_cursor
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.lib.errors import Gone
from core.lib.text import Title, msg, say
from core.workflow.service import known

routes = Routes("feedback")

Result = TypeVar("Result")
_LINK = "answer"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@routes.post("/answers/open", body=OpenLinkSchema, answers={200: OpenedLinkSchema}, errors=(410, 422, 429), public=True)
def open_link(work: Work, body: dict[str, Any]) -> dict[str, Any]:
    """Show what is asked behind a link; every link that does not work is answered alike."""

    def show(session: Session, actor: Actor, title: Title) -> dict[str, Any]:
        found = answering.open_link(session, actor, body["token"])
        number, name = found.case_number, found.case_class
        return {
            "agency": {"key": actor.agency_key, "title": say(title, work.locale)},
            "survey": {"key": found.survey.key, "title": say(found.survey.title, work.locale)},
            "case": None if number is None else {"key": number, "title": say(name, work.locale) if name else ""},
            "expires_at": found.invitation.expires_at,
            "form": {"id": found.form_id, "version": found.form_version, **found.form_plan},
        }

    return _behind_link(work, body["agency"], show)


@routes.post("/answers", body=PublicAnswerSchema, answers={201: TakenAnswerSchema}, errors=(410, 422, 429), public=True)
def give_answer(work: Work, body: dict[str, Any]) -> Answer:
    """Take the answer of whoever holds the link; the link works no more."""

    def take(session: Session, actor: Actor, _title: Title) -> dict[str, Any]:
        return {"answered_at": answering.answer(session, actor, body["token"], body["data"]).answered_at}

    return Answer(_behind_link(work, body["agency"], take), 201)


def _behind_link(work: Work, agency_key: str, act: Callable[[Session, Actor, Title], Result]) -> Result:
    """Act for somebody without an account inside the agency that the link names; count the tries that lead nowhere."""
    seals, database, asked = seals_of(work.settings), work.frame.database, work.actor
    agency = work.session.execute(select(Agency.id, Agency.title).where(Agency.key == agency_key, Agency.active)).one_or_none()
    refusal = throttle.begin_visit(work.session, seals, purpose=_LINK, address=work.address, now=asked.now)
    uow.commit(work.session)
    if refusal is not None:
        raise refusal
    if agency is None:
        raise Gone(msg("feedback.dead_link"))
    actor = Actor(None, agency.id, agency_key, "", (), asked.now, locale=asked.locale, request_id=asked.request_id)
    is_dead = False
    try:
        with unit_of_work(database, agency.id) as session:
            return act(session, actor, agency.title)
    except Gone:
        is_dead = True
        raise
    finally:
        if not is_dead:  # a form filled in wrongly is no try at somebody else's link
            with unit_of_work(database, None) as session:
                throttle.take_back_visit(session, seals, purpose=_LINK, address=work.address)


@routes.get("/surveys", answers={200: SurveyListSchema})
def list_surveys(work: Work) -> dict[str, Any]:
    """List the agency's surveys."""
    items = []
    for one in surveys.list_surveys(work.session, work.actor):
        survey, after, sample = one.survey, one.survey.after, one.survey.sample
        items.append(
            {
                "key": survey.key,
                "title": say(survey.title, work.locale),
                "after": {"key": after.workflow, "title": _workflow_title(work, after.workflow)} if after else None,
                "level": sample.level if sample else None,
                "wanted": sample.wanted if sample else None,
                "at_least": sample.at_least if sample else None,
                "form": survey.form,
            }
        )
    return {"items": items}


def _workflow_title(work: Work, key: str) -> str:
    return say(known.current_workflow(work.session, key).workflow.title, work.locale)


@routes.get("/invitations", query=InvitationListQuery, answers={200: InvitationPageSchema}, errors=(422,))
def list_invitations(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List who was asked about which case, newest first, and what they answered."""
    mark = decode_cursor(query["after"], (int,))
    wanted = Wanted(query["survey"], query["state"], query["unsent"])
    before = mark[0] if mark else None
    found = listing.list_invitations(work.session, work.actor, wanted, before=before, limit=query["limit"] + 1)
    shown = found[: query["limit"]]
    more = len(found) > len(shown)
    return {"items": [_shown(work, one) for one in shown], "next": encode_cursor(shown[-1].invitation.id) if more else None}


@routes.post("/invitations/<uuid:uuid>/link", answers={201: NewLinkSchema}, errors=(404, 409))
def make_link(work: Work, uuid: UUID) -> Answer:
    """Make a fresh link to read out to somebody; it is shown this once, and the one before works no more."""
    token, expires_at = listing.fresh_link(work.session, work.actor, uuid)
    link = links.link_of(work.settings.public_url, work.actor.agency_key, token)
    return Answer({"link": link, "expires_at": expires_at}, 201)


@routes.get("/cases/<number>/answers", answers={200: InvitationListSchema}, errors=(404,))
def list_answers(work: Work, number: str) -> dict[str, Any]:
    """List who was asked about a case, and what they answered."""
    return {"items": [_shown(work, one) for one in listing.of_case(work.session, work.actor, number)]}


@routes.post("/cases/<number>/answers", body=TelephoneAnswerSchema, answers={201: TakenAnswerSchema}, errors=(404, 409, 422))
def write_down_answer(work: Work, number: str, body: dict[str, Any]) -> Answer:
    """Write down what somebody says of a closed case at the telephone."""
    taken = answering.take_answer(work.session, work.actor, number, body["survey"], body["data"])
    return Answer({"answered_at": taken.answered_at}, 201)


@routes.get("/reopenings", query=PageQuery, answers={200: ReopeningPageSchema}, errors=(422,))
def list_reopenings(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the closed cases that an answer calls to be opened again, and why they were not."""
    mark = decode_cursor(query["after"], (int,))
    found = listing.list_reopenings(work.session, work.actor, before=mark[0] if mark else None, limit=query["limit"] + 1)
    shown = found[: query["limit"]]
    items = [
        {
            "case": {"key": row.number, "title": row.title},
            "state": row.FeedbackReopening.state,
            "reason": say(row.FeedbackReopening.reason, work.locale) if row.FeedbackReopening.reason else None,
            "answered_at": row.FeedbackAnswer.answered_at,
            "at": row.FeedbackReopening.at,
        }
        for row in shown
    ]
    return {"items": items, "next": encode_cursor(shown[-1].FeedbackReopening.id) if len(found) > len(shown) else None}


@routes.get("/surveys/<key>/rounds", answers={200: RoundListSchema}, errors=(404,))
def list_rounds(work: Work, key: str) -> dict[str, Any]:
    """List the rounds of a survey, newest first."""
    return {"items": [_round(work, one) for one in sampling.list_rounds(work.session, work.actor, key)]}


@routes.post("/surveys/<key>/rounds", body=NewRoundSchema, answers={201: RoundSchema}, errors=(404, 409, 422), idempotent=True)
def draw_round(work: Work, key: str, body: dict[str, Any]) -> Answer:
    """Draw a round of a survey over the land."""
    return Answer(_whole_round(work, sampling.create_round(work.session, work.actor, key, Wished(**body))), 201)


@routes.get("/surveys/<key>/rounds/<uuid:uuid>", answers={200: RoundSchema}, errors=(404,))
def show_round(work: Work, key: str, uuid: UUID) -> dict[str, Any]:
    """Show a round: how many were asked in each grid and how many have answered."""
    return _whole_round(work, sampling.get_round(work.session, work.actor, key, uuid))


@routes.post("/surveys/<key>/rounds/<uuid:uuid>/codes", query=CodesQuery, answers={200: f"{_XLSX}|text/html"}, errors=(404, 409, 413, 422))
def issue_codes(work: Work, key: str, uuid: UUID, query: dict[str, Any]) -> Answer:
    """Take the codes of a round out, or of one of its grids; once, for only their digests are kept."""
    made = sampling.get_round(work.session, work.actor, key, uuid)
    codes = sampling.issue_codes(work.session, work.actor, made, grid_code=query["grid"])
    title = f"{say(surveys.current(work.session, key).survey.title, work.locale)} {made.opens_on.isoformat()}"
    where: dict[str, Any] = {"public_url": work.settings.public_url, "agency_key": work.actor.agency_key}
    if query["format"] == "html":
        text = sheets.page(title, codes, **where, locale=work.locale)
        return Answer(text.encode(), headers={"Content-Security-Policy": sheets.policy()}, content_type="text/html; charset=utf-8")
    heads = [msg(f"feedback.head_{name}").text(work.locale) for name in ("grid", "grid_name", "record", "code", "link")]
    name = {"Content-Disposition": f'attachment; filename="codes-{made.opens_on.isoformat()}.xlsx"'}
    return Answer(sheets.workbook(title, codes, **where, heads=heads), headers=name, content_type=_XLSX)


def _shown(work: Work, one: Asked) -> dict[str, Any]:
    return {
        "uuid": one.invitation.uuid,
        "survey": {"key": one.survey.key, "title": say(one.survey.title, work.locale)},
        "case": {"key": one.number, "title": one.case_title},
        "state": one.state(work.actor.now),
        "created_at": one.invitation.created_at,
        "expires_at": one.invitation.expires_at,
        "sent_via": one.invitation.sent_via,
        "sent_at": one.invitation.sent_at,
        "answer": _answered(work, one),
    }


def _answered(work: Work, one: Asked) -> dict[str, Any] | None:
    if one.answer is None:
        return None
    reason = one.reopening.reason if one.reopening else None
    return {
        "answered_at": one.answer.answered_at,
        "points": float(one.answer.points),
        "data": one.answer.data,
        "words": dict(one.words),
        "taken_by": one.taken_by,
        "reopening": one.reopening.state if one.reopening else None,
        "reopening_reason": say(reason, work.locale) if reason else None,
    }


def _round(work: Work, made: SurveyRound) -> dict[str, Any]:
    return {name: value for name, value in _whole_round(work, made).items() if name != "areas"}


def _whole_round(work: Work, made: SurveyRound) -> dict[str, Any]:
    areas = sampling.areas_of(work.session, made)
    survey = surveys.current(work.session, made.survey_key).survey
    return {
        "uuid": made.uuid,
        "survey": {"key": survey.key, "title": say(survey.title, work.locale)},
        "opens_on": made.opens_on,
        "closes_on": made.closes_on,
        "seed": made.seed,
        "wanted": made.wanted,
        "grids": len(areas),
        "invited": sum(area.invited for area in areas),
        "answered": sum(area.answered for area in areas),
        "codes_issued_at": made.codes_issued_at,
        "created_at": made.created_at,
        "areas": [{"code": area.code, "name": area.name, "invited": area.invited, "answered": area.answered} for area in areas],
    }
