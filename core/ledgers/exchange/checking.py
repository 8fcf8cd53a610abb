"""Cells into values, column by column: each distinct cell is judged once, by the form's own field.

A form without conditions, checks and groups is judged by its columns alone;
any other is judged row by row by the compiled form, after the cells have been
read. Both ways use the same field checks, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.forms.compile import CompiledForm
from core.forms.fields.base import Moment
from core.forms.nodes import Node
from core.forms.types import FieldContext, Refused, joined
from core.ledgers.exchange.mapping import Target
from core.ledgers.exchange.tables import MAX_CELL, BadCell, Chunk, cell_text
from core.lib.text import Message, msg

_MAX_REMEMBERED = 50_000

Base = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Data and personal values of the stored record that a row updates."""

Problems = dict[int, list[tuple[str, Message]]]
"""For each bad row (by index in the chunk), the target names and what is wrong with them."""


@dataclass(slots=True)
class CheckedData:
    """The form's part of a chunk: one data object a row, personal values apart, and what is wrong."""

    data: list[dict[str, Any]]
    personal: list[dict[str, Any] | None]
    problems: Problems = field(default_factory=dict)


class CellReader:
    """Reads the cells of one column; what it has made of a text it remembers."""

    def __init__(self, read: Callable[[str], Any], judge: Callable[[Any], Any] | None = None) -> None:
        self._read, self._judge = read, judge
        self._known: dict[str, Any] = {"": None}

    def column(self, cells: Sequence[Any]) -> tuple[list[Any], dict[int, Message]]:
        """Give the value of each cell (None for an empty one), and the message of each refused one."""
        given = [cell if type(cell) is str else self._prepare(cell) for cell in cells]
        special = {index: cell for index, cell in enumerate(given) if type(cell) is not str}
        for index in special:
            given[index] = ""
        if len(self._known) > _MAX_REMEMBERED:
            self._known = {"": None}
        known = self._known
        for text in set(given).difference(known):
            known[text] = self._value(text)
        values = [known[text] for text in given]
        for index, cell in special.items():
            values[index] = cell.message if isinstance(cell, BadCell) else self._structure(cell)
        bad = {index: value for index, value in enumerate(values) if type(value) is Message}
        for index in bad:
            values[index] = None
        return values, bad

    def _prepare(self, cell: Any) -> Any:
        return cell if isinstance(cell, (BadCell, list, dict)) else cell_text(cell)

    def _value(self, text: str) -> Any:
        if len(text) > MAX_CELL:
            return msg("ledgers.cell_too_long", limit=MAX_CELL)
        if not text.strip():
            return None
        try:
            value = self._read(text)
            return self._judge(value) if self._judge else value
        except Refused as refused:
            return refused.message

    def _structure(self, cell: Any) -> Any:
        """Judge a list or object of a GeoJSON property: only a field itself can say whether it may be one."""
        if self._judge is None:
            return msg("ledgers.not_a_cell")
        try:
            return self._judge(cell)
        except Refused as refused:
            return refused.message


class FormChecker:
    """Judges the form's columns of every chunk of one import."""

    def __init__(
        self, form: CompiledForm, targets: Mapping[str, Target], *, moment: Moment, context: FieldContext | None, by_rows: bool = False
    ) -> None:
        """Take the compiled form, and for each mapped heading its data target; ``by_rows`` judges row by row where columns would do."""
        self._form, self._moment, self._context = form, moment, context
        self._targets = {heading: target for heading, target in targets.items() if target.field is not None}
        self._by_path = {target.path: heading for heading, target in self._targets.items()}
        self.is_columnar = not by_rows and _is_columnar(form)
        nodes = {node.path: node for node in form.plan.nodes}
        self._readers = {heading: self._reader(nodes, target) for heading, target in self._targets.items()}

    def check(self, chunk: Chunk, bases: Sequence[Base | None]) -> CheckedData:
        """Judge a chunk; rows with problems have data of no use.

        A row with a base is an update: what the file has no column for stays as it is.
        """
        columns: dict[tuple[str, ...], list[Any]] = {}
        problems: Problems = {}
        for heading, target in self._targets.items():
            values, bad = self._readers[heading].column(chunk.columns[heading])
            columns[target.path] = values
            for index, message in bad.items():
                problems.setdefault(index, []).append((target.name, message))
        if any(base is not None for base in bases):
            self._fill(columns, bases)
        return self._by_columns(len(chunk), columns, problems) if self.is_columnar else self._by_rows(bases, columns, problems)

    def _fill(self, columns: dict[tuple[str, ...], list[Any]], bases: Sequence[Base | None]) -> None:
        """Give a columnar form the stored values of fields that no column is for."""
        for node in self._form.plan.nodes if self.is_columnar else ():
            if node.path not in columns:
                part = 1 if node.field.is_personal else 0
                columns[node.path] = [None if base is None else base[part].get(node.id) for base in bases]

    def _reader(self, nodes: Mapping[tuple[str, ...], Node], target: Target) -> CellReader:
        definition = target.field
        assert definition is not None
        node = nodes[target.path]
        kind, check, moment = node.type, node.check, self._moment
        if not self.is_columnar or node.value is not None:
            return CellReader(lambda text: kind.from_text(definition, text), lambda value: value)

        def judge(value: Any) -> Any:
            return None if node.is_empty(value) else check(value, moment)

        return CellReader(lambda text: kind.from_text(definition, text), judge)

    def _by_columns(self, count: int, columns: Mapping[tuple[str, ...], list[Any]], problems: Problems) -> CheckedData:
        empty = [None] * count
        plain: dict[str, list[Any]] = {}
        secret: dict[str, list[Any]] = {}
        for node in self._form.plan.nodes:
            values = columns.get(node.path, empty)
            if node.required is True:
                for index, value in enumerate(values):
                    if value is None and not _told(problems, index, "data." + node.text):
                        problems.setdefault(index, []).append(("data." + node.text, msg("forms.required")))
            self._references(node, values, problems)
            if node.path in columns:
                (secret if node.field.is_personal else plain)[node.id] = values
        personal: list[dict[str, Any] | None] = [one or None for one in _objects(secret, count)] if secret else [None] * count
        return CheckedData(_objects(plain, count), personal, problems)

    def _references(self, node: Node, values: Sequence[Any], problems: Problems) -> None:
        if node.references is None or self._context is None:
            return
        asked: dict[tuple[str, str | None, str | None], dict[Any, list[int]]] = {}
        for index, value in enumerate(values):
            if value is not None:
                for named in node.references(value):
                    asked.setdefault((named.kind, named.within, named.level), {}).setdefault(named.id, []).append(index)
        for (kind, within, level), places in asked.items():
            found = self._context.exists_many(kind, places.keys(), within=within, level=level)
            for one, indexes in places.items():
                if one not in found:
                    for index in indexes:
                        problems.setdefault(index, []).append(("data." + node.text, msg(f"forms.no_such_{kind}", found=str(one))))

    def _by_rows(self, bases: Sequence[Base | None], columns: Mapping[tuple[str, ...], list[Any]], problems: Problems) -> CheckedData:
        count = len(bases)
        found = CheckedData([{}] * count, [None] * count, problems)
        computed = {node.path for node in self._form.plan.nodes if node.value is not None}
        writable = [(path, values) for path, values in columns.items() if path not in computed]
        for index in range(count):
            if index in problems:
                continue
            base = bases[index]
            given: dict[str, Any] = {} if base is None else _without(joined(*base), computed)
            for path, values in writable:
                if base is not None or values[index] is not None:
                    _put(given, path, values[index])
            checked = self._form.check(given, now=self._moment.now, context=self._context)
            if checked.errors:
                problems[index] = [("data." + error.path if error.path else "", error.message) for error in checked.errors]
            found.data[index], found.personal[index] = checked.data, checked.personal or None
        return found


def _is_columnar(form: CompiledForm) -> bool:
    plan = form.plan
    return (
        not plan.checks
        and len(plan.ids) == 1
        and all(
            node.visible is None and node.value is None and node.items is None and isinstance(node.required, bool) for node in plan.nodes
        )
    )


def _told(problems: Problems, index: int, name: str) -> bool:
    return any(target == name for target, _ in problems.get(index, ()))


def _objects(columns: Mapping[str, Sequence[Any]], count: int) -> list[dict[str, Any]]:
    if not columns:
        return [{} for _ in range(count)]
    names = tuple(columns)
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None} for row in zip(*columns.values(), strict=True)
    ]


def _without(data: dict[str, Any], paths: set[tuple[str, ...]]) -> dict[str, Any]:
    """Take computed values out of stored data: they are worked out anew and may not be given."""
    for path in paths:
        here: Any = data
        for step in path[:-1]:
            here = here.get(step, {}) if isinstance(here, dict) else {}
        here.pop(path[-1], None)
    return data


def _put(given: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        given = given.setdefault(step, {})
    given[path[-1]] = value
