"""What goes in and out when signing in. Secrets are load-only and bounded."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from core.lib.text import LOCALES

_SECRET = validate.Length(1, 256)
_CODE = validate.Regexp(r"^\s*\d{6}\s*$")
_ANY_CODE = validate.Regexp(r"^\s*(\d{6}|[0-9A-Za-z]{5}[ -]?[0-9A-Za-z]{5})\s*$")


class SignInSchema(Schema):
    """Who signs in; `code` only with a second factor: one of the app, or a recovery code."""

    username = fields.String(required=True, validate=validate.Length(1, 128))
    password = fields.String(required=True, validate=_SECRET, load_only=True)
    code = fields.String(load_default=None, allow_none=True, validate=_ANY_CODE, load_only=True)


class TokenSignInSchema(SignInSchema):
    """The same for a program; `refresh` asks for a refresh token too."""

    provider = fields.String(load_default="db", validate=validate.OneOf(["db"]))
    refresh = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class TokenSchema(Schema):
    """An access token, good for an hour, and when asked for a refresh token, good once."""

    access_token = fields.String(required=True)
    refresh_token = fields.String()


class PersonSchema(Schema):
    """Who is signed in."""

    id = fields.Integer(required=True)
    username = fields.String(required=True)
    name = fields.String(required=True)


class SessionSchema(Schema):
    """A session that has begun; send `csrf_token` as X-CSRF-Token with every write."""

    user = fields.Nested(PersonSchema, required=True)
    csrf_token = fields.String(required=True)
    must_change_password = fields.Boolean(required=True)


class OriginSchema(Schema):
    """Where the map opens."""

    lon = fields.Float(required=True)
    lat = fields.Float(required=True)


class AgencyChoiceSchema(Schema):
    """An agency in which you hold a role."""

    key = fields.String(required=True)
    title = fields.String(required=True)


class ActingAgencySchema(AgencyChoiceSchema):
    """The agency that this request acts for."""

    origin = fields.Nested(OriginSchema, required=True)
    time_zone = fields.String(required=True, metadata={"description": "Its IANA name; by its clocks people there read every time."})
    scheme = fields.String(required=True, allow_none=True)


class SecondFactorStateSchema(Schema):
    """How it stands with the second factor."""

    enrolled = fields.Boolean(required=True)
    proven = fields.Boolean(required=True, metadata={"description": "This session was opened with it."})
    demanded = fields.Boolean(required=True, metadata={"description": "A role of yours counts only with it."})
    recovery_codes_left = fields.Integer(required=True)


class MeSchema(Schema):
    """Who you are, for whom you act, and what you may do there."""

    user = fields.Nested(PersonSchema, required=True)
    agencies = fields.List(fields.Nested(AgencyChoiceSchema), required=True)
    agency = fields.Nested(ActingAgencySchema, required=True, allow_none=True)
    roles = fields.List(fields.String(), required=True)
    rights = fields.List(fields.String(), required=True)
    department_id = fields.Integer(required=True, allow_none=True)
    locale = fields.String(required=True)
    csrf_token = fields.String(required=True, allow_none=True, metadata={"description": "Null for a program with a token."})
    must_change_password = fields.Boolean(required=True)
    is_installation_admin = fields.Boolean(required=True)
    second_factor = fields.Nested(SecondFactorStateSchema, required=True)


class OwnPasswordSchema(Schema):
    """The current password and the new one."""

    current = fields.String(required=True, validate=_SECRET, load_only=True)
    password = fields.String(required=True, validate=_SECRET, load_only=True)


class LocaleSchema(Schema):
    """The language of texts."""

    locale = fields.String(required=True, validate=validate.OneOf(LOCALES))


class ProofSchema(Schema):
    """The current password, asked again."""

    password = fields.String(required=True, validate=_SECRET, load_only=True)


class CodeSchema(Schema):
    """A code of the authenticator app."""

    code = fields.String(required=True, validate=_CODE, load_only=True)


class EnrolmentSchema(Schema):
    """What the authenticator app needs; shown once."""

    secret = fields.String(required=True)
    uri = fields.String(required=True)
    qr = fields.String(required=True, metadata={"description": "The URI as a QR code: a data: URI of an SVG picture."})


class RecoveryCodesSchema(Schema):
    """Codes that each stand in once for a lost authenticator app; shown now and never again."""

    recovery_codes = fields.List(fields.String(), required=True)
