"""The bulletin as one page of HTML to read and to print: tables and drawn bars, no script, no link to anywhere.

It is built as a tree and written out, so that no name can break out of its place.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from core.scoring.bulletin.charts import Bar, bars
from core.scoring.bulletin.document import Bulletin, Section, Table, explained, line_heading, said

STYLE = """
@page { size: A4; margin: 16mm 14mm }
body { font: 14px/1.6 "Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", SimSun, sans-serif; color: #212121; margin: 2em auto; max-width: 1080px; padding: 0 1em }
h1 { font-size: 24px; text-align: center; margin: 0 0 .2em }
h2 { font-size: 18px; margin: 2em 0 .4em; border-bottom: 2px solid #37474f }
h3 { font-size: 15px; margin: 1.4em 0 .4em }
.times { text-align: center; color: #455a64; margin: 0 0 1.5em }
.note { color: #455a64; font-size: 12px }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 12px }
caption { text-align: left; font-weight: bold; padding: .3em 0 }
th, td { border: 1px solid #b0bec5; padding: 3px 6px; vertical-align: top }
th { background: #eceff1 }
td.number { text-align: right; white-space: nowrap }
td.score { text-align: right; font-weight: bold }
.counts { display: block; color: #546e7a; font-size: 11px }
svg { max-width: 100%; height: auto; margin: .5em 0 }
thead { display: table-header-group }
tr, svg { break-inside: avoid }
@media print { body { margin: 0; max-width: none; padding: 0 } .wide { overflow: visible } h2 { break-before: page } h2.first { break-before: auto } }
"""
_DIGEST = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What the page may do: show itself with the one style that is in it."""


def page(bulletin: Bulletin) -> bytes:
    """Write the whole page."""
    root = Element("html", {"lang": "zh-CN"})
    head = SubElement(root, "head")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    SubElement(head, "title").text = bulletin.title
    SubElement(head, "style").text = STYLE
    body = SubElement(root, "body")
    SubElement(body, "h1").text = bulletin.title
    SubElement(body, "p", {"class": "times"}).text = _times(bulletin)
    for number, section in enumerate(bulletin.sections):
        _section(body, section, is_first=number == 0)
    written: bytes = tostring(root, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + written


def _times(bulletin: Bulletin) -> str:
    """Say until when everything is counted and when it was published; sections that differ say so themselves."""
    publications = [section.publication for section in bulletin.sections]
    counted = max(one["as_of"] for one in publications)
    published = max((one["published_at"] for one in publications if one["published_at"]), default=None)
    if published is None:
        return said("bulletin_proposed", as_of=bulletin.when(counted))
    return said("bulletin_times", as_of=bulletin.when(counted), published=bulletin.when(published))


def _section(body: Element, section: Section, *, is_first: bool) -> None:
    card, publication = section.scorecard, section.publication
    SubElement(body, "h2", {"class": "first"} if is_first else {}).text = str(card["title"])
    formula = said("bulletin_formula", version=card["version"], revision=publication["revision"], cases=publication["cases"])
    SubElement(body, "p", {"class": "note"}).text = formula
    if publication["reason"]:
        SubElement(body, "p", {"class": "note"}).text = said("bulletin_reason", reason=publication["reason"])
    rules = SubElement(body, "ul", {"class": "note"})
    for line in card["lines"]:
        SubElement(rules, "li").text = explained(line)
    if section.hidden:
        SubElement(body, "p", {"class": "note"}).text = said("bulletin_hidden", count=section.hidden)
    for table in section.tables:
        _table(body, table)


def _table(body: Element, table: Table) -> None:
    if table.title:
        SubElement(body, "h3").text = table.title
    body.append(chart_of(table))
    card = table.section.scorecard
    frame = SubElement(SubElement(body, "div", {"class": "wide"}), "table")
    heads = [said("bulletin_rank"), said("bulletin_subject"), said("bulletin_score"), said("bulletin_grade")]
    heads += [line_heading(line) for line in [*card["lines"], *card["also"]]]
    row = SubElement(SubElement(frame, "thead"), "tr")
    for head in heads:
        SubElement(row, "th", {"scope": "col"}).text = head
    inside = SubElement(frame, "tbody")
    for found in table.rows:
        _row(inside, found, table.section)
    notes = [(found["subject"]["name"], note) for found in table.rows for note in found["notes"]]
    if notes:
        listed = SubElement(body, "ul", {"class": "note"})
        for name, note in notes:
            SubElement(listed, "li").text = f"{name}：{note}"


def _row(inside: Element, found: Mapping[str, Any], section: Section) -> None:
    row = SubElement(inside, "tr")
    grade = section.grade(found["grade"])
    SubElement(row, "td", {"class": "number"}).text = "—" if found["rank"] is None else str(found["rank"])
    name = SubElement(row, "th", {"scope": "row"})
    name.text = found["subject"]["name"]
    if found["subject"]["note"]:
        SubElement(name, "span", {"class": "counts"}).text = found["subject"]["note"]
    SubElement(row, "td", {"class": "score"}).text = said("bulletin_no_data") if found["score"] is None else f"{found['score']:.2f}"
    SubElement(row, "td").text = grade["title"] if grade else "—"
    _cells(row, found["cells"], with_points=True)
    _cells(row, found["also"], with_points=False)


def _cells(row: Element, cells: Iterable[Mapping[str, Any]], *, with_points: bool) -> None:
    for cell in cells:
        shown = SubElement(row, "td", {"class": "number"})
        shown.text = cell["text"]
        if with_points and cell["points"] is not None:
            points = said("bulletin_points", points=f"{cell['points']:.2f}", effective=f"{cell['effective']:.2f}")
            SubElement(shown, "span", {"class": "counts"}).text = points


def chart_of(table: Table) -> Element:
    """Draw a table's chart: each score, or of very many subjects how the grades are spread."""
    section = table.section
    if table.is_drawn_by_subject:
        found = [Bar(row["subject"]["name"], row["score"], f"{row['score']:.2f}", section.colour(row["grade"])) for row in table.scored]
        return bars(said("bulletin_chart_scores", title=table.title or section.scorecard["title"]), found, full=100)
    counts = [(grade, count) for grade, count in table.grades()]
    most = max(count for _, count in counts)
    found = [Bar(grade["title"], count, str(count), section.colour(grade["key"])) for grade, count in counts]
    return bars(said("bulletin_chart_grades", title=table.title or section.scorecard["title"]), found, full=most)
