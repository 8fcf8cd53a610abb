"""The bulletin as a workbook: how it was counted, then a sheet a card with its ranking, every count, and a chart.

Numbers are numbers, so that they can be worked with; no text can run as a formula or a link.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from core.scoring.bulletin.document import LOCALE, Bulletin, Section, Table, explained, said

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME = 31
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_FIXED = ("bulletin_rank", "bulletin_code", "bulletin_subject", "bulletin_level", "bulletin_score", "bulletin_grade")
_SCORE, _NAME = 4, 2
_HEADS = 2
_PIXELS = 20
"""Height of a row."""


def workbook(bulletin: Bulletin) -> bytes:
    """Write the whole workbook."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, _OPTIONS)
    try:
        formats = {"head": book.add_format({"bold": True, "text_wrap": True, "bg_color": "#ECEFF1", "border": 1, "valign": "top"})}
        formats["title"] = book.add_format({"bold": True, "font_size": 16})
        formats["number"] = book.add_format({"num_format": "0.00"})
        taken: set[str] = set()
        _explanation(book, bulletin, formats, taken)
        for section in bulletin.sections:
            _sheet(book, section, formats, taken)
    finally:
        book.close()
    return file.getvalue()


def _explanation(book: Any, bulletin: Bulletin, formats: Mapping[str, Any], taken: set[str]) -> None:
    sheet = book.add_worksheet(sheet_name(said("bulletin_explanation"), taken))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 110)
    sheet.write_string(0, 0, bulletin.title, formats["title"])
    row = 2
    for section in bulletin.sections:
        for name, text in _facts_of(bulletin, section):
            sheet.write_string(row, 0, name)
            sheet.write_string(row, 1, text)
            row += 1
        row += 1


def _facts_of(bulletin: Bulletin, section: Section) -> list[tuple[str, str]]:
    publication, card = section.publication, section.scorecard
    told = [
        (
            str(card["title"]),
            said("bulletin_formula", version=card["version"], revision=publication["revision"], cases=publication["cases"]),
        ),
        (said("bulletin_as_of"), bulletin.when(publication["as_of"])),
        (said("bulletin_published_at"), bulletin.when(publication["published_at"]) or said("bulletin_not_published")),
        (said("bulletin_digest"), str(publication["digest"])),
        (said("bulletin_formula_digest"), str(publication["formula_digest"])),
    ]
    if publication["reason"]:
        told.append((said("bulletin_reason_head"), str(publication["reason"])))
    told += [(str(line["title"]), explained(line)) for line in card["lines"]]
    if section.hidden:
        told.append(("", said("bulletin_hidden", count=section.hidden)))
    return told


def _sheet(book: Any, section: Section, formats: Mapping[str, Any], taken: set[str]) -> None:
    card = section.scorecard
    name = sheet_name(str(card["title"]), taken)
    sheet = book.add_worksheet(name)
    _headings(sheet, card, formats)
    sheet.freeze_panes(_HEADS, _NAME + 1)
    sheet.set_column(_NAME, _NAME, 24)
    row, spans = _HEADS, []
    for table in section.tables:
        first = row
        for found in table.rows:
            _row(sheet, row, found, section, formats)
            row += 1
        spans.append((table, first, row - 1))
    sheet.autofilter(_HEADS - 1, 0, max(row - 1, _HEADS), len(_FIXED) - 1)
    row += 1
    for table, first, last in spans:
        if table.is_drawn_by_subject and table.scored:
            height = 80 + 18 * len(table.rows)
            sheet.insert_chart(row, 0, _chart(book, name, table, (first, last), height))
            row += height // _PIXELS + 2


def _headings(sheet: Any, card: Mapping[str, Any], formats: Mapping[str, Any]) -> None:
    head = formats["head"]
    for column, key in enumerate(_FIXED):
        sheet.merge_range(0, column, 1, column, said(key), head)
    column = len(_FIXED)
    for line, parts in _columns(card):
        title = str(line["title"]) if line["weight"] is None else f"{line['title']}（{line['weight']:g} %）"
        sheet.merge_range(0, column, 0, column + len(parts) - 1, title, head)
        for offset, part in enumerate(parts):
            sheet.write_string(1, column + offset, said(_PARTS[part]), head)
        column += len(parts)
    sheet.merge_range(0, column, 1, column, said("bulletin_notes"), head)


_PARTS = {
    "counted": "bulletin_counted",
    "base": "bulletin_base",
    "value": "bulletin_value",
    "points": "bulletin_points_head",
    "effective": "bulletin_effective",
}
_SCORED = tuple(_PARTS)
_BESIDE = ("counted", "base", "value")


def _columns(card: Mapping[str, Any]) -> Sequence[tuple[Mapping[str, Any], tuple[str, ...]]]:
    return [*((line, _SCORED) for line in card["lines"]), *((line, _BESIDE) for line in card["also"])]


def _row(sheet: Any, row: int, found: Mapping[str, Any], section: Section, formats: Mapping[str, Any]) -> None:
    subject, grade = found["subject"], section.grade(found["grade"])
    levels = {level["key"]: level["title"] for level in section.scorecard["levels"]}
    fixed = (found["rank"], subject["code"], subject["name"], levels.get(subject["level"]), found["score"], grade and grade["title"])
    for column, value in enumerate(fixed):
        _write(sheet, row, column, value, formats)
    column = len(_FIXED)
    for cells, parts in ((found["cells"], _SCORED), (found["also"], _BESIDE)):
        for cell in cells:
            for part in parts:
                _write(sheet, row, column, cell[part], formats)
                column += 1
    _write(sheet, row, column, "；".join([*([subject["note"]] if subject["note"] else []), *found["notes"]]), formats)


def _write(sheet: Any, row: int, column: int, value: Any, formats: Mapping[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    else:
        sheet.write_number(row, column, float(value), formats["number"])


def _chart(book: Any, name: str, table: Table, span: tuple[int, int], height: int) -> Any:
    first, last = span
    chart = book.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": said("bulletin_score"),
            "categories": [name, first, _NAME, last, _NAME],
            "values": [name, first, _SCORE, last, _SCORE],
            "points": [{"fill": {"color": table.section.colour(row["grade"])}} for row in table.rows],
            "data_labels": {"value": True, "num_format": "0.00"},
        }
    )
    chart.set_title({"name": said("bulletin_chart_scores", title=table.title or table.section.scorecard["title"])})
    chart.set_legend({"none": True})
    chart.set_x_axis({"min": 0, "max": 100})
    chart.set_y_axis({"reverse": True})
    chart.set_size({"width": 900, "height": height})
    return chart


def sheet_name(title: str, taken: set[str]) -> str:
    """Make a name that a sheet may have and none has yet; case makes no difference to the program that opens it."""
    plain = _FORBIDDEN.sub(" ", title).strip()[:_LONGEST_NAME] or LOCALE
    name, number = plain, 2
    while name.lower() in taken:
        ending = f" {number}"
        name = plain[: _LONGEST_NAME - len(ending)] + ending
        number += 1
    taken.add(name.lower())
    return name
