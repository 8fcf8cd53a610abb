"""What scores and publications look like over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.http.paging import PageQuery, page_schema

PERIOD = {
    "description": "2026-03 (month), 2026-03-a (first half), 2026-W12, 2026-Q1, 2026-H1, 2026, or 2026-03-05..2026-03-20 (both days in)."
}
SUBJECT = {
    "description": "grid:110101010, own:110101010 (what lies on an area itself), department:E02, person:17, whole (a post as a whole), "
    "nobody (what no person did), outside (every grid)."
}
PARTS = ("counted", "base", "exempted", "missed")
_KEY = validate.Length(1, 100)
_PERIOD = validate.Length(4, 24)


class ScoreTitleSchema(Schema):
    """A key with its title."""

    key = fields.String(required=True)
    title = fields.String(required=True)


class ScorePeriodSchema(Schema):
    """One period, from the beginning of its first day to the end of its last by the agency's clocks."""

    key = fields.String(required=True, metadata=PERIOD)
    kind = fields.String(required=True, metadata={"description": "half_month, week, month, quarter, half_year, year or free."})
    title = fields.String(required=True)
    starts_on = fields.Date(required=True)
    ends_on = fields.Date(required=True, metadata={"description": "The last day of it."})
    is_over = fields.Boolean(required=True)


class ScoreGradeSchema(Schema):
    """A grade of a score, and from which score on it is given."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    colour = fields.String(required=True)
    from_ = fields.Float(required=True, data_key="from")


class ScoreStepSchema(Schema):
    """One step of a table of points: above the step before, up to and with its own bound; or from a bound on, up to the next step."""

    from_ = fields.Float(
        required=True, allow_none=True, data_key="from", metadata={"description": "Set in tables that are read from below."}
    )
    up_to = fields.Float(required=True, allow_none=True, metadata={"description": "Null takes the rest."})
    points = fields.Float(required=True)


class ScoreLineSchema(Schema):
    """One line of a scorecard: what is counted and what it weighs."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    help = fields.String(required=True, allow_none=True)
    kind = fields.String(
        required=True, metadata={"description": "count, rate, ratio, mean, share, items, deduction, target or score (a part)."}
    )
    unit = fields.String(required=True, allow_none=True)
    better = fields.String(required=True, allow_none=True, validate=validate.OneOf(["higher", "lower"]))
    weight = fields.Float(required=True, allow_none=True, metadata={"description": "Null for what is shown beside the score."})
    steps = fields.List(fields.Nested(ScoreStepSchema), required=True, metadata={"description": "Empty where a rate itself is the points."})
    part_of = fields.String(required=True, allow_none=True, metadata={"description": "The scorecard whose score this part is."})


class ScorecardSummarySchema(Schema):
    """One scorecard in a list."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    method = fields.String(required=True, metadata={"description": "weighted, composite, deduction, inspection or target."})
    subject_kind = fields.String(required=True, metadata={"description": "grid, department, person, team, post, record or agency."})
    levels = fields.List(fields.Nested(ScoreTitleSchema), required=True, metadata={"description": "Levels of areas, largest first."})
    periods = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)
    in_force_since = fields.DateTime(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)


class ScorecardListSchema(Schema):
    """Every scorecard whose scores you may see some of."""

    items = fields.List(fields.Nested(ScorecardSummarySchema), required=True)


class ScorecardSchema(ScorecardSummarySchema):
    """One scorecard, whole."""

    lines = fields.List(fields.Nested(ScoreLineSchema), required=True)
    also = fields.List(fields.Nested(ScoreLineSchema), required=True, metadata={"description": "Shown beside, without weight."})
    grades = fields.List(fields.Nested(ScoreGradeSchema), required=True, metadata={"description": "Best first."})


class ScoreSubjectSchema(Schema):
    """Who or what is scored."""

    key = fields.String(required=True, metadata=SUBJECT)
    kind = fields.String(required=True)
    code = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    level = fields.String(required=True, allow_none=True, metadata={"description": "Level of an area."})
    parent = fields.String(required=True, allow_none=True, metadata={"description": "Subject of the area or department above."})
    note = fields.String(required=True, allow_none=True, metadata={"description": "That it was split, was closed, or has left."})


class ScoreCellSchema(Schema):
    """One line of one subject: the counts it is made of, its value, and its points."""

    key = fields.String(required=True)
    counted = fields.Integer(required=True, metadata={"description": "What is above the fraction line."})
    base = fields.Integer(required=True, metadata={"description": "What is below it; for a number, the number itself."})
    exempted = fields.Integer(required=True)
    value = fields.Float(required=True, allow_none=True, metadata={"description": "Of a rate in percent. Null: no data."})
    text = fields.String(required=True, metadata={"description": "The value with its counts as people read it, such as 2.5（10 ÷ 4）."})
    points = fields.Float(required=True, allow_none=True)
    weight = fields.Float(required=True, allow_none=True)
    effective = fields.Float(
        required=True, allow_none=True, metadata={"description": "The weight after lines without data gave theirs away."}
    )


class ScoreRowSchema(Schema):
    """One subject with its score and every line."""

    subject = fields.Nested(ScoreSubjectSchema, required=True)
    score = fields.Float(required=True, allow_none=True, metadata={"description": "Null: no data."})
    grade = fields.String(required=True, allow_none=True, metadata={"description": "Key of one of the grades."})
    rank = fields.Integer(required=True, allow_none=True)
    is_ranked = fields.Boolean(required=True)
    volume = fields.Integer(required=True, allow_none=True)
    cells = fields.List(fields.Nested(ScoreCellSchema), required=True)
    also = fields.List(fields.Nested(ScoreCellSchema), required=True)
    notes = fields.List(
        fields.String(), required=True, metadata={"description": "Whole sentences: which line has no data, too few cases to rank."}
    )


class PublicationHintSchema(Schema):
    """The newest publication of a card and period."""

    uuid = fields.UUID(required=True)
    revision = fields.Integer(required=True)
    published_at = fields.DateTime(required=True)


class ScoreTimesSchema(Schema):
    """How fresh the numbers are."""

    as_of = fields.DateTime(required=True, metadata={"description": "Everything up to here is counted."})
    lag_seconds = fields.Float(required=True, metadata={"description": "How far behind the cases that is."})


class ScoreBoardSchema(ScoreTimesSchema):
    """One page of the scores of one card."""

    scorecard = fields.Nested(ScorecardSchema, required=True)
    period = fields.Nested(ScorePeriodSchema, required=True)
    level = fields.String(required=True, allow_none=True)
    below = fields.Nested(ScoreSubjectSchema, required=True, allow_none=True)
    publication = fields.Nested(PublicationHintSchema, required=True, allow_none=True)
    items = fields.List(fields.Nested(ScoreRowSchema), required=True)
    total = fields.Integer(required=True, metadata={"description": "Rows of all pages."})
    next = fields.String(required=True, allow_none=True, metadata={"description": "Send as `after` for the next page; null at the end."})


class ScoreBoardsSchema(ScoreTimesSchema):
    """The whole boards of several cards, counted in one transaction."""

    period = fields.Nested(ScorePeriodSchema, required=True)
    items = fields.List(fields.Nested(ScoreBoardSchema), required=True)


class ScoreTrendPointSchema(Schema):
    """One period of a subject's past."""

    period = fields.Nested(ScorePeriodSchema, required=True)
    score = fields.Float(required=True, allow_none=True)
    grade = fields.String(required=True, allow_none=True)
    rank = fields.Integer(required=True, allow_none=True)
    is_published = fields.Boolean(required=True, metadata={"description": "Frozen; otherwise as it stands now."})


class SubjectScoreSchema(ScoreTimesSchema):
    """One subject: its score, what lies below it, and its last periods."""

    scorecard = fields.Nested(ScorecardSchema, required=True)
    period = fields.Nested(ScorePeriodSchema, required=True)
    publication = fields.Nested(PublicationHintSchema, required=True, allow_none=True)
    row = fields.Nested(ScoreRowSchema, required=True)
    children = fields.List(fields.Nested(ScoreRowSchema), required=True)
    trend = fields.List(fields.Nested(ScoreTrendPointSchema), required=True, metadata={"description": "Oldest first."})


class FactPlaceSchema(Schema):
    """An area or department by code."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class FactSchema(Schema):
    """One thing that was counted: nothing of it is personal."""

    number = fields.String(required=True, allow_none=True, metadata={"description": "Number of the case; null for what is no case."})
    may_open = fields.Boolean(required=True, metadata={"description": "Whether the case itself is open to you."})
    class_title = fields.String(required=True, allow_none=True)
    state = fields.Nested(ScoreTitleSchema, required=True, allow_none=True)
    grid = fields.Nested(FactPlaceSchema, required=True, allow_none=True)
    department = fields.Nested(FactPlaceSchema, required=True, allow_none=True)
    limit = fields.String(required=True, allow_none=True, metadata={"description": "Title of the limit that ran."})
    verb = fields.String(required=True, allow_none=True, metadata={"description": "Title of the step that ended it."})
    began_at = fields.DateTime(required=True, allow_none=True, metadata={"description": "Reported, given or begun."})
    due_at = fields.DateTime(required=True, allow_none=True)
    ended_at = fields.DateTime(required=True, allow_none=True, metadata={"description": "Handled, or the step that ended it."})
    closed_at = fields.DateTime(required=True, allow_none=True)
    is_late = fields.Boolean(required=True, allow_none=True)
    verdict = fields.String(required=True, validate=validate.OneOf(["counted", "missed", "exempted"]))
    exemption = fields.String(required=True, allow_none=True, metadata={"description": "Why it does not count, such as 申诉成立."})
    value = fields.Float(required=True, allow_none=True, metadata={"description": "What it adds to a mean, or the points it takes."})


class FactPageSchema(page_schema(FactSchema, "FactPage")):  # type: ignore[misc]
    """A page of what stands behind one number; all pages together are as many as the number says."""

    part = fields.String(required=True, validate=validate.OneOf(PARTS))
    total = fields.Integer(required=True)


class PublicationSchema(Schema):
    """Scores of one card and period, frozen: for good once published."""

    uuid = fields.UUID(required=True)
    scorecard = fields.Nested(ScoreTitleSchema, required=True)
    scorecard_version = fields.Integer(required=True)
    period = fields.Nested(ScorePeriodSchema, required=True)
    revision = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(["proposed", "published"]))
    is_newest = fields.Boolean(required=True, metadata={"description": "Whether no later revision has been published."})
    reason = fields.String(required=True)
    as_of = fields.DateTime(required=True)
    created_at = fields.DateTime(required=True)
    created_by = fields.String(required=True, allow_none=True)
    published_at = fields.DateTime(required=True, allow_none=True)
    published_by = fields.String(required=True, allow_none=True)
    cases = fields.Integer(required=True, metadata={"description": "Cases whose facts were frozen."})
    digest = fields.String(required=True, metadata={"description": "SHA-256 over the histories of these cases."})
    formula = fields.Dict(required=True, metadata={"description": "Which version of each definition made the numbers."})
    formula_digest = fields.String(required=True)


PublicationPageSchema = page_schema(PublicationSchema, "PublicationPage")


class PublicationListSchema(Schema):
    """What one act of publishing made."""

    items = fields.List(fields.Nested(PublicationSchema), required=True)


class PublicationPendingSchema(Schema):
    """What may still change the numbers of the period."""

    appeals = fields.Integer(required=True, metadata={"description": "Cases with an application that waits for an answer."})
    open_cases = fields.Integer(required=True, metadata={"description": "Cases of the period that are not closed."})


class PublicationPreviewSchema(Schema):
    """What publishing now would freeze."""

    period = fields.Nested(ScorePeriodSchema, required=True)
    as_of = fields.DateTime(required=True)
    may_publish = fields.Boolean(required=True)
    reason_if_not = fields.String(required=True, allow_none=True)
    pending = fields.Nested(PublicationPendingSchema, required=True)
    published = fields.List(fields.Nested(PublicationSchema), required=True, metadata={"description": "What is published of it already."})


class ResultsSchema(Schema):
    """The frozen scores of a publication, or a page of them."""

    publication = fields.Nested(PublicationSchema, required=True)
    scorecard = fields.Nested(ScorecardSchema, required=True, metadata={"description": "As it was when the scores were frozen."})
    items = fields.List(fields.Nested(ScoreRowSchema), required=True)
    total = fields.Integer(required=True)
    next = fields.String(required=True, allow_none=True)


class LateStepSchema(Schema):
    """A step that came after the scores were frozen."""

    sequence = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    verb = fields.String(required=True)
    title = fields.String(required=True)
    actor = fields.String(required=True, allow_none=True)


class LateCaseSchema(Schema):
    """A case of the period that has gone on since, or has newly come into it."""

    number = fields.String(required=True)
    may_open = fields.Boolean(required=True)
    is_new = fields.Boolean(required=True, metadata={"description": "It was not there when the scores were frozen."})
    changes_numbers = fields.Boolean(required=True)
    steps = fields.List(fields.Nested(LateStepSchema), required=True)


class LateEventsSchema(page_schema(LateCaseSchema, "LateEvents")):  # type: ignore[misc]
    """What happened to the cases of a publication since; nothing of it is in the numbers."""

    total = fields.Integer(required=True)
    proposal = fields.UUID(required=True, allow_none=True, metadata={"description": "The proposed revision that takes it in."})


class DifferenceValueSchema(Schema):
    """One number before and after."""

    name = fields.String(required=True, metadata={"description": "counted, base, exempted, value, points or effective."})
    before = fields.Float(required=True, allow_none=True)
    after = fields.Float(required=True, allow_none=True)


class DifferenceLineSchema(Schema):
    """What changed in one line."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    changes = fields.List(fields.Nested(DifferenceValueSchema), required=True)


class DifferenceSchema(Schema):
    """What changed for one subject."""

    subject = fields.Nested(ScoreSubjectSchema, required=True)
    score_before = fields.Float(required=True, allow_none=True)
    score_after = fields.Float(required=True, allow_none=True)
    grade_before = fields.String(required=True, allow_none=True)
    grade_after = fields.String(required=True, allow_none=True)
    rank_before = fields.Integer(required=True, allow_none=True)
    rank_after = fields.Integer(required=True, allow_none=True)
    lines = fields.List(fields.Nested(DifferenceLineSchema), required=True)


class DifferencesSchema(Schema):
    """A revision beside what was published before it: every subject that differs, and the cases that made it so."""

    before = fields.Nested(PublicationSchema, required=True)
    after = fields.Nested(PublicationSchema, required=True)
    items = fields.List(fields.Nested(DifferenceSchema), required=True)
    cases = fields.List(fields.Nested(LateCaseSchema), required=True)


class BoardQuery(PageQuery):
    """Which scores of a card."""

    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    level = fields.String(validate=validate.Length(1, 60), metadata={"description": "Level of areas; the largest when left out."})
    below = fields.String(validate=validate.Length(1, 100), metadata={"description": "Subject whose direct parts are wanted."})
    sort = fields.String(
        load_default="rank",
        validate=validate.Regexp(r"^-?(rank|name|score|[a-z][a-z0-9_]*)$"),
        metadata={"description": "rank, name, or key of a line; - turns it round."},
    )


class BoardsQuery(Schema):
    """Which cards' boards."""

    scorecards = fields.String(required=True, validate=validate.Length(1, 2000), metadata={"description": "Keys with commas between."})
    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)


class SubjectScoreQuery(Schema):
    """Which period of a subject."""

    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    periods = fields.Integer(load_default=12, validate=validate.Range(1, 36), metadata={"description": "How far back the trend goes."})


class FactsQuery(PageQuery):
    """Which list behind a number."""

    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    part = fields.String(load_default="base", validate=validate.OneOf(PARTS))


class PublicationQuery(PageQuery):
    """Which publications."""

    scorecard = fields.String(validate=_KEY)
    period = fields.String(validate=_PERIOD, metadata=PERIOD)
    state = fields.String(validate=validate.OneOf(["proposed", "published"]))


class PreviewQuery(Schema):
    """What is about to be published."""

    scorecards = fields.String(required=True, validate=validate.Length(1, 2000), metadata={"description": "Keys with commas between."})
    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)


class PublishBodySchema(Schema):
    """Freeze the scores of these cards for one period."""

    scorecards = fields.List(fields.String(validate=_KEY), required=True, validate=validate.Length(1, 50))
    period = fields.String(required=True, validate=_PERIOD, metadata=PERIOD)
    reason = fields.String(load_default="", validate=validate.Length(max=500))


class RevisionReasonSchema(Schema):
    """Why a proposed revision is put into force."""

    reason = fields.String(required=True, validate=validate.Length(1, 500))


class ResultsQuery(PageQuery):
    """Which frozen scores."""

    level = fields.String(validate=validate.Length(1, 60))
    below = fields.String(validate=validate.Length(1, 100))


class FrozenFactsQuery(PageQuery):
    """Which list behind a frozen number."""

    subject = fields.String(required=True, validate=validate.Length(1, 100), metadata=SUBJECT)
    line = fields.String(required=True, validate=validate.Length(1, 60))
    part = fields.String(load_default="base", validate=validate.OneOf(PARTS))


class BulletinQuery(Schema):
    """In which form the bulletin is wanted."""

    format = fields.String(load_default="html", validate=validate.OneOf(["html", "xlsx"]))
