"""History from a file: one case of a predecessor system a line, as JSON; every fault is told with its line.

The format is documented in ``docs/how-to/import-history.md``. A line is checked
whole before anything is stored; :mod:`core.workflow.service.bulk` stores.
"""

from __future__ import annotations

import codecs
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import orjson
from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from core.authz import Actor
from core.grid import service as grids
from core.lib.errors import Invalid, NotFound
from core.lib.text import Message, msg
from core.workflow.service import known, step
from core.workflow.service.bulk import PastCase
from core.workflow.service.past import Told, past_case
from core.workflow.service.past_values import Find, Values

LONGEST_LINE = 1_000_000
MOST_STEPS = 1_000
EARLIEST, LATEST = 1949, 2999
"""The years that a time may lie in: a year like 1 or 9999 is a slip, and further on no calendar counts."""
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_OUR_OWN = re.compile(r"\d{8}-[0-8]\d{5}")
"""The numbers that this system gives; a predecessor's must not stand in their way."""
_CASE_KEYS = {"number", "workflow", "kind", "class", "condition", "source", "title", "reporter", "position", "grid", "facts", "steps"}
_STEP_KEYS = {"at", "verb", "state", "by", "department", "assignee", "due_at", "data"}
_DEPARTMENT = table("department", column("id"), column("code"))
_MEMBER = table("member", column("user_id"), column("agency_id"))
_USER = table("ab_user", column("id"), column("username"))


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line, and where in it."""

    line: int
    path: str
    message: Message


class HistoryReader:
    """Reads lines for one agency; names are looked up once and remembered."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session, self._actor = session, actor
        self._calendar = step.calendar_of(session, actor)
        self._known: dict[tuple[str, str], Any] = {}
        self._numbers: _Numbers | None = None
        self._values: dict[int, Values] = {}

    def read(self, file: IO[bytes]) -> Iterator[PastCase | list[Problem]]:
        """Yield for each line that is not empty the case it tells, or everything that is wrong with it."""
        number = 0
        with closing(_Numbers()) as self._numbers:
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if number == 1:
                    raw = raw.removeprefix(codecs.BOM_UTF8)  # other systems' exports often begin with one
                if raw.strip():
                    yield self._line(number, raw, file)

    def _line(self, number: int, raw: bytes, file: IO[bytes]) -> PastCase | list[Problem]:
        if len(raw) > LONGEST_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(LONGEST_LINE)
            return [Problem(number, "", msg("workflow.history_long_line", most=LONGEST_LINE))]
        try:
            told = orjson.loads(raw)
            # What cannot be written again (nested too deep) could not be stored either.
            written = orjson.dumps(told)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
            return [Problem(number, "", msg("workflow.history_no_json", reason=str(error)))]
        if not isinstance(told, dict):
            return [Problem(number, "", msg("http.not_object"))]
        if b"\\u0000" in written:
            return [Problem(number, "", msg("http.bad_value"))]
        check = _Check(self, number)
        found = check.case(told)
        if check.problems or found is None:
            return check.problems
        return past_case(self._session, self._actor, found, self._calendar)

    def once(self, number: str, line: int) -> int:
        """Give the line on which a case number stood first in the file that is being read."""
        assert self._numbers is not None
        return self._numbers.first_line_of(number, line)

    def department(self, code: str) -> int | None:
        """Find a department, also one that has ended, by its code."""
        return self._remembered("department", code, self._find_department)

    def person(self, username: str) -> int | None:
        """Find a member, also a former one, by the name he signs in with."""
        return self._remembered("person", username, self._find_person)

    def workflow(self, key: str) -> known.KnownWorkflow | None:
        """Find the present version of a workflow whose plugin is on."""
        place = ("workflow", key)
        if place not in self._known:
            try:
                self._known[place] = known.current_workflow(self._session, key)
            except NotFound:
                self._known[place] = None
        found: known.KnownWorkflow | None = self._known[place]
        return found

    def grid(self, code: str) -> int | None:
        """Find a grid of the agency's scheme by its code."""
        place = ("grid", code)
        if place not in self._known:
            try:
                self._known[place] = grids.get(self._session, self._actor, code, retired=True).id
            except (NotFound, Invalid):
                self._known[place] = None
        found: int | None = self._known[place]
        return found

    def locate(self, point: Mapping[str, Any] | None) -> grids.Place:
        """Find the unit of a point; raise Invalid for one that is not on the earth."""
        return grids.locate_for_agency(self._session, self._actor, point)

    def values(self, version: known.KnownWorkflow) -> Values:
        """Give what a workflow and its forms say of values."""
        if version.id not in self._values:
            made = Values(self._session, version.workflow, self._calendar, person=self.person, department=self.department)
            self._values[version.id] = made
        return self._values[version.id]

    def item(self, workflow: str, code: str) -> Any:
        """Find an item of the plugin's catalogues."""
        return known.catalogue_items(self._session, known.plugin_of(workflow)).get(code)

    @property
    def now(self) -> datetime:
        """The time of the import: nothing told may lie after it."""
        return self._actor.now

    def _remembered(self, kind: str, name: str, find: Find) -> int | None:
        place = (kind, name)
        if place not in self._known:
            self._known[place] = find(name)
        found: int | None = self._known[place]
        return found

    def _find_department(self, code: str) -> int | None:
        return self._session.scalar(select(_DEPARTMENT.c.id).where(_DEPARTMENT.c.code == code))

    def _find_person(self, username: str) -> int | None:
        query = select(_USER.c.id).join(_MEMBER, _MEMBER.c.user_id == _USER.c.id).where(_USER.c.username == username)
        return self._session.scalar(query.where(_MEMBER.c.agency_id == self._actor.agency_id))


class _Numbers:
    """The line of every case number of a file: beside the memory, since nobody knows how long the file is."""

    def __init__(self) -> None:
        self._store = sqlite3.connect("", isolation_level=None)  # a file of its own that is gone when it is closed
        for statement in ("PRAGMA journal_mode = OFF", "CREATE TABLE seen (number TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID", "BEGIN"):
            self._store.execute(statement)

    def first_line_of(self, number: str, line: int) -> int:
        """Give the line on which the number stood first: this one, when it is new."""
        if self._store.execute("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (number, line)).rowcount:
            return line
        first: int = self._store.execute("SELECT line FROM seen WHERE number = ?", (number,)).fetchone()[0]
        return first

    def close(self) -> None:
        """Throw it away."""
        self._store.close()


class _Check:
    """The check of one line: collects every fault, and what the names stand for."""

    def __init__(self, reader: HistoryReader, line: int) -> None:
        self._reader, self._line = reader, line
        self.problems: list[Problem] = []

    def case(self, told: Mapping[str, Any]) -> Told | None:
        self._unknown(told, _CASE_KEYS, "")
        number = self._text(told, "number", 40, needed=True)
        if number is not None:
            self._number(number)
        key = self._text(told, "workflow", 120, needed=True)
        version = self._reader.workflow(key) if key else None
        if key and version is None:
            self._wrong("workflow", msg("workflow.no_workflow", key=key))
        if number is None or version is None:
            return None
        steps = self._steps(told.get("steps"), version)
        place = self._place(told)
        class_code, condition = self._class(told, version)
        return Told(
            number=number,
            version=version,
            kind=self._option(told, "kind", 20, version),
            class_code=class_code,
            condition=condition,
            source=self._option(told, "source", 40, version),
            title=self._text(told, "title", 200),
            reporter_id=self._person(told.get("reporter"), "reporter"),
            place=place,
            grid_id=self._grid(told.get("grid")),
            facts=self._facts(told.get("facts", {}), version),
            steps=steps,
        )

    def _facts(self, told: Any, version: known.KnownWorkflow) -> dict[str, Any]:
        if not isinstance(told, dict):
            self._wrong("facts", msg("http.not_object"))
            return {}
        facts, wrong = self._reader.values(version).facts(told)
        self.problems += [Problem(self._line, path, message) for path, message in wrong]
        return facts

    def _option(self, told: Mapping[str, Any], name: str, longest: int, version: known.KnownWorkflow) -> str | None:
        value = self._text(told, name, longest)
        if value is not None and not self._reader.values(version).is_option(name, value):
            self._wrong(name, msg("workflow.history_option", value=value))
        return value

    def _number(self, number: str) -> None:
        first = self._reader.once(number, self._line)
        if first != self._line:
            self._wrong("number", msg("workflow.history_number_twice", number=number, line=first))
        if not _NUMBER.fullmatch(number) or _OUR_OWN.fullmatch(number):
            self._wrong("number", msg("workflow.history_number", number=number))

    def _steps(self, told: Any, version: known.KnownWorkflow) -> list[dict[str, Any]]:
        if not isinstance(told, list) or not 0 < len(told) <= MOST_STEPS:
            self._wrong("steps", msg("workflow.history_steps", most=MOST_STEPS))
            return []
        found: list[dict[str, Any]] = []
        for index, one in enumerate(told):
            path = f"steps[{index}]"
            if not isinstance(one, dict):
                self._wrong(path, msg("http.not_object"))
                continue
            found.append(self._step(one, version, path, before=found[-1]["at"] if found else None))
        if found and found[0]["verb"] not in (None, version.workflow.start):
            self._wrong("steps[0].verb", msg("workflow.history_start", verb=version.workflow.start))
        return found

    def _step(self, told: Mapping[str, Any], version: known.KnownWorkflow, path: str, *, before: datetime | None) -> dict[str, Any]:
        self._unknown(told, _STEP_KEYS, f"{path}.")
        at = self._moment(told.get("at"), f"{path}.at", needed=True)
        if at and before and at < before:
            self._wrong(f"{path}.at", msg("workflow.history_order", before=before.isoformat()))
        if at and at > self._reader.now:
            self._wrong(f"{path}.at", msg("workflow.history_future"))
        data = told.get("data", {})
        if not isinstance(data, dict):
            self._wrong(f"{path}.data", msg("http.not_object"))
            data = {}
        verb = self._one_of(told.get("verb"), version.workflow.transitions, f"{path}.verb", "workflow.history_verb")
        for name in self._reader.values(version).personal_in(verb, data) if verb else ():
            self._wrong(f"{path}.data.{name}", msg("workflow.history_personal"))
        step_told: dict[str, Any] = {
            "at": at or before,
            "verb": verb,
            "state": self._one_of(told.get("state"), version.workflow.states, f"{path}.state", "workflow.history_state"),
            "by": self._person(told.get("by"), f"{path}.by"),
            "due_at": self._moment(told.get("due_at"), f"{path}.due_at"),
            "data": data,
        }
        if "department" in told:
            step_told["department"] = self._department(told["department"], f"{path}.department")
        if "assignee" in told:
            step_told["assignee"] = self._person(told["assignee"], f"{path}.assignee")
        return step_told

    def _place(self, told: Mapping[str, Any]) -> grids.Place:
        point = told.get("position")
        try:
            return self._reader.locate(point)
        except Invalid as error:
            self._wrong("position", error.message)
        except (KeyError, TypeError, ValueError):
            self._wrong("position", msg("workflow.history_position", form="{lon, lat, crs?}"))
        return grids.Place("none")

    def _class(self, told: Mapping[str, Any], version: known.KnownWorkflow) -> tuple[str | None, str | None]:
        code, condition = self._text(told, "class", 40), self._text(told, "condition", 60)
        if code is not None and self._reader.item(version.key, code) is None:
            self._wrong("class", msg("workflow.history_class", code=code))
        if condition is not None:
            item = self._reader.item(version.key, condition)
            if item is None or "limit" not in item.data:
                self._wrong("condition", msg("workflow.no_filing_rule", condition=condition))
            elif code is not None and item.parent != code:
                self._wrong("condition", msg("workflow.history_other_class", condition=condition, code=code))
        return code, condition

    def _grid(self, code: Any) -> int | None:
        found = self._reader.grid(code) if isinstance(code, str) else None
        if code is not None and found is None:
            self._wrong("grid", msg("workflow.history_grid", code=str(code)[:60]))
        return found

    def _department(self, code: Any, path: str) -> int | None:
        found = self._reader.department(code) if isinstance(code, str) else None
        if code is not None and found is None:
            self._wrong(path, msg("workflow.history_department", code=str(code)[:60]))
        return found

    def _person(self, username: Any, path: str) -> int | None:
        found = self._reader.person(username) if isinstance(username, str) else None
        if username is not None and found is None:
            self._wrong(path, msg("workflow.history_person", name=str(username)[:60]))
        return found

    def _one_of(self, value: Any, known_names: Mapping[str, Any], path: str, sentence: str) -> str | None:
        if isinstance(value, str) and value in known_names:
            return value
        self._wrong(path, msg(sentence, name=str(value)[:60], known=", ".join(known_names)))
        return None

    def _moment(self, value: Any, path: str, *, needed: bool = False) -> datetime | None:
        if value is None and not needed:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            moment = None
        if moment is None or moment.tzinfo is None:
            self._wrong(path, msg("http.not_datetime"))
            return None
        if not EARLIEST <= moment.year <= LATEST:
            self._wrong(path, msg("workflow.history_year", first=EARLIEST, last=LATEST))
            return None
        return moment

    def _text(self, told: Mapping[str, Any], name: str, longest: int, *, needed: bool = False) -> str | None:
        value = told.get(name)
        if value is None and not needed:
            return None
        if isinstance(value, str) and 0 < len(value) <= longest and "\x00" not in value:
            return value
        self._wrong(name, msg("workflow.history_text", most=longest))
        return None

    def _unknown(self, told: Mapping[str, Any], names: set[str], path: str) -> None:
        for name in sorted(told.keys() - names):
            self._wrong(f"{path}{name}"[:120], msg("http.field_unknown"))

    def _wrong(self, path: str, message: Message) -> None:
        self.problems.append(Problem(self._line, path, message))
