"""Files out: what goes out comes in again unchanged, nothing in it runs, and only what may be seen is in it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from openpyxl import load_workbook

from core.ledgers.exchange.exporting import ExportOrder, export_records, order_export
from core.ledgers.permissions import LedgerRight
from core.ledgers.service import records
from core.ledgers.service.finding import Wanted
from core.ledgers.types import Draft, FileFormat
from core.lib.errors import Forbidden, Invalid, TooLarge

NASTY = ["=1+1", "+86 10", "-5", "@SUM(A1)", "'=quoted", "''", 'a,b;c"d"', "\\N", "\\t", "普通", "＝全角"]


def fill(world):
    with world.around() as (session, around):
        for number, text in enumerate(NASTY):
            data = {"kind": "0101", "name": f"名{text}"[:60], "note": text, "grade": "ab"[number % 2], "size": number + 0.25, "public": number % 2 == 0,
                    "surveyed_on": "2025-03-04", "count": number + 1, "keeper_phone": f"1380000{number:04d}"}  # fmt: skip
            lon = None if number == 3 else 116.4005 + number / 11_000
            draft = Draft(data=data, lon=lon, lat=None if lon is None else 39.9005, departments={"maintainer": "D1", "owner": "D2"})
            records.create_record(session, world.system, around, draft)


def content(world, file_format="csv", actor=None, locale="zh_CN", **options):
    with world.around() as (session, _):
        order = ExportOrder("test.asset", FileFormat(file_format), options.pop("wanted", Wanted()), locale, **options)
        order_export(session, actor or world.system, order)
        return b"".join(export_records(session, actor or world.system, order))


def essence(world):
    names = ("code", "title", "state", "lon", "lat", "location", "data", "personal", "polygon")
    with world.around() as (_, around):
        grids, departments = around.grids.by_id, around.departments.by_id
        return [
            {name: getattr(one, name) for name in names}
            | {"grid": grids[one.grid_id].code if one.grid_id else None}
            | {"departments": {role: departments[number].code for role, number in one.departments.items()}}
            for one in world.records()
        ]


@pytest.mark.parametrize("locale", ["zh_CN", "en"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx", "geojson"])
def test_export_comes_in_again_unchanged(world, make_world, file_format, locale):
    fill(world)
    exported = content(world, file_format, locale=locale, personal=True, purpose="备份")
    again = world.take(exported, name=f"file.{file_format}")
    assert (0, len(NASTY), 0) == (again.created_count, again.unchanged_count, again.failed_count), world.problems(again)
    other = make_world("others")
    job = other.take(exported, name=f"file.{file_format}")
    assert (len(NASTY), 0) == (job.created_count, job.failed_count), other.problems(job)
    assert essence(world) == essence(other)


def test_no_cell_of_a_csv_begins_a_formula(world):
    fill(world)
    rows = list(csv.reader(io.StringIO(content(world).decode("utf-8-sig"))))
    assert len(NASTY) + 1 == len(rows)
    assert [cell for row in rows for cell in row if cell and cell[0] in "=+-@\t\r＝"] == []


def test_every_cell_of_an_xlsx_is_text(world):
    fill(world)
    sheet = load_workbook(io.BytesIO(content(world, "xlsx"))).active
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert kinds <= {"s", "inlineStr"}
    assert [cell.hyperlink for row in sheet.iter_rows() for cell in row if cell.hyperlink] == []


def test_geojson_has_typed_properties_and_no_position_for_the_unlocated(world):
    fill(world)
    document = json.loads(content(world, "geojson"))
    first, fourth = document["features"][0], document["features"][3]
    assert first["geometry"] == {"type": "Point", "coordinates": [116.4005, 39.9005]}
    assert tuple(first["properties"][name] for name in ("public", "size", "grade", "department.maintainer")) == (True, 0.25, "a", "D1")
    assert fourth["geometry"] is None


def test_empty_ledger_gives_headings_alone(world):
    assert len(content(world).decode("utf-8-sig").splitlines()) == 1
    assert json.loads(content(world, "geojson")) == {"type": "FeatureCollection", "features": []}


def test_personal_values_leave_only_for_a_purpose_and_on_record(world, sql):
    fill(world)
    assert "138" not in content(world).decode()
    plain = world.actor([LedgerRight.EXPORT, LedgerRight.READ])
    with pytest.raises(Forbidden):
        content(world, actor=plain, personal=True, purpose="x")
    with pytest.raises(Invalid):
        content(world, actor=world.actor(), personal=True, purpose=" ")
    assert "13800000001" in content(world, actor=world.actor(), personal=True, purpose="回访").decode()
    assert sql(world.agency, "SELECT new->>'purpose' FROM audit_entry WHERE (new->>'personal')::boolean") == [("回访",)]


def test_export_holds_to_the_area_and_the_filter(world):
    fill(world)
    near = world.actor(grid_path=f"{world.agency.scheme_key}.S1.U00")
    assert len(content(world, actor=near).decode("utf-8-sig").splitlines()) == 6
    assert len(content(world, wanted=Wanted(filter="count == 2")).decode("utf-8-sig").splitlines()) == 2
    with pytest.raises(Forbidden):
        content(world, actor=world.actor([LedgerRight.READ]))


def test_cell_too_long_for_xlsx_is_told(world):
    from core.ledgers.exchange.writing import xlsx_pieces  # noqa: PLC0415

    with pytest.raises(TooLarge):
        list(xlsx_pieces(["a"], [["x" * 40_000]]))
