"""What surveys, invitations and answers look like over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.forms.schemas import FormSchema
from core.http.paging import PageQuery, page_schema

TOKEN = {
    "description": "The secret part of the link, behind the agency's key; a printed code may be typed with blanks or hyphens, in small letters."
}
_KEY = validate.Length(1, 100)


class FeedbackTitleSchema(Schema):
    """A key, code or number with its title."""

    key = fields.String(required=True)
    title = fields.String(required=True)


class OpenLinkSchema(Schema):
    """The link that somebody holds; nothing else is asked of them."""

    agency = fields.String(required=True, validate=_KEY)
    token = fields.String(required=True, validate=validate.Length(1, 64), metadata=TOKEN)


class PublicAnswerSchema(OpenLinkSchema):
    """An answer through a link."""

    data = fields.Dict(keys=fields.String(), required=True, metadata={"description": "Values of the form's fields by id."})


class OpenedLinkSchema(Schema):
    """What is asked behind a link that works: of a case its number and class, and nothing else."""

    agency = fields.Nested(FeedbackTitleSchema, required=True)
    survey = fields.Nested(FeedbackTitleSchema, required=True)
    case = fields.Nested(
        FeedbackTitleSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Number, and the title of its class; null for a survey of residents."},
    )
    expires_at = fields.DateTime(required=True)
    form = fields.Nested(FormSchema, required=True)


class TakenAnswerSchema(Schema):
    """An answer that was taken."""

    answered_at = fields.DateTime(required=True)


class SurveySchema(Schema):
    """One survey of the agency."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    after = fields.Nested(
        FeedbackTitleSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The workflow after whose closing it asks; null for rounds."},
    )
    level = fields.String(required=True, allow_none=True, metadata={"description": "The level of grid its rounds are drawn over."})
    wanted = fields.Integer(required=True, allow_none=True, metadata={"description": "Answers wanted of each grid of that level."})
    at_least = fields.Integer(required=True, allow_none=True, metadata={"description": "With fewer answers a grid is not ranked."})
    form = fields.String(required=True, metadata={"description": "Key of the form that is filled in."})


class SurveyListSchema(Schema):
    """The surveys of the agency."""

    items = fields.List(fields.Nested(SurveySchema), required=True)


class GivenAnswerSchema(Schema):
    """What was answered."""

    answered_at = fields.DateTime(required=True)
    points = fields.Float(required=True)
    data = fields.Dict(required=True, metadata={"description": "The options chosen, by field."})
    words = fields.Dict(required=True, metadata={"description": "What was written in the person's own words, by field; null once erased."})
    taken_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Who wrote it down for somebody on the telephone; null for the link."}
    )
    reopening = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(["waiting", "taken", "refused"]),
        metadata={"description": "Whether it opens the case again: waits for a person, done, or refused for `reopening_reason`."},
    )
    reopening_reason = fields.String(required=True, allow_none=True)


class InvitationSchema(Schema):
    """One person asked about one case, and the answer if there is one; who it is stands in the case."""

    uuid = fields.UUID(required=True)
    survey = fields.Nested(FeedbackTitleSchema, required=True)
    case = fields.Nested(FeedbackTitleSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(["waiting", "answered", "expired"]))
    created_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True)
    sent_via = fields.String(
        required=True, allow_none=True, metadata={"description": "inbox, channel or desk; null while nobody has been reached."}
    )
    sent_at = fields.DateTime(required=True, allow_none=True)
    answer = fields.Nested(GivenAnswerSchema, required=True, allow_none=True)


InvitationPageSchema = page_schema(InvitationSchema, "InvitationPageSchema")


class InvitationListQuery(PageQuery):
    """Which invitations."""

    survey = fields.String(load_default=None, validate=_KEY)
    state = fields.String(load_default=None, validate=validate.OneOf(["waiting", "answered", "expired"]))
    unsent = fields.Boolean(load_default=False, metadata={"description": "Only those whom no message has reached: to be called."})


class InvitationListSchema(Schema):
    """The invitations about one case, newest first."""

    items = fields.List(fields.Nested(InvitationSchema), required=True)


class NewLinkSchema(Schema):
    """A fresh link, shown this once; the one before works no more."""

    link = fields.String(required=True)
    expires_at = fields.DateTime(required=True)


class TelephoneAnswerSchema(Schema):
    """An answer that somebody gave by telephone."""

    survey = fields.String(load_default=None, allow_none=True, validate=_KEY, metadata={"description": "Needed only where several ask."})
    data = fields.Dict(keys=fields.String(), required=True)


class ReopeningSchema(Schema):
    """A case that an answer calls to be opened again, and that is still closed."""

    case = fields.Nested(FeedbackTitleSchema, required=True)
    state = fields.String(required=True, validate=validate.OneOf(["waiting", "refused"]))
    reason = fields.String(required=True, allow_none=True)
    answered_at = fields.DateTime(required=True)
    at = fields.DateTime(required=True)


ReopeningPageSchema = page_schema(ReopeningSchema, "ReopeningPageSchema")


class NewRoundSchema(Schema):
    """A round to be drawn."""

    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True, metadata={"description": "The last day on which answers are taken."})
    wanted = fields.Integer(
        load_default=None,
        allow_none=True,
        validate=validate.Range(1, 10_000),
        metadata={"description": "Of each grid; the survey's own when left out."},
    )
    seed = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 40),
        metadata={"description": "The same seed over the same records draws the same people; one is drawn when left out."},
    )


class RoundAreaSchema(Schema):
    """One grid in a round."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    invited = fields.Integer(required=True)
    answered = fields.Integer(required=True)


class RoundSummarySchema(Schema):
    """A round and how far it is."""

    uuid = fields.UUID(required=True)
    survey = fields.Nested(FeedbackTitleSchema, required=True)
    opens_on = fields.Date(required=True)
    closes_on = fields.Date(required=True)
    seed = fields.String(required=True)
    wanted = fields.Integer(required=True, metadata={"description": "Answers wanted of each grid."})
    grids = fields.Integer(required=True)
    invited = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    codes_issued_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


class RoundListSchema(Schema):
    """The rounds of a survey, newest first."""

    items = fields.List(fields.Nested(RoundSummarySchema), required=True)


class RoundSchema(RoundSummarySchema):
    """A round with its grids."""

    areas = fields.List(fields.Nested(RoundAreaSchema), required=True)


class CodesQuery(Schema):
    """In which file the codes leave."""

    format = fields.String(
        load_default="xlsx", validate=validate.OneOf(["xlsx", "html"]), metadata={"description": "html prints with a QR code each."}
    )
    grid = fields.String(load_default=None, validate=validate.Length(1, 40), metadata={"description": "Only the codes of this grid."})
