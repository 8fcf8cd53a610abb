"""The bulletin: the same rows as a workbook and as a page, in which no name can become anything but text."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl

from core.scoring.bulletin import page as pages
from core.scoring.bulletin.charts import shortened, width
from core.scoring.bulletin.document import MOST_BARS, Bulletin, Section
from core.scoring.bulletin.page import CONTENT_SECURITY_POLICY, page
from core.scoring.bulletin.xlsx import sheet_name, workbook

NASTY = '=HYPERLINK("http://x")<script>alert(1)</script>&"\''
GRADES = [
    {"key": "a", "title": "A（优）", "colour": "green", "from": 90.0},
    {"key": "c", "title": "C（中）", "colour": "yellow", "from": 60.0},
    {"key": "e", "title": "E（劣）", "colour": "black", "from": 0.0},
]


def line(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "kind": "rate", "better": "higher", "weight": 50.0, "steps": [], "part_of": None} | more


def cell(key: str, counted: int, base: int, *, effective: float | None = 50.0) -> dict[str, Any]:
    value = 100 * counted / base if base else None
    text = f"{value:.2f} %（{counted} ÷ {base}）" if value is not None else "无数据"
    shown = {"key": key, "counted": counted, "base": base, "exempted": 0, "value": value, "text": text}
    return shown | {"points": value, "weight": 50.0, "effective": effective}


def row(name: str, score: float | None, *, rank: int | None, level: str = "street", grade: str | None = "a") -> dict[str, Any]:
    subject = {"key": f"grid:{name}", "kind": "grid", "code": name, "name": name, "level": level, "parent": None, "note": None}
    cells = [cell("closing", 48, 50), cell("in_time", 0, 0, effective=0.0)]
    beside = [cell("overdue", 3, 3)]
    notes = ["in_time 无数据，其权重已分给其余指标"]
    found = {"subject": subject, "score": score, "grade": grade, "rank": rank, "is_ranked": rank is not None, "volume": 50}
    return found | {"cells": cells, "also": beside, "notes": notes}


def section(rows: list[dict[str, Any]], **more: Any) -> Section:
    card = {
        "title": "区域评价（内评价）",
        "version": 3,
        "levels": [{"key": "street", "title": "街道"}, {"key": "unit_grid", "title": "单元网格"}],
        "lines": [
            line("closing", steps=[{"from": None, "up_to": 50.0, "points": 100.0}, {"from": None, "up_to": None, "points": 0.0}]),
            line("in_time"),
        ],
        "also": [line("overdue", weight=None)],
        "grades": GRADES,
    }
    publication = {"revision": 2, "cases": 60, "reason": NASTY, "digest": "ab" * 32, "formula_digest": "cd" * 32}
    times = {"as_of": datetime(2026, 3, 31, 17, tzinfo=UTC), "published_at": datetime(2026, 4, 2, 1, tzinfo=UTC)}
    return Section(publication | times, card, rows, **more)


def bulletin(*sections: Section) -> Bulletin:
    return Bulletin("甲区城市管理监督中心", "2026年3月", ZoneInfo("Asia/Shanghai"), sections)


class Reader(HTMLParser):
    """Reads the tags, their attributes and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(*sections: Section) -> Reader:
    return Reader(page(bulletin(*sections)).decode())


def test_page_names_agency_and_period_and_says_until_when() -> None:
    found = read(section([row("东街", 93.6, rank=1)]))
    assert "甲区城市管理监督中心2026年3月综合评价通报" in found.texts
    assert "数据截至 2026-04-01 01:00，2026-04-02 09:00 发布" in found.texts


def test_page_shows_every_row_with_rank_score_grade_and_counts() -> None:
    found = read(section([row("东街", 93.6, rank=1), row("西街", None, rank=None, grade=None)]))
    texts = [text for text in found.texts if text.strip()]
    for wanted in ("东街", "93.60", "A（优）", "96.00 %（48 ÷ 50）", "96.00 分 × 50.00 %", "西街", "无数据"):
        assert wanted in texts
    assert "至 50 得 100 分；其余得 0 分" in "".join(texts)


def test_page_lets_no_name_become_markup() -> None:
    found = read(section([row(NASTY, 61.0, rank=1, grade="c")]))
    assert not [tag for tag, _ in found.tags if tag == "script"]
    assert {NASTY, f"{NASTY} 61.00"} <= set(found.texts)  # in the table and beside its bar


def test_page_runs_nothing_and_its_policy_allows_its_own_style_alone() -> None:
    text = page(bulletin(section([row("东街", 93.6, rank=1)]))).decode()
    found = Reader(text)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none';")
    refused = [
        (tag, name) for tag, given in found.tags for name in given if name == "style" or name.startswith("on") or name in {"src", "href"}
    ]
    assert refused == []
    assert pages.STYLE == style


def test_page_draws_each_score_as_long_as_it_is_high() -> None:
    found = read(section([row("东街", 100.0, rank=1), row("西街", 50.0, rank=2, grade="e")]))
    widths = [float(given["width"] or 0) for tag, given in found.tags if tag == "rect"]
    assert len(widths) == 2
    assert widths[1] == widths[0] / 2
    assert [given["fill"] for tag, given in found.tags if tag == "rect"] == ["#2e7d32", "#333333"]


def test_chart_of_very_many_shows_how_grades_are_spread() -> None:
    many = [row(f"{number:03}", 95.0, rank=1, level="unit_grid") for number in range(MOST_BARS + 1)]
    found = read(section([*many, row("x", 10.0, rank=42, level="unit_grid", grade="e")]))
    assert len([tag for tag, _ in found.tags if tag == "rect"]) == len(GRADES)
    assert "单元网格：各等级的数量" in found.texts
    assert str(MOST_BARS + 1) in found.texts
    assert len([tag for tag, _ in found.tags if tag == "tr"]) == MOST_BARS + 3  # nothing is left out of the table


def test_bulletin_says_how_many_people_it_leaves_out() -> None:
    assert "另有 7 行人员评价未列出：导出人无权查看。" in read(section([], hidden=7)).texts


def test_rows_of_no_level_are_shown_as_well() -> None:
    found = read(section([row("东街", 93.6, rank=1), row("网格外", None, rank=None, level="", grade=None)]))
    assert {"街道", "其他", "网格外"} <= set(found.texts)


def book_of(*sections: Section) -> Any:
    return openpyxl.load_workbook(io.BytesIO(workbook(bulletin(*sections))))


def test_workbook_holds_the_same_numbers_as_the_rows() -> None:
    rows = [row("东街", 93.6, rank=1), row("西街", None, rank=None, grade=None), row("01", 40.25, rank=1, level="unit_grid", grade="e")]
    sheet = book_of(section(rows))["区域评价（内评价）"]
    read_back = list(sheet.iter_rows(min_row=3, max_row=5, values_only=True))
    for found, told in zip(read_back, rows, strict=True):
        grade = next((one["title"] for one in GRADES if one["key"] == told["grade"]), None)
        assert found[0] == told["rank"]
        assert (found[1], found[2], found[4], found[5]) == (told["subject"]["code"], told["subject"]["name"], told["score"], grade)
        cells = [*((one, 5) for one in told["cells"]), *((one, 3) for one in told["also"])]
        numbers = [one[part] for one, count in cells for part in ("counted", "base", "value", "points", "effective")[:count]]
        assert list(found[6:-1]) == numbers


def test_workbook_runs_no_text_as_a_formula() -> None:
    sheet = book_of(section([row(NASTY, 61.0, rank=1)]))["区域评价（内评价）"]
    shown = sheet["C3"]
    assert (shown.value, shown.data_type, shown.hyperlink) == (NASTY, "s", None)


def test_workbook_explains_formula_and_digests() -> None:
    texts = {value for line in book_of(section([]))["说明"].iter_rows(values_only=True) for value in line if value}
    assert {"ab" * 32, "cd" * 32, "2026-04-01 01:00", "评价表第 3 版，结果第 2 次发布，依据 60 件案件"} <= texts


def test_workbook_charts_stand_below_the_rows_and_apart() -> None:
    rows = [row(f"{number}", 90.0, rank=1, level=level) for level in ("street", "unit_grid") for number in range(30)]
    sheet = book_of(section(rows))["区域评价（内评价）"]
    places = sorted(chart.anchor._from.row for chart in sheet._charts)
    assert len(places) == 2
    assert places[0] >= 62
    assert places[1] - places[0] >= (80 + 18 * 30) // 20


def test_two_cards_of_one_title_get_two_sheets() -> None:
    assert book_of(section([]), section([])).sheetnames == ["说明", "区域评价（内评价）", "区域评价（内评价） 2"]


def test_sheet_names_are_ones_that_a_workbook_takes() -> None:
    taken: set[str] = set()
    first = sheet_name("a/b:c" * 20, taken)
    second = sheet_name("A/B:C" * 20, taken)
    assert first.lower() != second.lower()
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in (first, second))


def test_long_names_are_cut_with_an_ellipsis_and_short_ones_kept() -> None:
    assert shortened("东街", 100) == "东街"
    cut = shortened("东" * 40, 100)
    assert cut.endswith("…")
    assert width(cut) <= 100
