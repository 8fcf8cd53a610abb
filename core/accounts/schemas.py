"""What goes in and out over HTTP; contact data goes out masked."""

from __future__ import annotations

from datetime import UTC, datetime

from marshmallow import Schema, ValidationError, fields, validate

from core.accounts.types import SCOPES
from core.http.paging import PageQuery, page_schema
from core.lib.text import LOCALES

_KEY = validate.Regexp(r"^[a-z][a-z0-9_.]{1,59}$")
_CODE = validate.Regexp(r"^[\w.-]{1,60}$")
_NAME = (validate.Length(1, 120), validate.Regexp(r"^[^\x00-\x1f]+$"))
_SHORT = (validate.Length(1, 40), validate.Regexp(r"^[^\x00-\x1f]+$"))
_ID = validate.Range(1, 2**63 - 1)
# PostgreSQL's years reach further than Python's; what is stored must be readable again.
_MOMENT = validate.Range(datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
_USER_ID = validate.Range(1, 2**31 - 1)


def _title(value: dict[str, str]) -> None:
    if not value.get("zh_CN"):
        raise ValidationError("Missing data for required field.", "zh_CN")


def _title_field(*, required: bool = False) -> fields.Dict:
    locale, text = fields.String(validate=validate.OneOf(LOCALES)), fields.String(validate=_NAME)
    return fields.Dict(keys=locale, values=text, required=required, validate=_title, metadata={"description": "Texts by language."})


class VersionedSchema(Schema):
    """What every changeable row answers."""

    active = fields.Boolean(required=True)
    version = fields.Integer(required=True)


class AgencySchema(VersionedSchema):
    """One agency."""

    key = fields.String(required=True)
    title = _title_field(required=True)
    origin_lon = fields.Float(required=True)
    origin_lat = fields.Float(required=True)
    time_zone = fields.String(required=True)
    scheme_key = fields.String(required=True, allow_none=True)
    settings = fields.Dict(required=True)


class AgencyChangeSchema(Schema):
    """What may be changed of an agency."""

    title = _title_field()
    origin_lon = fields.Float(validate=validate.Range(-180, 180), allow_nan=False)
    origin_lat = fields.Float(validate=validate.Range(-85, 85), allow_nan=False)
    time_zone = fields.String(validate=validate.Length(1, 60))
    scheme_key = fields.String(validate=_KEY, allow_none=True)
    settings = fields.Dict()


class NewAgencySchema(AgencyChangeSchema):
    """A new agency; a scheme is named once one is shared with it."""

    class Meta:
        """No scheme can be shared with an agency that is not there yet."""

        exclude = ("scheme_key",)

    key = fields.String(required=True, validate=_KEY)
    title = _title_field(required=True)
    origin_lon = fields.Float(required=True, validate=validate.Range(-180, 180), allow_nan=False)
    origin_lat = fields.Float(required=True, validate=validate.Range(-85, 85), allow_nan=False)


class ActiveSchema(Schema):
    """Whether it is in use."""

    active = fields.Boolean(required=True, truthy={True}, falsy={False})


class DepartmentSchema(VersionedSchema):
    """One department; `parent` is a code, null at a root."""

    id = fields.Integer(required=True)
    uuid = fields.UUID(required=True)
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    path = fields.String(required=True)


class DepartmentChangeSchema(Schema):
    """What may be changed of a department."""

    code = fields.String(validate=_CODE)
    name = fields.String(validate=_NAME)
    kind = fields.String(validate=_SHORT)


class NewDepartmentSchema(DepartmentChangeSchema):
    """A new department."""

    code = fields.String(required=True, validate=_CODE)
    name = fields.String(required=True, validate=_NAME)
    parent = fields.String(validate=_CODE, allow_none=True, metadata={"description": "Code of the department above; null for a root."})


class MoveSchema(Schema):
    """Where a department goes."""

    parent = fields.String(required=True, validate=_CODE, allow_none=True)


class DepartmentQuery(PageQuery):
    """Which departments."""

    kind = fields.String(validate=_SHORT)
    active = fields.Boolean()


class MemberSchema(VersionedSchema):
    """One member of the agency; contact data is masked."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)
    locale = fields.String(required=True, allow_none=True)
    department_id = fields.Integer(required=True, allow_none=True)
    post_id = fields.Integer(required=True, allow_none=True)
    employee_number = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True, metadata={"description": "Masked; GET …/contact gives it whole."})
    id_number = fields.String(required=True, allow_none=True, metadata={"description": "Masked."})
    is_home = fields.Boolean(required=True, metadata={"description": "Whether this agency manages the person's sign-in."})


class MemberChangeSchema(Schema):
    """What may be changed of a member. A masked value sent back changes nothing."""

    name = fields.String(validate=(validate.Length(1, 64), validate.Regexp(r"^[^\x00-\x1f]+$")))
    email = fields.Email(allow_none=True, validate=validate.Length(max=320))
    locale = fields.String(validate=validate.OneOf(LOCALES), allow_none=True)
    department_id = fields.Integer(strict=True, validate=_ID, allow_none=True)
    post_id = fields.Integer(strict=True, validate=_ID, allow_none=True)
    employee_number = fields.String(validate=_SHORT, allow_none=True)
    phone = fields.String(validate=validate.Regexp(r"^[0-9+*() -]{3,40}$"), allow_none=True)
    id_number = fields.String(validate=validate.Regexp(r"^[0-9A-Za-z*-]{3,40}$"), allow_none=True)


class NewMemberSchema(MemberChangeSchema):
    """A new person."""

    username = fields.String(required=True, validate=validate.Regexp(r"^[\w.@+-]{2,64}$"))
    name = fields.String(required=True, validate=(validate.Length(1, 64), validate.Regexp(r"^[^\x00-\x1f]+$")))
    password = fields.String(
        validate=validate.Length(1, 128), load_only=True, metadata={"description": "Left out, the person cannot sign in yet."}
    )


class JoinSchema(Schema):
    """A person of another agency who joins this one."""

    username = fields.String(required=True, validate=validate.Length(1, 64))
    department_id = fields.Integer(strict=True, validate=_ID, load_default=None, allow_none=True)


class ContactSchema(Schema):
    """Contact data in full; every look is audited."""

    phone = fields.String(required=True, allow_none=True)
    id_number = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)


class MemberQuery(PageQuery):
    """Which members."""

    department = fields.String(validate=_CODE, metadata={"description": "Code; with all departments below it."})
    search = fields.String(
        validate=validate.Length(1, 60), metadata={"description": "The beginning of a name, its pinyin, a user name or an employee number."}
    )
    active = fields.Boolean()


class PasswordSchema(Schema):
    """A password set for somebody else."""

    password = fields.String(required=True, validate=validate.Length(1, 128), load_only=True)


class HandOverSchema(Schema):
    """Who takes over."""

    to = fields.Integer(required=True, strict=True, validate=_USER_ID, metadata={"description": "User id, or the department's id."})


class CountsSchema(Schema):
    """How much was moved or found, by kind."""

    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class OpenItemSchema(Schema):
    """One thing in hand."""

    kind = fields.String(required=True)
    subject = fields.String(required=True)
    title = fields.String(required=True)


class OpenWorkSchema(Schema):
    """Everything in hand."""

    items = fields.List(fields.Nested(OpenItemSchema), required=True)


class RoleSchema(VersionedSchema):
    """One role of the agency."""

    key = fields.String(required=True)
    title = _title_field(required=True)
    rights = fields.List(fields.String(), required=True)
    excludes = fields.List(fields.String(), required=True)
    scope = fields.String(required=True)
    requires_second_factor = fields.Boolean(required=True)
    from_definition = fields.Boolean(required=True)


class RoleChangeSchema(Schema):
    """What may be changed of a role."""

    title = _title_field()
    rights = fields.List(fields.String(validate=validate.Length(1, 120)), validate=validate.Length(max=500))
    excludes = fields.List(fields.String(validate=validate.Length(1, 120)), validate=validate.Length(max=100))
    scope = fields.String(validate=validate.OneOf(SCOPES))
    requires_second_factor = fields.Boolean(truthy={True}, falsy={False})


class NewRoleSchema(RoleChangeSchema):
    """A new role."""

    key = fields.String(required=True, validate=_KEY)
    title = _title_field(required=True)
    rights = fields.List(fields.String(validate=validate.Length(1, 120)), required=True, validate=validate.Length(max=500))


class RightSchema(Schema):
    """One right that a role may bundle."""

    key = fields.String(required=True)
    title = fields.String(required=True)
    reads_personal_data = fields.Boolean(required=True)


class RightListSchema(Schema):
    """Every right there is."""

    items = fields.List(fields.Nested(RightSchema), required=True)


class AssignmentSchema(Schema):
    """One role held by one person at one place."""

    id = fields.Integer(required=True)
    user_id = fields.Integer(required=True)
    role = fields.String(required=True)
    grid_id = fields.Integer(required=True, allow_none=True)
    department_id = fields.Integer(required=True, allow_none=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_to = fields.AwareDateTime(required=True, allow_none=True)


class NewAssignmentSchema(Schema):
    """A role to be given. Left-out places mean everywhere in the agency."""

    user_id = fields.Integer(required=True, strict=True, validate=_USER_ID)
    role = fields.String(required=True, validate=validate.Length(1, 120))
    grid_id = fields.Integer(strict=True, validate=_ID, load_default=None, allow_none=True)
    department_id = fields.Integer(strict=True, validate=_ID, load_default=None, allow_none=True)
    valid_from = fields.AwareDateTime(load_default=None, allow_none=True, validate=_MOMENT)
    valid_to = fields.AwareDateTime(load_default=None, allow_none=True, validate=_MOMENT)


class AssignmentQuery(PageQuery):
    """Which assignments."""

    user_id = fields.Integer(validate=_USER_ID)
    role = fields.String(validate=validate.Length(1, 120))


class TeamMemberSchema(Schema):
    """One member of a team."""

    user_id = fields.Integer(required=True, strict=True, validate=_USER_ID)
    is_lead = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class TeamSchema(VersionedSchema):
    """One team."""

    id = fields.Integer(required=True)
    uuid = fields.UUID(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    department_id = fields.Integer(required=True, allow_none=True)


class TeamDetailSchema(TeamSchema):
    """One team with its members."""

    members = fields.List(fields.Nested(TeamMemberSchema), required=True)


class TeamChangeSchema(Schema):
    """What may be changed of a team."""

    name = fields.String(validate=_NAME)
    kind = fields.String(validate=_SHORT)
    department_id = fields.Integer(strict=True, validate=_ID, allow_none=True)
    active = fields.Boolean(truthy={True}, falsy={False})


class NewTeamSchema(Schema):
    """A new team."""

    key = fields.String(required=True, validate=_KEY)
    name = fields.String(required=True, validate=_NAME)
    kind = fields.String(validate=_SHORT, load_default="team")
    department_id = fields.Integer(strict=True, validate=_ID, load_default=None, allow_none=True)
    members = fields.List(fields.Integer(strict=True, validate=_USER_ID), load_default=list, validate=validate.Length(max=500))


class TeamMembersSchema(Schema):
    """The whole team."""

    members = fields.List(fields.Nested(TeamMemberSchema), required=True, validate=validate.Length(max=500))


class ResponsibilitySchema(Schema):
    """Who is in charge of one grid, and as what."""

    id = fields.Integer(required=True)
    grid_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    user_id = fields.Integer(required=True, allow_none=True)
    team_id = fields.Integer(required=True, allow_none=True)
    valid_from = fields.AwareDateTime(required=True, allow_none=True)
    valid_to = fields.AwareDateTime(required=True, allow_none=True)


class NewResponsibilitySchema(Schema):
    """Somebody put in charge: a member or a team."""

    grid_id = fields.Integer(required=True, strict=True, validate=_ID)
    kind = fields.String(required=True, validate=_SHORT)
    user_id = fields.Integer(strict=True, validate=_USER_ID, load_default=None, allow_none=True)
    team_id = fields.Integer(strict=True, validate=_ID, load_default=None, allow_none=True)
    valid_from = fields.AwareDateTime(load_default=None, allow_none=True, validate=_MOMENT)
    valid_to = fields.AwareDateTime(load_default=None, allow_none=True, validate=_MOMENT)


class ResponsibilityQuery(PageQuery):
    """Which responsibilities."""

    user_id = fields.Integer(validate=_USER_ID)
    grid_id = fields.Integer(validate=_ID)


class PostSchema(Schema):
    """One post that members hold."""

    id = fields.Integer(required=True)
    key = fields.String(required=True)
    title = _title_field(required=True)
    active = fields.Boolean(required=True)


class NewPostSchema(Schema):
    """A new post."""

    key = fields.String(required=True, validate=_KEY)
    title = _title_field(required=True)


PostPageSchema = page_schema(PostSchema, "PostPage")
AgencyPageSchema = page_schema(AgencySchema, "AgencyPage")
DepartmentPageSchema = page_schema(DepartmentSchema, "DepartmentPage")
MemberPageSchema = page_schema(MemberSchema, "MemberPage")
RolePageSchema = page_schema(RoleSchema, "RolePage")
AssignmentPageSchema = page_schema(AssignmentSchema, "AssignmentPage")
TeamPageSchema = page_schema(TeamSchema, "TeamPage")
ResponsibilityPageSchema = page_schema(ResponsibilitySchema, "ResponsibilityPage")
