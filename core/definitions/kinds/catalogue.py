"""A catalogue: coded classes in a tree, with whatever data each class carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.definitions.types import Content
from core.lib.errors import FieldError, Invalid
from core.lib.text import Title, msg


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """One coded class; ``data`` is the plugin's own."""

    code: str
    parent: str | None
    title: Title
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Catalogue:
    """A compiled catalogue. ``items`` keeps the order of the file."""

    key: str
    title: Title
    source: str
    items: Mapping[str, CatalogueItem]
    children: Mapping[str | None, Sequence[str]]

    def __contains__(self, code: object) -> bool:
        return code in self.items

    def leaves(self) -> Iterator[CatalogueItem]:
        """Yield the items that have nothing below them: those a form may choose."""
        return (item for item in self.items.values() if item.code not in self.children)

    def ancestors(self, code: str) -> Iterator[CatalogueItem]:
        """Yield the parents of ``code``, nearest first; raises KeyError for an unknown code."""
        parent = self.items[code].parent
        while parent is not None:
            yield self.items[parent]
            parent = self.items[parent].parent


def compile_catalogue(content: Content) -> Catalogue:
    """Compile a catalogue; raises Invalid for repeated codes, missing parents and circles."""
    items: dict[str, CatalogueItem] = {}
    errors: list[FieldError] = []
    places: dict[str, int] = {}
    for index, raw in enumerate(content["items"]):
        item = CatalogueItem(raw["code"], raw.get("parent"), raw["title"], raw.get("data", {}))
        if item.code in items:
            errors.append(FieldError(f"items[{index}].code", msg("definitions.catalogue_duplicate_code", code=item.code)))
        items[item.code] = item
        places[item.code] = index
    errors += _parent_errors(items, places)
    if errors:
        raise Invalid.many(errors)
    children: dict[str | None, list[str]] = {}
    for item in items.values():
        children.setdefault(item.parent, []).append(item.code)
    return Catalogue(content["key"], content["title"], content.get("source", ""), items, children)


def _parent_errors(items: Mapping[str, CatalogueItem], places: Mapping[str, int]) -> Iterator[FieldError]:
    settled: set[str] = set()
    for item in items.values():
        walked: list[str] = []
        current: CatalogueItem | None = item
        while current is not None and current.code not in settled:
            if current.code in walked:
                yield FieldError(f"items[{places[item.code]}].parent", msg("definitions.catalogue_cycle", code=item.code))
                break
            walked.append(current.code)
            if current.parent is not None and current.parent not in items:
                message = msg("definitions.catalogue_unknown_parent", code=current.code, parent=current.parent)
                yield FieldError(f"items[{places[current.code]}].parent", message)
                break
            current = items[current.parent] if current.parent is not None else None
        settled.update(walked)
