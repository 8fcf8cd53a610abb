"""Files in: what is good goes in, what is bad comes back with its reason, and twice is once."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.forms.compile import compile_form
from core.forms.fields.base import Moment
from core.forms.prepare import prepare_form
from core.forms.types import Accepts
from core.ledgers.exchange.checking import FormChecker
from core.ledgers.exchange.jobs import forget_old
from core.ledgers.exchange.mapping import Target
from core.ledgers.exchange.running import Overtaken
from core.ledgers.exchange.tables import Chunk
from tests.core.ledgers.conftest import FORM, NOON

HEAD = ["小类", "名称", "经度", "纬度", "养护单位", "数量"]


def row(name="井盖", kind="0101", lon="116.4005", lat="39.9005", department="D1", count="1"):
    return [kind, name, lon, lat, department, count]


def test_good_rows_get_code_grid_and_departments(world, csv_of):
    job = world.take(csv_of(HEAD, row("一号井盖"), row("二号井盖", kind="0203", lon="116.4015")))
    assert (job.state, job.created_count, job.failed_count) == ("done", 2, 0), job.failure
    first, second = world.records()
    assert (first.code, second.code) == ("1101010101000001", "1101010203000001")
    with world.around() as (_, around):
        assert [around.grids.by_id[one.grid_id].code for one in (first, second)] == ["U00", "U01"]
        assert {"maintainer": around.departments.by_code["D1"].id} == first.departments
    assert first.departments["maintainer"] == first.department_id
    assert first.data == {"kind": "0101", "name": "一号井盖", "count": 1}
    assert (first.title, first.location, first.state) == ("一号井盖", "inside", "normal")
    assert pytest.approx((116.4005, 39.9005)) == (first.lon, first.lat)


def test_same_file_again_changes_nothing(world, csv_of):
    content = csv_of(HEAD, row("甲"), row("乙"))
    world.take(content)
    before = [(one.id, one.version, one.code) for one in world.records()]
    job = world.take(content)
    assert (job.created_count, job.updated_count, job.unchanged_count, job.failed_count) == (0, 0, 2, 0)
    assert before == [(one.id, one.version, one.code) for one in world.records()]


def test_bad_rows_come_back_and_good_ones_go_in(world, csv_of):
    job = world.take(
        csv_of(
            HEAD,
            row("好"),
            row("", kind="0101"),
            row("类错", kind="9999"),
            row("数错", count="零"),
            row("部门错", department="D99"),
            row("好二"),
        )
    )
    assert (job.created_count, job.failed_count) == (2, 4)
    assert world.problems(job) == {
        3: [("data.name", "forms.required")],
        4: [("data.kind", "forms.no_such_catalogue")],
        5: [("data.count", "forms.not_integer")],
        6: [("department.maintainer", "ledgers.unknown_department")],
    }


@pytest.mark.parametrize(
    ("lon", "lat", "target", "key"),
    [
        ("39.9", "116.4", "lat", "ledgers.swapped_position"),
        ("516.4", "39.9", "lat", "ledgers.position_range"),
        ("116.4", "", "lat", "ledgers.half_position"),
        ("", "39.9", "lon", "ledgers.half_position"),
        ("0", "0", "lat", "ledgers.zero_position"),
        ("东经116", "39.9", "lon", "ledgers.not_degrees"),
        ("nan", "39.9", "lon", "ledgers.not_degrees"),
        ("1e999", "39.9", "lon", "ledgers.not_degrees"),
    ],
)
def test_wrong_position_is_told(world, csv_of, lon, lat, target, key):
    job = world.take(csv_of(HEAD, row(lon=lon, lat=lat)))
    assert {2: [(target, key)]} == world.problems(job)
    assert list(world.records()) == []


def test_position_outside_every_grid_is_kept_and_flagged(world, csv_of):
    job = world.take(csv_of(HEAD, row("远", lon="117.9", lat="40.9"), row("无位", lon="", lat=""), row("贴边", lon="116.39998")))
    assert (job.created_count, job.failed_count, job.outside_count, job.unlocated_count) == (3, 0, 1, 1)
    assert {one.title: one.location for one in world.records()} == {"远": "outside", "无位": "unlocated", "贴边": "near"}
    assert {one.title: one.grid_id is None for one in world.records()} == {"远": True, "无位": True, "贴边": False}


def test_other_end_of_the_world_is_kept(world, csv_of):
    job = world.take(csv_of(HEAD, row(lon="-64", lat="-40")))
    assert (job.created_count, job.outside_count) == (1, 1)


def test_gcj02_is_stored_as_wgs84(world, csv_of):
    world.take(csv_of(HEAD, row("甲", lon="116.4005", lat="39.9005")), crs="gcj02")
    (found,) = world.records()
    assert pytest.approx(0.0062, abs=0.0005) == 116.4005 - found.lon
    assert pytest.approx(0.0014, abs=0.0005) == 39.9005 - found.lat


def test_given_codes_count_and_are_not_drawn_again(world, csv_of):
    job = world.take(csv_of(["编码", *HEAD], ["1101010101000007", *row("给定")], ["", *row("待编")]))
    assert job.created_count == 2
    assert [one.code for one in world.records()] == ["1101010101000007", "1101010101000008"]


def test_code_twice_in_one_file_is_refused_once(world, csv_of):
    job = world.take(csv_of(["编码", *HEAD], ["1101010101000007", *row("一")], ["1101010101000007", *row("二")]), chunk_rows=1)
    assert (job.created_count, world.problems(job)) == (1, {3: [("code", "ledgers.key_twice")]})


def test_equal_rows_without_code_are_refused_once(world, csv_of):
    job = world.take(csv_of(HEAD, row(), row()))
    assert (job.created_count, world.problems(job)) == (1, {3: [("source_key", "ledgers.row_twice")]})


def test_code_of_another_layout_is_refused(world, csv_of):
    job = world.take(csv_of(["编码", *HEAD], ["ABC", *row()], ["坏 码", *row()]))
    assert world.problems(job) == {2: [("code", "ledgers.code_without_layout")], 3: [("code", "ledgers.not_a_code")]}


def test_insert_mode_leaves_a_different_record_alone(world, csv_of):
    world.take(csv_of(["编码", *HEAD], ["1101010101000007", *row("旧")]))
    job = world.take(csv_of(["编码", *HEAD], ["1101010101000007", *row("新")]))
    assert world.problems(job) == {2: [("code", "ledgers.exists_differently")]}
    assert [one.title for one in world.records()] == ["旧"]


def test_upsert_changes_only_mapped_columns(world, csv_of, sql):
    world.take(csv_of(["编码", "备注", *HEAD], ["1101010101000007", "留着", *row("旧")]))
    job = world.take(csv_of(["编码", "名称"], ["1101010101000007", "新"]), mode="upsert")
    assert (job.created_count, job.updated_count, job.failed_count) == (0, 1, 0), world.problems(job)
    (found,) = world.records()
    assert found.data == {"kind": "0101", "name": "新", "count": 1, "note": "留着"}
    assert (found.title, found.version, found.location, len(found.departments)) == ("新", 2, "inside", 1)
    ((kind, old, new),) = sql(world.agency, "SELECT kind, old, new FROM record_event")
    assert (kind, old["title"], new["title"]) == ("changed", "旧", "新")
    again = world.take(csv_of(["编码", "名称"], ["1101010101000007", "新"]), mode="upsert")
    assert (again.updated_count, again.unchanged_count) == (0, 1)


def test_source_key_names_the_row_for_an_update(world, csv_of):
    world.take(csv_of(["OBJECTID", *HEAD], ["17", *row("旧")]))
    job = world.take(csv_of(["OBJECTID", *HEAD], ["17", *row("新")]), mode="upsert")
    assert (job.created_count, job.updated_count) == (0, 1)
    assert [(one.code, one.title) for one in world.records()] == [("1101010101000001", "新")]


def test_dry_run_counts_and_changes_nothing(world, csv_of, sql):
    content = csv_of(HEAD, row("甲"), row("乙"), row(""))
    job = world.take(content, dry_run=True)
    assert (job.state, job.created_count, job.failed_count) == ("done", 2, 1)
    assert list(world.records()) == []
    assert sql(world.agency, "SELECT * FROM record_serial") == []
    world.take(content)
    assert [one.code for one in world.records()] == ["1101010101000001", "1101010101000002"]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 50])
def test_killed_import_goes_on_behind_its_last_chunk(world, csv_of, size):
    job_id = world.order(csv_of(HEAD, *(row(f"第{n}个") for n in range(10)), row("")))

    class Killed(BaseException):
        pass

    def kill(done, share):
        if done == 6:
            raise Killed

    with pytest.raises(Killed):
        world.run(job_id, chunk_rows=3, progress=kill)
    assert (world.job(job_id).state, len(world.records())) == ("running", 6)
    job = world.run(job_id, chunk_rows=size)
    assert (job.state, job.created_count, job.failed_count, job.rows_taken) == ("done", 10, 1, 11)
    assert [f"第{n}个" for n in range(10)] == [one.title for one in world.records()]


def test_ended_import_is_not_run_again(world, csv_of):
    job_id = world.order(csv_of(HEAD, row()))
    world.run(job_id)
    assert world.run(job_id).created_count == 1


def test_importer_is_held_to_the_area(world, csv_of):
    near = world.actor(grid_path=f"{world.agency.scheme_key}.S1.U00")
    job = world.take(csv_of(HEAD, row("里"), row("外", lon="116.4015"), row("无", lon="", lat="")), actor=near)
    assert [one.title for one in world.records()] == ["里"]
    assert world.problems(job) == {3: [("", "ledgers.outside_your_area")], 4: [("", "ledgers.outside_your_area")]}


def test_personal_values_are_kept_apart(world, csv_of):
    world.take(csv_of([*HEAD, "联系电话"], [*row(), "13800000000"]))
    (found,) = world.records()
    assert ("keeper_phone" in found.data, {"keeper_phone": "13800000000"}) == (False, found.personal)


def test_form_with_rules_is_judged_row_by_row(world, csv_of):
    head = ["编码", "名称", "房间", "出口"]
    job = world.take(
        csv_of(head, ["a1", "小", "2", "是"], ["a2", "大", "5", ""], ["a3", "大", "5", "否"], ["a4", "超", "100", "是"]), key="test.rooms"
    )
    assert world.problems(job) == {3: [("data.exit", "forms.required")], 5: [("data.rooms", "forms.check_said")]}
    small, big = world.records("test.rooms")
    assert small.data == {"name": "小", "rooms": 2, "double": 4}
    assert big.data == {"name": "大", "rooms": 5, "exit": False, "double": 10}


def test_ledger_without_layout_needs_codes(world, csv_of):
    job = world.take(csv_of(["编码", "名称", "房间"], ["", "无码", "1"]), key="test.rooms")
    assert world.problems(job) == {2: [("code", "ledgers.code_required")]}


def test_import_cannot_touch_another_agency(world, make_world, csv_of):
    other = make_world("others")
    content = csv_of(["编码", *HEAD], ["1101010101000007", *row("甲区的")])
    world.take(content)
    job = other.take(csv_of(["编码", *HEAD], ["1101010101000007", *row("乙区的")]), mode="upsert")
    assert (job.created_count, job.updated_count) == (1, 0)
    assert ([one.title for one in world.records()], [one.title for one in other.records()]) == (["甲区的"], ["乙区的"])


def test_two_imports_at_once_draw_different_codes(world, csv_of):
    contents = [csv_of(HEAD, *(row(f"{who}{n}", kind=("0101", "0203")[n % 2]) for n in range(60))) for who in "甲乙丙"]
    jobs = [world.order(content) for content in contents]
    wrong = []

    def work(job_id):
        try:
            world.run(job_id, chunk_rows=7)
        except Exception as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, [world.job(job_id).state for job_id in jobs]) == ([], ["done"] * 3)
    assert (len(world.records()), len({one.code for one in world.records()})) == (180, 180)


def test_one_import_run_twice_at_once_takes_each_row_once(world, csv_of):
    job_id = world.order(csv_of(HEAD, *(row(f"第{n}") for n in range(40))))

    def work():
        with suppress(Overtaken):
            world.run(job_id, chunk_rows=4)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    titles = [one.title for one in world.records()]
    assert len(titles) == len(set(titles))
    assert (len(titles), world.job(job_id).state) == (40, "done")


_CELLS = st.one_of(
    st.sampled_from(["", " ", "0101", "9999", "甲", "是", "1", "0", "1.5", "2025-03-04", "x" * 70, "\x01", "１"]), st.text(max_size=8)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.tuples(*[_CELLS] * 11), min_size=1, max_size=4))
def test_columns_are_judged_as_whole_rows_are(cells):
    form = compile_form(prepare_form(FORM, SimpleNamespace(find=lambda *_: None)))
    fields = form.definition.fields
    targets = {field.id: Target(f"data.{field.id}", field.label, field, (field.id,)) for field in fields}
    moment = Moment(NOON, NOON.date())
    chunk = Chunk(list(range(len(cells))), {field.id: [one[index] for one in cells] for index, field in enumerate(fields)})
    nothing = [None] * len(chunk)
    by_columns, by_rows = (
        FormChecker(form, targets, moment=moment, context=Accepts(), by_rows=whole).check(chunk, nothing) for whole in (False, True)
    )
    assert set(by_columns.problems) == set(by_rows.problems)
    good = [index for index in range(len(cells)) if index not in by_rows.problems]
    assert [by_rows.data[index] for index in good] == [by_columns.data[index] for index in good]
    assert [by_rows.personal[index] for index in good] == [by_columns.personal[index] for index in good]


def test_old_imports_lose_file_and_bad_rows_but_not_their_counts(world, csv_of):
    job = world.take(csv_of(HEAD, row(), row("")))
    file = Path(job.source_url.removeprefix("file://"))
    assert file.exists()
    with world.unit() as session:
        assert forget_old(session, now=job.finished_at + timedelta(days=29)) == 0
        assert forget_old(session, now=job.finished_at + timedelta(days=31)) == 1
    assert (file.exists(), world.problems(job), world.job(job.id).failed_count) == (False, {}, 1)
