"""Single records: added, changed, retired, found; each within the actor's area and version."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, text

from core.accounts import service as accounts
from core.attachments.models import Attachment
from core.authz import Actor
from core.db import outbox
from core.db.engine import AgencySession
from core.definitions import service as definitions
from core.ledgers.ddl import index_fields
from core.ledgers.indexing import TOPIC, make_indexes
from core.ledgers.permissions import LedgerRight
from core.ledgers.service import records
from core.ledgers.service.finding import Wanted, get_visible_record, list_records, nearest_records
from core.ledgers.service.relations import hangs_on_visible_record
from core.ledgers.tasks import make_indexes as indexing_job
from core.ledgers.types import Draft
from core.lib import clock
from core.lib.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from core.lib.ids import uuid7
from core.worker import due
from tests.core.ledgers.conftest import FORM, NOON

FIRST = "1101010101000001"


def draft(name="井盖", lon=116.4005, lat=39.9005, **more):
    data = {"kind": "0101", "name": name, **more.pop("data", {})}
    return Draft(data=data, lon=lon, lat=lat, **more)


def add(world, *drafts, actor=None):
    with world.around(actor) as (session, around):
        return [records.create_record(session, actor or world.system, around, one).code for one in drafts]


def found(world, actor=None, **wanted):
    with world.around() as (session, around):
        return [row.title for row in list_records(session, actor or world.system, around, Wanted(**wanted), limit=50)]


def test_new_record_gets_code_place_and_title(world):
    assert add(world, draft(), draft("二号", departments={"maintainer": "D2"})) == [FIRST, "1101010101000002"]
    with world.around() as (session, around):
        row = get_visible_record(session, world.actor(), around, FIRST)
        assert (row.title, row.location, around.grids.by_id[row.grid_id].code, row.version) == ("井盖", "inside", "U00", 1)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"data": {"count": 0}}, "data.count"),
        ({"data": {"nothing": 1}}, "data.nothing"),
        ({"state": "burnt"}, "state"),
        ({"state": "retired"}, "state"),
        ({"departments": {"maintainer": "D99"}}, "departments.maintainer"),
        ({"departments": {"king": "D1"}}, "departments.king"),
        ({"grid_code": "U99"}, "grid"),
        ({"polygon": {"type": "Polygon", "coordinates": []}}, "polygon"),
        ({"lon": 999.0}, "position"),
        ({"code": "x y"}, "code"),
        ({"code": "short"}, "code"),
    ],
)
def test_wrong_value_is_named(world, wrong, path):
    with pytest.raises(Invalid) as caught:
        add(world, draft(**wrong))
    assert path in [error.path for error in caught.value.errors]


def test_code_in_use_is_a_conflict(world):
    add(world, draft(code=FIRST))
    with pytest.raises(Conflict):
        add(world, draft(code=FIRST))


def test_outside_record_can_be_assigned_by_hand(world):
    (code,) = add(world, draft(lon=117.0))
    with world.around() as (session, around):
        record = records.update_record(session, world.system, around, code, {"grid_code": "U05"}, version=1)
        assert (record.location, around.grids.by_id[record.grid_id].code) == ("assigned", "U05")
    with world.around() as (session, around):
        record = records.update_record(session, world.system, around, code, {"data": {"note": "记"}}, version=2)
        assert (record.location, record.version) == ("assigned", 3)


def test_change_keeps_the_rest_and_its_history(world, sql):
    (code,) = add(world, draft(data={"note": "旧", "count": 2}, departments={"maintainer": "D1", "owner": "D2"}))
    changes = {"data": {"note": None, "name": "新名"}, "departments": {"owner": None}, "position": {"lon": 116.4015, "lat": 39.9005}}
    with world.around() as (session, around):
        record = records.update_record(session, world.actor(), around, code, changes, version=1)
        assert record.data == {"kind": "0101", "name": "新名", "count": 2}
        assert (list(record.departments), record.title, record.version) == (["maintainer"], "新名", 2)
    ((kind, version, old, new),) = sql(world.agency, "SELECT kind, version, old, new FROM record_event")
    assert ("changed", 2, {"title", "data", "departments", "lon", "grid_id"}) == (kind, version, set(new))
    assert (old["title"], new["title"]) == ("井盖", "新名")


def test_change_without_difference_is_no_new_version(world, sql):
    (code,) = add(world, draft())
    with world.around() as (session, around):
        assert records.update_record(session, world.system, around, code, {"data": {"name": "井盖"}}, version=1).version == 1
    assert sql(world.agency, "SELECT * FROM record_event") == []


def test_stale_version_is_refused(world):
    (code,) = add(world, draft())
    with world.around() as (session, around):
        records.update_record(session, world.system, around, code, {"data": {"note": "一"}}, version=1)
    with pytest.raises(PreconditionFailed), world.around() as (session, around):
        records.update_record(session, world.system, around, code, {"data": {"note": "二"}}, version=1)


def test_personal_value_stays_out_of_data_and_history(world, sql):
    (code,) = add(world, draft(data={"keeper_phone": "13800000000"}))
    with world.around() as (session, around):
        record = records.update_record(session, world.system, around, code, {"data": {"keeper_phone": "13900000000"}}, version=1)
        assert record.personal == {"keeper_phone": "13900000000"}
    assert sql(world.agency, "SELECT new FROM record_event") == [({"personal": None},)]
    assert [one for one in sql(world.agency, "SELECT * FROM audit_entry") if "139" in str(one)] == []


def test_what_a_record_keeps_about_a_telephone_number_is_found_and_erased(world, sql):
    mine, other = add(world, draft(data={"keeper_phone": "+86 138-0000-0000"}), draft(data={"keeper_phone": "13900000000"}))
    with world.around() as (session, _around):
        found = accounts.export_caller(session, world.system, "13800000000")["records"]
        assert [(one["record"], one["values"]) for one in found] == [(mine, {"keeper_phone": "+86 138-0000-0000"})]
        assert accounts.erase_caller(session, world.system, "0086 13800000000")["records"] == 1
    with world.around() as (session, _around):
        assert accounts.export_caller(session, world.system, "13800000000")["records"] == []
    kept = sql(world.agency, "SELECT code, personal, version FROM record ORDER BY id")
    assert kept == [(mine, None, 2), (other, {"keeper_phone": "13900000000"}, 1)]
    assert sql(world.agency, "SELECT kind, version, old, new FROM record_event") == [("erased", 2, {"personal": None}, {"personal": None})]


def test_retired_record_leaves_lists_and_comes_back(world):
    (code,) = add(world, draft())
    with world.around() as (session, around):
        records.retire_record(session, world.actor(), around, code, version=1, reason="拆除")
    assert (found(world), found(world, retired=True)) == ([], ["井盖"])
    with pytest.raises(Conflict), world.around() as (session, around):
        records.update_record(session, world.system, around, code, {"data": {"note": "x"}}, version=2)
    with pytest.raises(Conflict), world.around() as (session, around):
        records.retire_record(session, world.system, around, code, version=2, reason="又")
    with world.around() as (session, around):
        back = records.restore_record(session, world.actor(), around, code, version=2, reason="误拆")
        assert (back.state, back.version) == ("normal", 3)


def test_area_holds_for_reading_writing_and_moving(world):
    inside, outside = add(world, draft("里"), draft("外", lon=116.4015))
    near = world.actor(grid_path=f"{world.agency.scheme_key}.S1.U00")
    assert found(world, near) == ["里"]
    with pytest.raises(NotFound), world.around() as (session, around):
        get_visible_record(session, near, around, outside)
    with pytest.raises(NotFound), world.around() as (session, around):
        records.update_record(session, near, around, outside, {"data": {"note": "x"}}, version=1)
    with pytest.raises(Forbidden), world.around() as (session, around):
        records.update_record(session, near, around, inside, {"position": {"lon": 116.4015, "lat": 39.9005}}, version=1)
    with pytest.raises(Forbidden), world.around() as (session, around):
        records.create_record(session, near, around, draft(lon=116.4015))


def test_department_scope_reaches_its_records(world):
    add(world, draft("甲", departments={"maintainer": "D1"}), draft("乙", departments={"maintainer": "D2"}), draft("丙"))
    assert found(world, world.actor(department_path="1")) == ["甲"]


def test_no_right_is_forbidden(world):
    add(world, draft())
    nobody = world.actor([LedgerRight.EXPORT])
    with pytest.raises(Forbidden):
        found(world, nobody)
    with pytest.raises(Forbidden):
        add(world, draft(), actor=nobody)


def test_records_are_found_by_name_code_place_department_and_rule(world):
    add(
        world,
        draft("东四路灯", data={"count": 3}, departments={"maintainer": "D1"}),
        draft("西单井盖100%", lon=116.4015, data={"kind": "0203", "count": 9}, departments={"owner": "D1"}),
        draft("远处", lon=117.0),
    )
    assert found(world, query="路灯") == ["东四路灯"]
    assert found(world, query="dsld") == ["东四路灯"]
    assert found(world, query="0%") == ["西单井盖100%"]
    assert found(world, query="_四%") == []
    assert found(world, code="1101010101") == ["东四路灯", "远处"]
    assert found(world, query="1101010203") == ["西单井盖100%"]
    assert found(world, bbox=(116.4, 39.9, 116.401, 39.901)) == ["东四路灯"]
    assert sorted(found(world, grid="S1")) == ["东四路灯", "西单井盖100%"]
    assert found(world, grid="U01") == ["西单井盖100%"]
    assert found(world, location="outside") == ["远处"]
    assert sorted(found(world, department="D1")) == ["东四路灯", "西单井盖100%"]
    assert found(world, department="D1", role="owner") == ["西单井盖100%"]
    assert found(world, filter="count > 5") == ["西单井盖100%"]
    assert found(world, filter='kind == "0203" and count > 5') == ["西单井盖100%"]
    assert found(world, filter='kind == "0101" and count > 5') == []


@pytest.mark.parametrize(
    "wanted", [{"filter": "count >"}, {"filter": "nothing == 1"}, {"filter": 'keeper_phone == "1"'}, {"grid": "U99"}, {"department": "D99"}]
)
def test_wrong_question_is_told(world, wanted):
    with pytest.raises(Invalid):
        found(world, **wanted)


def test_pages_follow_the_code(world):
    add(world, *(draft(f"第{n}") for n in range(5)))
    with world.around() as (session, around):
        page = list_records(session, world.system, around, Wanted(), limit=2)
        rest = list_records(session, world.system, around, Wanted(), limit=9, after=page[1].code)
    assert ([one.title for one in page], [one.title for one in rest]) == (["第0", "第1", "第2"], ["第2", "第3", "第4"])


def test_nearest_come_in_order_of_metres(world):
    add(world, draft("远", lon=116.4035), draft("近", lon=116.40055), draft("无", lon=None, lat=None), draft("中", lat=39.9015))
    with world.around() as (session, around):
        rows = nearest_records(session, world.actor(), around, 116.4005, 39.9005, limit=3)
        close = nearest_records(session, world.actor(), around, 116.4005, 39.9005, limit=3, within_m=10)
    assert [row.title for row in rows] == ["近", "中", "远"]
    assert pytest.approx([4.27, 111.0, 256.4], rel=0.01) == [row.distance_m for row in rows]
    assert [row.title for row in close] == ["近"]


def test_serials_are_unique_under_concurrency(world):
    codes, wrong = [], []

    def work():
        try:
            for _ in range(5):
                codes.extend(add(world, draft()))
        except Exception as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(set(codes))) == ([], 20)
    assert [f"11010101010000{n:02d}" for n in range(1, 21)] == sorted(codes)


def test_another_agency_sees_nothing_and_cannot_be_pointed_at(world, make_world, sql):
    other = make_world("others")
    add(world, draft())
    with other.around() as (session, around):
        assert list(list_records(session, other.system, around, Wanted(retired=True), limit=9)) == []
    assert sql(other.agency, "SELECT * FROM record") == []
    assert sql(None, "SELECT * FROM record") == []
    assert sql(other.agency, "SELECT record_ids_titled(:key, '%')", key="test.asset") == []
    assert sql(None, "SELECT record_ids_in_box(:key, box(point(-1e9,-1e9), point(1e9,1e9)))", key="test.asset") == []
    assert sql(other.agency, "SELECT record_ids_valued(:key, 'kind', '0101')", key="test.asset") == []
    with other.around() as (_, around):
        foreign = around.departments.by_code["D1"].id, next(iter(around.grids.by_id))
    for column, value in (("departments", f'{{"owner": {foreign[0]}}}'), ("grid_id", foreign[1]), ("department_id", foreign[0])):
        with pytest.raises(Exception, match=r"none of the agency|is not shared|foreign key"):
            with AgencySession(world.database.app_engine, agency_id=world.agency.id) as session:
                session.execute(text(f"UPDATE record SET {column} = :value"), {"value": value})


def test_indexed_field_gets_one_index_that_is_used(world, owner_engine):
    add(world, draft())
    with owner_engine.connect() as connection:
        assert len(index_fields(connection, "test.asset", ["kind"])) == 1
        assert index_fields(connection, "test.asset", ["kind"]) == []
        columns = "agency_id, ledger_key, form_version_id, title, title_search, location, grid_id, state"
        connection.execute(
            text(
                f"INSERT INTO record ({columns}, uuid, code, data) SELECT {columns}, gen_random_uuid(), 'x' || n, "
                "jsonb_build_object('kind', 'k' || n) FROM record, generate_series(1, 3000) AS n WHERE agency_id = :agency"
            ).bindparams(agency=world.agency.id)
        )
        connection.execute(text("ANALYZE record"))
        plan = connection.execute(
            text(
                f"EXPLAIN SELECT id FROM record WHERE agency_id = {world.agency.id} AND ledger_key = 'test.asset' AND (data ->> 'kind') = 'k7'"
            )
        ).scalars()
        assert "ix_record_data_" in "\n".join(plan)
        connection.rollback()


def test_sync_makes_the_indexes_that_forms_ask_for(world, owner_engine):
    with AgencySession(owner_engine, agency_id=None) as session:
        make_indexes(session)
        query = text("SELECT count(*) FROM pg_indexes WHERE tablename = 'record' AND indexdef LIKE :field")
        counts = [session.scalar(query, {"field": f"%data ->> '{field}'%test.asset%"}) for field in ("kind", "name")]
        make_indexes(session)
        assert counts == [1, 0]
        assert session.scalar(query, {"field": "%data ->> 'kind'%test.asset%"}) == 1
        session.rollback()


@pytest.fixture
def no_indexes(owner_engine):
    """Leave no index behind that an agency's publication has made."""
    yield
    with owner_engine.begin() as connection:
        for name in connection.scalars(text("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix_record_data_%'")).all():
            connection.execute(text(f"DROP INDEX {name}"))


@pytest.mark.usefixtures("no_indexes")
def test_agency_that_publishes_a_form_gets_its_indexes_from_the_worker(world, make_world, owner_engine):
    assert outbox._jobs[TOPIC] is indexing_job

    def indexes():
        query = text("SELECT indexdef FROM pg_indexes WHERE tablename = 'record' AND indexname LIKE 'ix_record_data_%'")
        with owner_engine.connect() as connection:
            return [one for one in connection.scalars(query) if "test.asset" in one]

    fields = [{**field, "index": True} if field["id"] == "grade" else field for field in FORM["fields"]]
    actor = Actor(None, world.agency.id, world.agency.key, "system", (), NOON, is_system=True)
    with world.unit() as session:
        definitions.publish_overlay(session, actor, "form", FORM["key"], {**FORM, "fields": fields})
    assert not any("grade" in one for one in indexes())
    other = make_world()
    with other.unit() as session:
        session.execute(text("SELECT record_index_fields()"))
    assert not any("grade" in one for one in indexes())
    assert due.deliver_outbox(world.database, world.agency.id, now=clock.now()) == 1
    with world.unit() as session:
        assert session.execute(text("SELECT state, last_error FROM outbox")).all() == [("done", None)]
    made = [one for one in indexes() if "grade" in one]
    assert len(made) == 1
    with owner_engine.begin() as connection:
        assert index_fields(connection, "test.asset", ["grade"]) == []
    with world.unit() as session:
        assert session.execute(text("SELECT record_index_fields()")).scalar_one() == 0


def test_photo_of_a_record_is_seen_with_it(world, sql):
    uuid = uuid7()
    with world.unit() as session:
        session.add(
            Attachment(agency_id=world.agency.id, uuid=uuid, name="a.jpg", content_type="image/jpeg", size=1, digest="0", created_at=NOON)
        )
        session.flush()
        (attachment,) = session.scalars(select(Attachment).where(Attachment.uuid == uuid)).all()
        near = world.actor(grid_path=f"{world.agency.scheme_key}.S1.U00")
        far = world.actor(grid_path=f"{world.agency.scheme_key}.S1.U05")
        assert not hangs_on_visible_record(session, near, attachment)
    world.take(f"小类,名称,经度,纬度,照片\n0101,有照片,116.4005,39.9005,{uuid}\n".encode())
    with world.unit() as session:
        assert hangs_on_visible_record(session, near, attachment)
        assert not hangs_on_visible_record(session, far, attachment)
    (code,) = [one.code for one in world.records()]
    with world.around() as (session, around):
        records.update_record(session, world.system, around, code, {"data": {"photos": None}}, version=1)
        assert not hangs_on_visible_record(session, near, attachment)


def test_record_named_by_another_is_written_down(world, sql):
    add(world, draft("被引用"))
    (target,) = world.records()
    with world.around() as (session, around):
        records.create_record(session, world.system, around, draft("引用", data={"parent": str(target.uuid)}))
    world.take(f"小类,名称,上级\n0102,导入引用,{target.uuid}\n".encode())
    assert sql(world.agency, "SELECT target_id FROM record_relation ORDER BY id") == [(target.id,)] * 2
    job = world.take(b"\xef\xbb\xbf" + f"小类,名称,上级\n0102,错,{uuid7()}\n".encode())
    assert world.problems(job) == {2: [("data.parent", "forms.no_such_record")]}
