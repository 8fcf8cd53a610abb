"""Hostile and odd files: refused before they do harm, or read for what they are."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile

import pytest
from openpyxl import Workbook

from core.ledgers.exchange import reading_xlsx
from core.ledgers.exchange.opening import format_of, open_table
from core.ledgers.exchange.reading_csv import neutral, original
from core.ledgers.exchange.reading_geojson import read_features
from core.ledgers.exchange.tables import BadCell
from core.ledgers.types import FileFormat
from core.lib.errors import Invalid, Malformed, TooLarge


def rows_of(content, file_format=FileFormat.CSV, chunk_rows=2):
    found = open_table(io.BytesIO(content), file_format, chunk_rows=chunk_rows)
    rows = {}
    for chunk in found.chunks:
        for index, number in enumerate(chunk.rows):
            rows[number] = {name: column[index] for name, column in chunk.columns.items()}
    return found, rows


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030"), ("utf-16", "utf-16")]
)
def test_encoding_is_found_and_said(encoding, said):
    found, rows = rows_of("编码,名称\r\n1,东四十条井盖\r\n".encode(encoding))
    assert (said, {2: {"编码": "1", "名称": "东四十条井盖"}}) == (found.encoding, rows)


def test_unknown_encoding_is_refused():
    with pytest.raises(Malformed) as caught:
        rows_of(b"a,b\n\x81\xff\xff,\xff\n")
    assert caught.value.message.key == "ledgers.unknown_encoding"


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_separator_is_found(sign):
    assert rows_of(f"a{sign}b\n1{sign}2\n".encode())[1] == {2: {"a": "1", "b": "2"}}


def test_short_rows_are_filled_empty_ones_passed_and_long_ones_spoilt():
    found = open_table(io.BytesIO(b"a,b\n1\n,\n1,2,,\n1,2,3\n"), FileFormat.CSV, chunk_rows=10)
    (chunk,) = found.chunks
    assert (chunk.rows, chunk.columns) == ([2, 4, 5], {"a": ["1", "1", "1"], "b": [None, "2", "2"]})
    assert {index: message.key for index, message in chunk.spoilt.items()} == {2: "ledgers.too_many_cells"}


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "ledgers.no_headings"),
        (b",,\n1,2,3\n", "ledgers.no_headings"),
        (b"a,,c\n1,2,3\n", "ledgers.empty_heading"),
        (b"a,a\n1,2\n", "ledgers.repeated_heading"),
        (b"a,b\n1,\0\n", "ledgers.nul_character"),
        (b'a,b\n1,"open\n', "ledgers.broken_csv"),
        (b"a,b\n1," + b"x" * 100_000 + b"\n", "ledgers.broken_csv"),
        (",".join(str(n) for n in range(400)).encode(), "ledgers.too_many_columns"),
    ],
)
def test_broken_csv_is_refused(content, key):
    with pytest.raises(Malformed) as caught:
        rows_of(content)
    assert key == caught.value.message.key


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@cmd", "\tx", "\rx", "'=x", "''", "'", "'a", "", "a=b", "＝1", "普通"])
def test_neutralised_text_comes_back(text):
    safe = neutral(text)
    assert text == original(safe)
    assert not safe or safe[0] not in "=+-@\t\r＝＋－＠"


def book(*rows):
    workbook = Workbook()
    for cells in rows:
        workbook.active.append(list(cells))
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def test_xlsx_cells_become_what_a_person_typed(world):
    content = book(
        ["编码", "小类", "名称", "数量", "普查日期", "公用", "尺寸"],
        ["1101010101000001", "0101", "整数", 3, dt.date(2025, 3, 4), True, 1.25],
        [None, "0101", "文字", "4", "2025-03-05", "否", "2"],
    )
    job = world.take(content, name="file.xlsx")
    assert (job.created_count, job.failed_count) == (2, 0), world.problems(job)
    first, second = world.records()
    assert first.data == {"kind": "0101", "name": "整数", "count": 3, "surveyed_on": "2025-03-04", "public": True, "size": 1.25}
    assert second.data == {"kind": "0101", "name": "文字", "count": 4, "surveyed_on": "2025-03-05", "public": False, "size": 2}


def test_formula_error_and_lost_digits_name_row_and_column(world):
    content = book(
        ["编码", "小类", "名称", "数量"],
        ["", "0101", '=HYPERLINK("http://x","y")', 1],
        [1101010101000001.0, "0101", "失位", 1],
        ["", "0101", "除零", "#DIV/0!"],
        ["", "0101", "好", 1],
    )
    job = world.take(content, name="file.xlsx")
    assert job.created_count == 1
    assert world.problems(job)[2] == [("data.name", "ledgers.formula_cell")]
    assert world.problems(job)[3] == [("code", "ledgers.digits_lost")]
    assert world.problems(job)[4][0][0] == "data.count"


def test_zip_bomb_is_refused_without_unpacking(monkeypatch):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(200):
                part.write(b"\0" * 1_000_000)
    assert len(stream.getvalue()) < 1_000_000
    monkeypatch.setattr(reading_xlsx, "load_workbook", lambda *_, **__: pytest.fail("the archive was opened"))
    with pytest.raises(TooLarge) as caught:
        rows_of(stream.getvalue(), FileFormat.XLSX)
    assert caught.value.message.key == "ledgers.archive_bomb"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"<html>", book()[:400]])
def test_no_workbook_is_refused(content):
    with pytest.raises(Malformed):
        rows_of(content, FileFormat.XLSX)


def test_archive_that_is_no_workbook_is_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(Malformed):
        rows_of(stream.getvalue(), FileFormat.XLSX)


def sheet_archive(sheet):
    """A workbook whose sheet is this XML."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book(["a"]))) as source, zipfile.ZipFile(stream, "w") as target:
        for part in source.infolist():
            target.writestr(part.filename, sheet if part.filename == "xl/worksheets/sheet1.xml" else source.read(part))
    return stream.getvalue()


def test_entity_bomb_in_a_sheet_is_refused():
    entities = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    sheet = f'<?xml version="1.0"?>{entities}]><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row></sheetData></worksheet>'
    with pytest.raises(Malformed):
        rows_of(sheet_archive(sheet), FileFormat.XLSX)


def test_sheet_that_claims_a_million_empty_rows_is_read_as_it_is():
    head = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>'
    cell = '<c r="A{0}" t="inlineStr"><is><t>{1}</t></is></c>'
    sheet = f'{head}<row r="1">{cell.format(1, "h")}</row><row r="900000">{cell.format(900000, "v")}</row></sheetData></worksheet>'
    assert [row["h"] for row in rows_of(sheet_archive(sheet), FileFormat.XLSX)[1].values()] == ["v"]


def test_nul_in_a_cell_is_told():
    found = open_table(io.BytesIO(book(["a"], ["x"])), FileFormat.XLSX, chunk_rows=5)
    assert not isinstance(next(found.chunks).columns["a"][0], BadCell)


def features(*items, **more):
    return json.dumps({"type": "FeatureCollection", **more, "features": list(items)}).encode()


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


POINT = {"type": "Point", "coordinates": [116.4005, 39.9005]}
SQUARE = {"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.401, 39.9], [116.401, 39.901], [116.4, 39.901], [116.4, 39.9]]]}
BOW_TIE = {"type": "Polygon", "coordinates": [[[116.4, 39.9], [116.401, 39.901], [116.401, 39.9], [116.4, 39.901], [116.4, 39.9]]]}


def test_geojson_points_come_in_with_their_properties(world):
    content = features(feature(POINT, kind="0101", name="甲", count=3, public=True), feature(None, kind="0101", name="乙", size=1.5))
    job = world.take(content, name="file.geojson")
    assert (job.created_count, job.failed_count, job.unlocated_count) == (2, 0, 1), world.problems(job)
    first, second = world.records()
    assert (first.data, first.location) == ({"kind": "0101", "name": "甲", "count": 3, "public": True}, "inside")
    assert (second.data, second.location) == ({"kind": "0101", "name": "乙", "size": 1.5}, "unlocated")


def test_polygons_are_kept_located_and_checked(world):
    content = features(
        feature(SQUARE, code="r1", name="甲", rooms=1),
        feature(BOW_TIE, code="r2", name="乙", rooms=1),
        feature({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, code="r3", name="丙", rooms=1),
        feature({"type": "Polygon", "coordinates": "x"}, code="r4", name="丁", rooms=1),
    )
    job = world.take(content, name="file.geojson", key="test.rooms")
    assert {row: problems[0][1] for row, problems in world.problems(job).items()} == {
        2: "ledgers.broken_polygon",
        3: "ledgers.geometry_kind",
        4: "ledgers.broken_geometry",
    }
    (found,) = world.records("test.rooms")
    assert (found.polygon, found.location) == (SQUARE, "inside")


def test_polygon_in_a_ledger_of_points_is_refused(world):
    job = world.take(features(feature(SQUARE, kind="0101", name="甲")), name="file.geojson")
    assert world.problems(job) == {1: [("lon", "ledgers.polygon_not_wanted")]}


def test_features_are_read_across_blocks():
    content = features(*(feature(POINT, n=number, text="长" * 40_000) for number in range(40)), name="x", more={"a": [1, 2, {"b": "]}"}]})
    assert list(range(40)) == [one["properties"]["n"] for one in read_features(io.BytesIO(content))]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":"Feature","geometry":null}',
        b'{"type":"FeatureCollection","features":[{"a":1}',
        b'{"type":"FeatureCollection","features":[{"a":NaN}]}',
        b'{"type":"FeatureCollection","features":' + b"[" * 100_000,
        b'{"type":"FeatureCollection","features":[' + b'{"a":' * 100_000,
        b'{"type":"FeatureCollection","features":["\xff"]}',
    ],
)
def test_broken_geojson_is_refused(content):
    with pytest.raises(Malformed):
        list(read_features(io.BytesIO(content)))


def test_unknown_kind_of_file_is_refused():
    with pytest.raises(Invalid):
        format_of("file.exe")


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000", "[1, {}]"])
def test_what_no_database_keeps_comes_back_as_a_problem(world, text):
    value = text if text.startswith("[") else f'"{text}"'
    content = f'{{"type":"FeatureCollection","features":[{{"type":"Feature","geometry":null,"properties":{{"kind":"0101","name":{value},"编码":{value},"状态":{value},"网格编码":{value}}}}}]}}'
    job = world.take(content.encode(), name="file.geojson")
    assert (job.state, job.created_count, job.failed_count) == ("done", 0, 1)


@pytest.mark.parametrize("heading", ["\\ud800", "a\\u0000"])
def test_heading_that_no_database_keeps_is_refused(heading):
    content = f'{{"type":"FeatureCollection","features":[{{"type":"Feature","geometry":null,"properties":{{"{heading}":1}}}}]}}'
    with pytest.raises(Malformed):
        rows_of(content.encode(), FileFormat.GEOJSON)
