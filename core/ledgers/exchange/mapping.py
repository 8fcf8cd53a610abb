"""Which column is what: targets, the headings that name them, and a mapping suggested from headings.

A target is ``code``, ``title``, ``state``, ``lon``, ``lat``, ``grid``, ``source_key``,
``department.<role>``, ``data.<path of field ids>``, or ``-`` for a column to be left out.
Export writes the headings made here, so an export maps itself on the way back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.forms.definition import FieldDefinition, FormDefinition
from core.ledgers.definition import Ledger
from core.ledgers.exchange.reading_geojson import LAT, LON
from core.ledgers.types import Geometry
from core.lib.errors import FieldError, Invalid
from core.lib.text import LOCALES, Title, msg, say

IGNORED = "-"

_OWN: Mapping[str, tuple[Title, tuple[str, ...]]] = {
    "code": ({"zh_CN": "编码", "en": "Code"}, ("编号", "标识码", "部件编码", "部件标识码")),
    "source_key": ({"zh_CN": "来源标识", "en": "Source key"}, ("原编号", "objectid", "fid", "gid")),
    "title": ({"zh_CN": "标题", "en": "Title"}, ()),
    "state": ({"zh_CN": "状态", "en": "State"}, ()),
    "lon": ({"zh_CN": "经度", "en": "Longitude"}, ("lng", "x坐标", "横坐标", "经度坐标", LON)),
    "lat": ({"zh_CN": "纬度", "en": "Latitude"}, ("y坐标", "纵坐标", "纬度坐标", LAT)),
    "grid": ({"zh_CN": "网格编码", "en": "Grid code"}, ("grid_code", "单元网格", "单元网格编码", "所在网格")),
}


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that a column can be: its name, its heading, and the field behind it, if it is a field's."""

    name: str
    title: Title
    field: FieldDefinition | None = None
    path: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()

    @property
    def plain(self) -> str:
        """The name without ``data.`` before it, as GeoJSON properties have it."""
        return self.name.removeprefix("data.")


def targets_of(ledger: Ledger, form: FormDefinition) -> list[Target]:
    """List everything that a column of a ledger's file can be, in the order in which an export writes it."""
    own = [Target(name, title, synonyms=synonyms) for name, (title, synonyms) in _OWN.items()]
    if ledger.geometry is Geometry.NONE:
        own = [target for target in own if target.name not in {"lon", "lat"}]
    roles = [Target(f"department.{role.key}", role.title) for role in ledger.departments.values()]
    return [*own, *roles, *_fields(form.fields, ())]


def _fields(fields: Sequence[FieldDefinition], above: tuple[str, ...]) -> Iterator[Target]:
    for field in fields:
        path = (*above, field.id)
        if field.type == "group":
            yield from _fields(field.fields, path)
        else:
            yield Target("data." + ".".join(path), field.label, field, path)


def headings_of(targets: Sequence[Target], locale: str) -> list[str]:
    """Give each target the heading that an export writes: its title, with its name behind where two titles are equal."""
    said = [say(target.title, locale) for target in targets]
    return [text if said.count(text) == 1 else f"{text} ({target.name})" for text, target in zip(said, targets, strict=True)]


def suggest(headings: Sequence[str], targets: Sequence[Target]) -> dict[str, str]:
    """Say for each heading what it most likely is: by name, heading, label or usual other name; else ``-``.

    A target is suggested once, for the heading that names it best.
    """
    known: list[dict[str, str]] = [{}, {}, {}]
    for target in targets:
        known[0][_plain(target.name)] = target.name
        known[1].setdefault(_plain(target.plain), target.name)
        for locale in LOCALES:
            known[1].setdefault(_plain(say(target.title, locale)), target.name)
        for synonym in target.synonyms:
            known[2].setdefault(_plain(synonym), target.name)
    for locale in LOCALES:
        known[0].update({_plain(text): target.name for text, target in zip(headings_of(targets, locale), targets, strict=True)})
    suggested = dict.fromkeys(headings, IGNORED)
    taken: set[str] = set()
    for names in known:
        for heading in headings:
            name = names.get(_plain(heading))
            if name and name not in taken and suggested[heading] == IGNORED:
                suggested[heading] = name
                taken.add(name)
    return suggested


def complete_mapping(given: Mapping[str, Any] | None, headings: Sequence[str], targets: Sequence[Target]) -> dict[str, str]:
    """Check a mapping against a file's headings, or suggest one where none is given.

    Columns not named in a given mapping are left out. Raises Invalid for a
    heading that the file lacks, an unknown target, and one target given twice.
    """
    if given is None:
        return suggest(headings, targets)
    names = {target.name: target.name for target in targets} | {IGNORED: IGNORED}
    for target in targets:
        names.setdefault(target.plain, target.name)
    mapping = dict.fromkeys(headings, IGNORED)
    errors: list[FieldError] = []
    used: dict[str, str] = {}
    for heading, wanted in given.items():
        name = names.get(wanted) if isinstance(wanted, str) else None
        if heading not in mapping:
            errors.append(FieldError(f"mapping.{heading}", msg("ledgers.mapping_no_heading", heading=heading)))
        elif name is None:
            errors.append(FieldError(f"mapping.{heading}", msg("ledgers.mapping_no_target", target=str(wanted)[:100])))
        elif name != IGNORED and name in used:
            errors.append(FieldError(f"mapping.{heading}", msg("ledgers.mapping_twice", target=name, other=used[name])))
        else:
            mapping[heading] = name
            used[name] = heading
    if errors:
        raise Invalid.many(errors)
    return mapping


def _plain(text: str) -> str:
    return "".join(text.split()).lower().replace("（", "(").replace("）", ")").rstrip("*＊")
