"""What passes between reading, checking and storing definitions: plain data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.lib.text import Message

Content = Mapping[str, Any]
"""A definition as plain JSON data."""

Path = tuple[str | int, ...]
"""Where in a definition: ``("fields", 2, "type")``."""

Mark = tuple[int, int]
"""Line and column, both counted from 1."""

FOLDERS: Mapping[str, str] = {
    "catalogues": "catalogue",
    "dashboards": "dashboard",
    "duties": "duty",
    "forms": "form",
    "indicators": "indicator",
    "ledgers": "ledger",
    "roles": "role",
    "scorecards": "scorecard",
    "surveys": "survey",
    "team_rules": "team_rule",
    "workflows": "workflow",
}
"""The folder that a kind of definition lives in."""

LIBRARY = "library"
"""What the keys of the shared library begin with, and the origin of its versions."""

PLUGIN = "plugin:"
"""What the origin of a plugin's versions begins with."""

KEY = re.compile(r"[a-z][a-z0-9_.]{0,99}", re.ASCII)
"""What a key can look like; nothing else is ever asked of the database."""

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class DefinitionSource(Protocol):
    """Where a definition finds the others that it names."""

    def find(self, kind: str, key: str) -> Content | None:
        """Give the current content of a definition, or None when there is none."""

    def every(self, kind: str) -> Iterable[Content]:
        """Give the current content of every definition of a kind."""


@dataclass(frozen=True)
class Document:
    """One file as read: its content, and the line of every field in it."""

    kind: str
    file: str
    content: dict[str, Any]
    marks: Mapping[Path, Mark] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """The key it declares; empty when it has none (a problem found by the check)."""
        key = self.content.get("key")
        return key if isinstance(key, str) else ""

    def mark_of(self, path: Path) -> Mark:
        """Give the line and column of ``path``, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark:
                return mark
        return (1, 1)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file: where, and what to do about it."""

    file: str
    line: int
    column: int
    path: str
    message: Message

    def text(self, locale: str) -> str:
        """Give the line a person reads: file, line, field and sentence."""
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where}: {self.path}: {self.message.text(locale)}" if self.path else f"{where}: {self.message.text(locale)}"

    def as_json(self, locale: str) -> dict[str, str | int]:
        """Give it as JSON data."""
        return {"file": self.file, "line": self.line, "column": self.column, "path": self.path, "message": self.message.text(locale)}


@dataclass(frozen=True)
class Loaded:
    """All definition files of one origin (the library, or one plugin)."""

    origin: str
    documents: Sequence[Document]
    problems: Sequence[Problem] = ()
    prefix: str = ""
    """What each key has to begin with, such as a plugin's key; empty for no such rule."""

    def owns(self, key: str) -> bool:
        """Say whether a definition of this key may come from here."""
        return not self.prefix or key.startswith(f"{self.prefix}.")


@dataclass(frozen=True)
class LeftOut:
    """A plugin whose files a sync left out, and everything that is wrong in them."""

    plugin: str
    problems: Sequence[Problem]

    def as_json(self, locale: str) -> dict[str, Any]:
        """Give it as JSON data."""
        return {"plugin": self.plugin, "problems": [problem.as_json(locale) for problem in self.problems]}


@dataclass(frozen=True)
class Prepared:
    """A definition that passed every check, in the form in which it is stored."""

    kind: str
    key: str
    origin: str
    content: dict[str, Any]
    checksum: str


@dataclass(frozen=True)
class Reference:
    """That a definition names another one, and where."""

    path: str
    kind: str
    key: str


def path_text(path: Sequence[str | int]) -> str:
    """Write a path as people read it: ``fields[2].type``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def parse_path(text: str) -> Path:
    """Read a path back; the inverse of ``path_text``."""
    return tuple(int(index) if index else name for index, name in _STEP.findall(text))
