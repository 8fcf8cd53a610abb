"""One chunk from cells to staged columns: who is known already, what is wrong, which codes the new ones get."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from core.authz import Scope
from core.ledgers.codes import CodeLayout
from core.ledgers.exchange.checking import CheckedData, FormChecker, Problems
from core.ledgers.exchange.loading import Known, find_known, new_uuids
from core.ledgers.exchange.rows import OwnColumns, OwnReader, digest_key, geometry_problems, missing_problems, scope_problems
from core.ledgers.exchange.tables import Chunk
from core.ledgers.service import serials
from core.ledgers.surroundings import Surroundings
from core.ledgers.titles import search_text
from core.ledgers.types import ImportMode, Location
from core.lib.errors import Invalid
from core.lib.text import Message, msg


@dataclass
class Counts:
    """How many rows of one kind; added up over the chunks."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0
    outside: int = 0
    unlocated: int = 0

    def add(self, other: Counts) -> None:
        """Add another chunk's counts."""
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Assembled:
    """What a chunk comes to."""

    staged: dict[str, list[Any]]
    problems: Problems
    counts: Counts


@dataclass
class Seen:
    """Codes and source keys that stood in the file before, each with its row."""

    codes: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)


class Assembler:
    """Assembles the chunks of one import, in the order of the file."""

    def __init__(self, around: Surroundings, own: OwnReader, form: FormChecker, *, mode: ImportMode, scope: Scope) -> None:
        self._around, self._own, self._form = around, own, form
        self._mode, self._scope = mode, scope
        self._seen = Seen()

    def pass_over(self, chunk: Chunk) -> None:
        """Take note of the keys of a chunk that is in the database already."""
        codes, keys, _ = self._own.keys(chunk)
        for row, code, key in zip(chunk.rows, codes, keys, strict=True):
            if code is not None:
                self._seen.codes.setdefault(code, row)
            if key is not None:
                self._seen.keys.setdefault(key, row)

    def assemble(self, session: Session, chunk: Chunk) -> Assembled:
        """Work out one chunk. Serials are drawn in ``session``; nothing else is written."""
        codes, keys, key_problems = self._own.keys(chunk)
        known = self._known(session, codes, keys)
        bases = [one if self._mode is ImportMode.UPSERT else None for one in known]
        checked = self._form.check(chunk, [None if base is None else (base.data, base.personal or {}) for base in bases])
        problems = checked.problems
        problems_own = dict.fromkeys(key_problems)
        own = self._own.read(chunk, problems)
        geometry_problems(self._around, chunk, problems)
        self._keep_unmapped(own, bases)
        missing_problems(self._around, own, [code is not None or one is not None for code, one in zip(codes, known, strict=True)], problems)
        scope_problems(self._around, own, self._scope, problems)
        self._name_rows(session, chunk, own, checked, known, problems_own)
        self._refuse_repeats(chunk, own, problems)
        return self._stage(session, chunk, own, checked, known, problems)

    def _known(self, session: Session, codes: Sequence[str | None], keys: Sequence[str | None]) -> list[Known | None]:
        around = self._around
        by_code = find_known(session, around.agency_id, around.ledger.key, by="code", keys=[code for code in codes if code is not None])
        lonely = [key for key, code in zip(keys, codes, strict=True) if key is not None and code is None]
        by_key = find_known(session, around.agency_id, around.ledger.key, by="source_key", keys=lonely)
        return [by_code.get(code) if code is not None else by_key.get(key or "") for code, key in zip(codes, keys, strict=True)]

    def _keep_unmapped(self, own: OwnColumns, bases: Sequence[Known | None]) -> None:
        """Let an update keep what the file has no column for."""
        roles = [role for role in self._around.ledger.departments if f"department.{role}" not in own.mapped]
        places, has_position = own.places, {"lon", "lat"} <= own.mapped
        for index, base in enumerate(bases):
            if base is None:
                continue
            if "state" not in own.mapped:
                own.state[index] = base.state
            if "title" not in own.mapped and self._around.ledger.title_field is None:
                own.title[index] = base.title
            for role in roles:
                if role in base.departments:
                    own.departments[index][role] = base.departments[role]
            if not has_position:
                places.lon[index], places.lat[index] = (float("nan") if one is None else one for one in (base.lon, base.lat))
                if "grid" not in own.mapped:
                    places.grid_id[index], places.location[index] = base.grid_id or 0, Location(base.location)
        if not has_position and any(base is not None for base in bases):
            x, y = self._around.plane.to_xy_many(places.lon, places.lat)
            places.x[:], places.y[:] = x, y

    def _name_rows(
        self, session: Session, chunk: Chunk, own: OwnColumns, checked: CheckedData, known: list[Known | None], wrong: Mapping[int, Any]
    ) -> None:
        """Give rows without code and source key a digest for a key, and find those that were taken before."""
        nameless = [
            index
            for index in range(len(chunk))
            if own.code[index] is None and own.source_key[index] is None and index not in wrong and index not in checked.problems
        ]
        for index in nameless:
            own.source_key[index] = digest_key(checked, own, index)
        around = self._around
        wanted = [str(own.source_key[index]) for index in nameless]
        found = find_known(session, around.agency_id, around.ledger.key, by="source_key", keys=wanted)
        for index in nameless:
            known[index] = found.get(str(own.source_key[index]))

    def _refuse_repeats(self, chunk: Chunk, own: OwnColumns, problems: Problems) -> None:
        for index, row in enumerate(chunk.rows):
            code, key = own.code[index], own.source_key[index]
            seen, name, value = (self._seen.codes, "code", code) if code is not None else (self._seen.keys, "source_key", key)
            if value is None:
                continue
            first = seen.setdefault(value, row)
            if first != row:
                told = "ledgers.row_twice" if value.startswith("row:") else "ledgers.key_twice"
                problems.setdefault(index, []).append((name, msg(told, name=value, row=first)))

    def _stage(
        self, session: Session, chunk: Chunk, own: OwnColumns, checked: CheckedData, known: Sequence[Known | None], problems: Problems
    ) -> Assembled:
        counts = Counts()
        rows = [_Row(self._around, chunk, own, checked, index, known[index]) for index in range(len(chunk)) if index not in problems]
        kept: list[_Row] = []
        for row in rows:
            if row.known is None:
                counts.created += 1
                kept.append(row)
            elif row.is_digest or not row.changes():
                counts.unchanged += 1
            elif self._mode is ImportMode.UPSERT:
                counts.updated += 1
                kept.append(row)
            else:
                problems.setdefault(row.index, []).append(("code", msg("ledgers.exists_differently", name=row.known.code)))
        self._assign_codes(session, kept, problems, counts)
        kept = [row for row in kept if row.index not in problems]
        counts.failed = len(problems)
        for row in kept:
            counts.outside += row.location is Location.OUTSIDE
            counts.unlocated += row.location is Location.UNLOCATED
        return Assembled(_columns(kept), problems, counts)

    def _assign_codes(self, session: Session, rows: Sequence[_Row], problems: Problems, counts: Counts) -> None:
        layout, around = self._around.ledger.layout, self._around
        if layout is None:
            return
        fresh = [row for row in rows if row.known is None]
        self._note_given(session, layout, fresh)
        prefixes = self._prefixes(layout, [row for row in fresh if not row.code], problems)
        wanted = Counter(prefix for _, prefix in prefixes) if layout.serial_digits else {}
        following = serials.draw(session, around.agency_id, around.ledger.key, wanted)
        for row, prefix in prefixes:
            try:
                row.code = layout.code(prefix, following.get(prefix, 0))
            except Invalid as error:
                problems[row.index] = [("code", error.message)]
            if prefix in following:
                following[prefix] += 1
        counts.created -= sum(row.index in problems for row in fresh)

    def _note_given(self, session: Session, layout: CodeLayout, fresh: Sequence[_Row]) -> None:
        given = Counter[str]()
        for row in fresh:
            split = layout.serial_of(row.code) if row.code else None
            if split:
                given[split[0]] = max(given[split[0]], split[1])
        serials.raise_to(session, self._around.agency_id, self._around.ledger.key, given)

    def _prefixes(self, layout: CodeLayout, rows: Sequence[_Row], problems: Problems) -> list[tuple[_Row, str]]:
        """Give each row its prefix; rows with equal sources share the work."""
        around, names = self._around, sorted(layout.fields)
        made: dict[tuple[Any, ...], str | Message] = {}
        prefixes: list[tuple[_Row, str]] = []
        for row in rows:
            grid = around.grids.by_id.get(row.grid_id or 0) if layout.reads_grid else None
            source = (grid, *(str(row.data.get(name)) for name in names))
            if source not in made:
                try:
                    made[source] = layout.prefix(agency=around.agency_settings, fields=row.data, grid_code=grid.code if grid else None)
                except Invalid as error:
                    made[source] = error.message
            prefix = made[source]
            if isinstance(prefix, Message):
                problems[row.index] = [("code", prefix)]
            else:
                prefixes.append((row, prefix))
        return prefixes


class _Row:
    """One good row, with everything that is stored of it."""

    __slots__ = (
        "code", "data", "department_id", "departments", "grid_id", "index", "known", "lat", "location", "lon", "personal", "polygon",
        "retired", "source_key", "state", "title", "x", "y",
    )  # fmt: skip

    def __init__(self, around: Surroundings, chunk: Chunk, own: OwnColumns, checked: CheckedData, index: int, known: Known | None) -> None:
        ledger, places = around.ledger, own.places
        self.index, self.known = index, known
        self.code = own.code[index] or (known.code if known else None)
        self.source_key = own.source_key[index]
        self.data, self.personal = checked.data[index], checked.personal[index]
        title = own.title[index]
        if title is None and ledger.title_field is not None:
            found = self.data.get(ledger.title_field)
            title = None if found is None else str(found)[:300]
        self.title = title
        self.state = own.state[index] or ledger.first_state
        self.retired = ledger.states[self.state].is_retired if self.state in ledger.states else False
        self.departments = own.departments[index]
        self.department_id = self.departments.get(next(iter(ledger.departments), ""))
        self.lon, self.lat = _known_number(places.lon[index]), _known_number(places.lat[index])
        self.x, self.y = _known_number(places.x[index]), _known_number(places.y[index])
        self.grid_id = int(places.grid_id[index]) or None
        self.location = places.location[index]
        self.polygon = chunk.polygons[index] if chunk.polygons is not None else (known.polygon if known else None)

    @property
    def is_digest(self) -> bool:
        return self.source_key is not None and self.source_key.startswith("row:")

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """Give old and new of what differs from what is stored."""
        known = self.known
        assert known is not None
        pairs = {
            "title": (known.title, self.title or known.code),
            "state": (known.state, self.state),
            "lon": (known.lon, self.lon),
            "lat": (known.lat, self.lat),
            "grid_id": (known.grid_id, self.grid_id),
            "polygon": (known.polygon, self.polygon),
            "departments": (known.departments, self.departments),
            "data": (known.data, self.data),
            "personal": (known.personal, self.personal),
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _known_number(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else number


def _columns(rows: Sequence[_Row]) -> dict[str, list[Any]]:
    direct = (
        "code",
        "source_key",
        "grid_id",
        "location",
        "lon",
        "lat",
        "x",
        "y",
        "polygon",
        "state",
        "retired",
        "department_id",
        "departments",
        "data",
        "personal",
    )
    staged: dict[str, list[Any]] = {name: [getattr(row, name) for row in rows] for name in direct}
    staged["record_id"] = [row.known.id if row.known else None for row in rows]
    staged["uuid"] = new_uuids(len(rows))
    staged["title"] = [row.title or row.code for row in rows]
    staged["title_search"] = [search_text(title) for title in staged["title"]]
    if any(row.known for row in rows):
        changes = [row.changes() if row.known else None for row in rows]
        # The history says that personal values changed, never which they were.
        staged["old"], staged["new"] = (
            [None if one is None else {name: None if name == "personal" else pair[side] for name, pair in one.items()} for one in changes]
            for side in (0, 1)
        )
    return staged
