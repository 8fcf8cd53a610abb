"""What a line of history may say in a case's own words: its kind and source, its facts, and what a step's form brought.

The workflow and its forms say which values there are; a value that they do not
know would stand in the way of the case's next step, and a personal value in the
chain could never be erased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from core.calendar import Calendar
from core.lib.text import Message, msg
from core.workflow import clockwork
from core.workflow.definition import Workflow
from core.workflow.service import known

Find = Callable[[str], int | None]


class Values:
    """Reads the values of one workflow version; what its forms say is looked up once."""

    def __init__(self, session: Session, workflow: Workflow, calendar: Calendar, *, person: Find, department: Find) -> None:
        self._session, self._workflow, self._calendar = session, workflow, calendar
        self._personal: dict[str, list[tuple[str, ...]]] = {}
        self._options: dict[str, frozenset[str] | None] = {}
        self._finders: dict[str, tuple[Find, str]] = {}
        self._names: set[str] = set()
        for transition in workflow.transitions.values():
            for way in transition.ways:
                self._names |= way.sets.keys() | set(way.keeps_assignee_as)
                self._finders |= dict.fromkeys(way.keeps_assignee_as, (person, "workflow.history_person"))
                for column, fact in way.assign_facts.items():
                    found = (person, "workflow.history_person") if column == "assignee" else (department, "workflow.history_department")
                    self._finders[fact] = found
        self._dates = {timer.at for state in workflow.states.values() for timer in state.timers if timer.at is not None}

    def facts(self, told: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, Message]]]:
        """Give the facts with names of people and departments turned into ids, and what is wrong with them, by path."""
        found: dict[str, Any] = {}
        wrong: list[tuple[str, Message]] = []
        for name, value in told.items():
            problem = None
            if name not in self._names:
                problem = msg("workflow.history_fact", name=name[:60], known=", ".join(sorted(self._names)) or "-")
            elif value is not None and name in self._finders:
                find, sentence = self._finders[name]
                number = find(value) if isinstance(value, str) else None
                problem = None if number else msg(sentence, name=str(value)[:60], code=str(value)[:60])
                value = number  # noqa: PLW2901  # what is kept is the id
            elif value is not None and name in self._dates and not self._is_day(value):
                problem = msg("workflow.history_day")
            found[name] = value
            if problem is not None:
                wrong.append((f"facts.{name}"[:120], problem))
        return found, wrong

    def is_option(self, field: str, value: str) -> bool:
        """Say whether the report form knows this value of a choice field; a form without such a field has no say."""
        if field not in self._options:
            self._options[field] = self._options_of(field)
        options = self._options[field]
        return options is None or value in options

    def personal_in(self, verb: str, data: Mapping[str, Any]) -> list[str]:
        """Name the personal fields of a step's form that ``data`` holds."""
        if verb not in self._personal:
            form = self._workflow.transitions[verb].form
            fields = known.form(self._session, form).form.personal_fields() if form else ()
            self._personal[verb] = [tuple(path.split(".")) for path, _ in fields]
        return [".".join(path) for path in self._personal[verb] if any(_at(data, path))]

    def _options_of(self, field: str) -> frozenset[str] | None:
        form = self._workflow.transitions[self._workflow.start].form
        for path, one in known.form(self._session, form).form.definition.walk() if form else ():
            if path == (field,) and one.type == "choice" and "options" in one.settings:
                return frozenset(option["value"] for option in one.settings["options"])
        return None

    def _is_day(self, value: Any) -> bool:
        try:
            clockwork.moment_of(value, self._calendar)
        except (ValueError, TypeError, OverflowError):
            return False
        return True


def _at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield what stands at a path of field ids, in every row of the groups on the way."""
    if isinstance(value, list):
        for row in value:
            yield from _at(row, path)
    elif not path:
        yield value is not None
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])
