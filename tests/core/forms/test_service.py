"""Forms with the database behind them: what a value names has to exist in the agency."""

from __future__ import annotations

from uuid import uuid4

import pytest
from marshmallow import ValidationError
from sqlalchemy import insert, update

from core.accounts.models import Department, Member
from core.attachments.models import Attachment
from core.db.engine import AgencySession
from core.definitions import service as definitions
from core.definitions import store
from core.definitions.permissions import DefinitionRight
from core.forms import service
from core.forms.context import DatabaseContext, register_kind
from core.forms.schemas import marshmallow_schema
from core.grid import service as grids
from core.grid.permissions import GridRight
from core.lib.errors import Invalid, NotFound
from core.testing.fixtures import NOON
from core.testing.people import make_person

LABEL = {"zh_CN": "名", "en": "Name"}
FIELDS = [
    {"id": "who", "type": "person", "label": LABEL},
    {"id": "office", "type": "department", "label": LABEL},
    {"id": "place", "type": "grid", "label": LABEL, "scheme": "forms_scheme", "level": "community"},
    {"id": "photos", "type": "photo", "label": LABEL},
    {"id": "waste", "type": "catalogue", "label": LABEL, "catalogue": "own.waste"},
    {"id": "note", "type": "text", "label": LABEL, "personal": True},
]
ITEMS = [{"code": "01", "title": LABEL}, {"code": "0101", "parent": "01", "title": LABEL}]


@pytest.fixture
def actor(make_actor):
    return make_actor({*DefinitionRight, *GridRight})


@pytest.fixture
def form(session, actor):
    """Publish the form, the catalogue and the grids that it names; give its version id."""
    definitions.publish_overlay(session, actor, "catalogue", "own.waste", {"key": "own.waste", "title": LABEL, "items": ITEMS})
    levels = [
        {"key": "community", "title": LABEL, "code_digits": 12},
        {"key": "grid", "title": LABEL, "code_digits": 14, "code_within": "community"},
    ]
    grids.create_scheme(session, actor, key="forms_scheme", title=LABEL, levels=levels, origin=(116.4, 39.9))
    features = [
        {"type": "Feature", "geometry": None, "properties": {"code": code, "name": "x", "level": level, "parent": parent}}
        for code, level, parent in (("110101001001", "community", None), ("11010100100101", "grid", "110101001001"))
    ]
    grids.import_geojson(session, actor, {"type": "FeatureCollection", "features": features}, scheme="forms_scheme")
    return definitions.publish_overlay(session, actor, "form", "own.visit", {"key": "own.visit", "title": LABEL, "fields": FIELDS}).id


def refused_paths(session, actor, form, data):
    with pytest.raises(Invalid) as refused:
        service.check(session, actor, form, data)
    return [error.path for error in refused.value.errors]


def department(session, agency, code, *, active=True):
    row = Department(agency_id=agency.id, code=code, name=code, path="1", active=active)
    session.add(row)
    session.flush()
    return row.id


def attachment(session, agency, owner_id=None):
    uuid = uuid4()
    values = {"name": "a.jpg", "content_type": "image/jpeg", "size": 1, "digest": uuid.hex * 2, "owner_id": owner_id, "created_at": NOON}
    session.execute(insert(Attachment).values(agency_id=agency.id, uuid=uuid, **values))
    return str(uuid)


def test_people_are_members_of_the_agency(session, actor, form, database, alpha, beta):
    mine, other = make_person(database, alpha), make_person(database, beta)
    assert service.check(session, actor, form, {"who": mine.id}).data == {"who": mine.id}
    assert refused_paths(session, actor, form, {"who": other.id}) == ["who"]
    session.execute(update(Member).where(Member.user_id == mine.id).values(active=False))
    assert refused_paths(session, actor, form, {"who": mine.id}) == ["who"]


def test_departments_are_the_agencys_own_and_in_use(session, actor, form, alpha):
    assert service.check(session, actor, form, {"office": department(session, alpha, "forms-a")}).data["office"]
    assert refused_paths(session, actor, form, {"office": department(session, alpha, "forms-b", active=False)}) == ["office"]
    assert refused_paths(session, actor, form, {"office": 2**50}) == ["office"]


def test_grids_are_of_the_scheme_and_level(session, actor, form):
    assert service.check(session, actor, form, {"place": "110101001001"}).data["place"]
    assert refused_paths(session, actor, form, {"place": "11010100100101"}) == ["place"]
    assert refused_paths(session, actor, form, {"place": "999999999999"}) == ["place"]


def test_attachments_are_such_as_the_actor_may_see(session, actor, form, make_actor, database, alpha, beta):
    mine, colleague = make_person(database, alpha), make_person(database, alpha)
    sender = make_actor(user_id=mine.id)
    assert service.check(session, sender, form, {"photos": [attachment(session, alpha, mine.id)]}).data["photos"]
    assert refused_paths(session, sender, form, {"photos": [attachment(session, alpha, colleague.id)]}) == ["photos"]
    assert service.check(session, make_actor(is_system=True), form, {"photos": [attachment(session, alpha, colleague.id)]}).data["photos"]
    with AgencySession(database.owner_engine, agency_id=None) as owner:
        other = attachment(owner, beta)
        owner.commit()
    assert refused_paths(session, actor, form, {"photos": [other]}) == ["photos"]


def test_only_the_lowest_level_of_a_catalogue_can_be_chosen(session, actor, form):
    assert service.check(session, actor, form, {"waste": "0101"}).data["waste"]
    assert refused_paths(session, actor, form, {"waste": "01"}) == ["waste"]
    assert refused_paths(session, actor, form, {"waste": "0199"}) == ["waste"]


def test_submission_keeps_its_version_and_personal_values_apart(session, actor, form):
    submission = service.check(session, actor, "own.visit", {"note": "王"})
    assert (submission.form_version_id, submission.form_key, submission.data) == (form, "own.visit", {})
    assert submission.personal == {"note": "王"}


def test_old_version_can_still_be_checked_and_shown(session, actor, form):
    shorter = {"key": "own.visit", "title": LABEL, "fields": FIELDS[-1:]}
    newer = definitions.publish_overlay(session, actor, "form", "own.visit", shorter)
    assert service.current(session, "own.visit")[0] == newer.id
    assert len(service.compiled(session, form).definition.fields) == len(FIELDS)
    assert service.check(session, actor, form, {"waste": "0101"}).form_version_id == form


@pytest.mark.parametrize("wanted", ["own.nothing", 2**60])
def test_unknown_form_is_not_found(session, actor, wanted):
    with pytest.raises(NotFound):
        service.check(session, actor, wanted, {})


def test_version_of_another_kind_is_no_form(session, actor, form):
    catalogue = store.current(session, "catalogue", "own.waste")
    with pytest.raises(NotFound):
        service.compiled(session, catalogue.id)


def test_marshmallow_schema_is_the_forms_own_check(session, actor, form):
    schema = marshmallow_schema(service.compiled(session, form), now=NOON)
    assert schema.load({"waste": "0101", "note": " 王 "}) == {"waste": "0101", "note": "王"}
    assert set(schema.fields) == {one["id"] for one in FIELDS}
    with pytest.raises(ValidationError) as refused:
        schema.load({"who": "x", "typo": 1})
    assert set(refused.value.messages) == {"who", "typo"}


def test_one_kind_has_one_look_up():
    with pytest.raises(ValueError, match="already"):
        register_kind("person", lambda *_: ())


def test_kind_nobody_looks_up_is_a_mistake_of_the_program(session, actor):
    with pytest.raises(KeyError):
        DatabaseContext(session, actor).exists_many("nothing", [1])
