"""Codes on paper: a workbook, or a page to print with a picture of each code to scan."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from io import BytesIO
from itertools import groupby

import segno
import xlsxwriter

from core.feedback import links
from core.feedback.service.sampling import Code
from core.lib.errors import TooLarge
from core.lib.text import msg

MOST_PRINTED = 2_000
"""A picture takes a few milliseconds to draw; more codes are printed grid by grid."""

_STYLE = (
    "@page{size:A4;margin:12mm}body{font-family:sans-serif;margin:0}h2{break-before:page;font-size:14pt}h2:first-of-type{break-before:auto}"
    ".sheet{display:grid;grid-template-columns:repeat(4,1fr);gap:4mm}.code{border:1px dashed #888;padding:2mm;text-align:center;break-inside:avoid;"
    "font-size:8pt}.code svg{width:30mm;height:30mm}"
)


def workbook(title: str, codes: Sequence[Code], *, public_url: str, agency_key: str, heads: Sequence[str]) -> bytes:
    """Write the codes as a workbook: grid, name, record, code, link."""
    buffer = BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        bold = book.add_format({"bold": True})
        page = book.add_worksheet()
        page.write_string(0, 0, title, bold)
        for column, head in enumerate(heads):
            page.write_string(1, column, head, bold)
        page.set_column(0, 2, 18)
        page.set_column(3, 4, 44)
        for row, one in enumerate(codes, 2):
            link = links.link_of(public_url, agency_key, one.code)
            for column, value in enumerate((one.grid_code, one.grid_name, one.record_code or "", links.grouped(one.code), link)):
                page.write_string(row, column, value)
    return buffer.getvalue()


def page(title: str, codes: Sequence[Code], *, public_url: str, agency_key: str, locale: str) -> str:
    """Write the codes as a page to print, a picture each; raise TooLarge for more than can be drawn at once."""
    if len(codes) > MOST_PRINTED:
        raise TooLarge(msg("feedback.too_many_to_print", count=len(codes), most=MOST_PRINTED))
    parts = []
    for (code, name), group in groupby(codes, lambda one: (one.grid_code, one.grid_name)):
        parts.append(f"<h2>{escape(name)} {escape(code)}</h2><div class=sheet>")
        for one in group:
            picture = segno.make(links.link_of(public_url, agency_key, one.code), error="m", micro=False).svg_inline(omitsize=True)
            known = f"<div>{escape(one.record_code)}</div>" if one.record_code else ""
            parts.append(f"<div class=code>{picture}<div>{links.grouped(one.code)}</div>{known}</div>")
        parts.append("</div>")
    head = f"<!doctype html><html lang={locale.replace('_', '-')}><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    return f"{head}<h1>{escape(title)}</h1>{''.join(parts)}</html>"


def policy() -> str:
    """Give the content security policy of the page: its own style, and nothing else."""
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'"
