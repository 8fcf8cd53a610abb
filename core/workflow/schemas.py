"""What cases look like over HTTP."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.calendar import Unit
from core.http.paging import PageQuery, page_schema

NUMBER = {"description": "Readable and unique: day and serial."}


class NamedKeySchema(Schema):
    """A key or code with its name."""

    key = fields.String(required=True)
    title = fields.String(required=True)


class CaseGridSchema(Schema):
    """A grid."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class LimitLeftSchema(Schema):
    """What is left of a time limit, in its own unit."""

    amount = fields.Float(required=True, metadata={"description": "Below zero when the limit was used up before."})
    unit = fields.String(required=True, validate=validate.OneOf([str(unit) for unit in Unit]))


class StoppedClockSchema(Schema):
    """A clock that stands, as in a suspended case."""

    since = fields.DateTime(required=True)
    left = fields.Nested(LimitLeftSchema, required=True)


class CaseSummarySchema(Schema):
    """One case in a list."""

    number = fields.String(required=True, metadata=NUMBER)
    title = fields.String(required=True)
    workflow = fields.String(required=True)
    kind = fields.String(required=True, allow_none=True)
    state = fields.Nested(NamedKeySchema, required=True)
    category = fields.String(required=True, validate=validate.OneOf(["open", "closed"]))
    class_code = fields.String(required=True, allow_none=True)
    class_title = fields.String(required=True, allow_none=True)
    grid = fields.Nested(CaseGridSchema, required=True, allow_none=True)
    department = fields.Nested(NamedKeySchema, required=True, allow_none=True)
    located = fields.String(
        required=True, metadata={"description": "inside, near (a border), outside (every grid), assigned (by hand), none"}
    )
    lon = fields.Float(required=True, allow_none=True)
    lat = fields.Float(required=True, allow_none=True)
    reported_at = fields.DateTime(required=True)
    state_entered_at = fields.DateTime(required=True)
    due_at = fields.DateTime(required=True, allow_none=True)
    warn_at = fields.DateTime(required=True, allow_none=True)
    light = fields.String(required=True, validate=validate.OneOf(["green", "yellow", "red", "none"]))
    stopped = fields.Nested(
        StoppedClockSchema, required=True, allow_none=True, metadata={"description": "Null while the clock runs, or none is set."}
    )
    is_provisional = fields.Boolean(
        required=True, metadata={"description": "The deadline runs into a year whose holidays are not published yet."}
    )
    is_mine = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class TaskCountsSchema(Schema):
    """How many tasks wait for me."""

    all = fields.Integer(required=True)
    yellow = fields.Integer(required=True)
    red = fields.Integer(required=True)


CasePageSchema = page_schema(CaseSummarySchema, "CasePageSchema")


class TaskPageSchema(CasePageSchema):  # type: ignore[misc, valid-type]
    """A page of my tasks, with the counts of all."""

    counts = fields.Nested(TaskCountsSchema, required=True)


class CaseEventSchema(Schema):
    """One step of a case's history."""

    sequence = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    verb = fields.String(required=True)
    title = fields.String(required=True)
    actor = fields.String(required=True, allow_none=True)
    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    to_title = fields.String(required=True)
    form = fields.String(required=True, allow_none=True)
    form_version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Which version it was made with; see GET /form-versions/{id}."}
    )
    data = fields.Dict(required=True)
    seconds = fields.Float(required=True, allow_none=True, metadata={"description": "How long the case had been in the state it left."})
    in_time = fields.Boolean(required=True, allow_none=True)


class CaseAttachmentSchema(Schema):
    """A photo or file of a case."""

    uuid = fields.UUID(required=True)
    sequence = fields.Integer(required=True)
    field = fields.String(required=True)
    name = fields.String(required=True)
    content_type = fields.String(required=True)
    url = fields.String(required=True)
    thumbnail_url = fields.String(required=True, allow_none=True)


class SubCaseSchema(Schema):
    """A part of a case that another department handles."""

    number = fields.String(required=True)
    state = fields.Nested(NamedKeySchema, required=True)


class CaseSchema(CaseSummarySchema):
    """One case, whole."""

    uuid = fields.UUID(required=True)
    source = fields.String(required=True, allow_none=True)
    condition = fields.String(required=True, allow_none=True)
    condition_title = fields.String(required=True, allow_none=True)
    data = fields.Dict(required=True, metadata={"description": "The report as it was checked and stored."})
    personal = fields.Dict(required=True, metadata={"description": "Personal values; masked without the right to them."})
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    requests = fields.List(fields.String(), required=True, metadata={"description": "Applications that wait for an answer."})
    closed_at = fields.DateTime(required=True, allow_none=True)
    events = fields.List(fields.Nested(CaseEventSchema), required=True)
    people = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "The names of everybody who has had to do with the case, by the number that stands in data."},
    )
    departments = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "The names of the departments that have had the case or a part of it, by the number that stands in data."},
    )
    attachments = fields.List(fields.Nested(CaseAttachmentSchema), required=True)
    parent = fields.String(required=True, allow_none=True)
    sub_cases = fields.List(fields.Nested(SubCaseSchema), required=True)


class NewCaseSchema(Schema):
    """What a reporter is told."""

    number = fields.String(required=True, metadata=NUMBER)
    state = fields.String(required=True)
    version = fields.Integer(required=True)


class ReportSchema(Schema):
    """A report: the workflow it starts and the form of its first step."""

    workflow = fields.String(required=True, validate=validate.Length(1, 120))
    data = fields.Dict(required=True, metadata={"description": "The fields of the workflow's report form; see GET /forms/{key}/schema."})


class TransitionBodySchema(Schema):
    """A step to take, with its form."""

    transition = fields.String(required=True, validate=validate.Length(1, 40))
    data = fields.Dict(load_default=dict, metadata={"description": "The fields of the transition's form."})


class MovedSchema(Schema):
    """Where the case is after the step."""

    number = fields.String(required=True)
    state = fields.String(required=True)
    category = fields.String(required=True)
    version = fields.Integer(required=True)
    due_at = fields.DateTime(required=True, allow_none=True)


class OfferSchema(Schema):
    """A step that I have a right to from here."""

    verb = fields.String(required=True)
    title = fields.String(required=True)
    form = fields.String(required=True, allow_none=True)
    to = fields.String(required=True)
    level = fields.Integer(required=True, allow_none=True)
    answers = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The verbs that ask for what this one grants or refuses; empty for any other step."},
    )
    allowed = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)


class OfferListSchema(Schema):
    """The steps that I have a right to from here."""

    items = fields.List(fields.Nested(OfferSchema), required=True)


class HintSchema(Schema):
    """A case near a place that may be the same matter."""

    number = fields.String(required=True)
    title = fields.String(required=True)
    class_code = fields.String(required=True, allow_none=True)
    class_title = fields.String(required=True, allow_none=True)
    state = fields.Nested(NamedKeySchema, required=True)
    metres = fields.Float(required=True)
    reported_at = fields.DateTime(required=True)
    is_likely_duplicate = fields.Boolean(
        required=True, metadata={"description": "Same class within the distance and time of the workflow."}
    )


class HintListSchema(Schema):
    """Cases near a place."""

    items = fields.List(fields.Nested(HintSchema), required=True)


class GridAssignmentSchema(Schema):
    """The grid that a case outside every grid shall belong to."""

    grid = fields.String(required=True, validate=validate.Length(1, 40))


class CaseListQuery(PageQuery):
    """What a list of cases may be narrowed to."""

    state = fields.String(validate=validate.Length(1, 60))
    class_code = fields.String(validate=validate.Length(1, 40))
    grid = fields.String(validate=validate.Length(1, 40), metadata={"description": "Code of a grid of any level; all below it count."})
    department = fields.String(validate=validate.Length(1, 60))
    q = fields.String(validate=validate.Length(1, 100), metadata={"description": "Start of the number, or part of the title."})
    open = fields.Boolean(truthy={"true"}, falsy={"false"})
    filter = fields.String(validate=validate.Length(1, 2000), metadata={"description": "A condition in the rule language."})
    sort = fields.String(load_default="-reported_at", validate=validate.OneOf(["-reported_at", "due_at"]))


class HintQuery(Schema):
    """Where a new report would be."""

    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    class_code = fields.String(validate=validate.Length(1, 40))
    workflow = fields.String(required=True, validate=validate.Length(1, 120))


class MigrationBodySchema(Schema):
    """What a move to the present version of a workflow shall do."""

    dry_run = fields.Boolean(
        load_default=True, truthy={True}, falsy={False}, metadata={"description": "Say what would happen, and move nothing."}
    )
    states = fields.Dict(
        keys=fields.String(validate=validate.Length(1, 60)),
        values=fields.String(validate=validate.Length(1, 60)),
        load_default=dict,
        metadata={"description": "Where the cases of a state go: old state to new state. A state that is not named keeps its key."},
    )


class FateSchema(Schema):
    """What becomes of one case."""

    number = fields.String(required=True, metadata=NUMBER)
    from_version = fields.Integer(required=True)
    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    moves = fields.Boolean(required=True)
    notes = fields.List(fields.String(), required=True)
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why it cannot be moved."})


class MigrationSchema(Schema):
    """What a move did, or a dry run found."""

    workflow = fields.String(required=True)
    to_version = fields.Integer(required=True)
    dry_run = fields.Boolean(required=True)
    stuck = fields.Integer(required=True, metadata={"description": "How many cases cannot be moved."})
    items = fields.List(fields.Nested(FateSchema), required=True)


class ErasedSchema(Schema):
    """How many personal values went."""

    erased = fields.Integer(required=True)
