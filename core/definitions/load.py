"""Read definition files and remember the line of every field.

YAML is read as YAML 1.2 says: ``yes`` and ``on`` are words, ``08:00`` and
``0101`` are text, dates are text. What is not plain JSON data is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path as FilePath
from typing import Any

import yaml

from core.definitions.types import FOLDERS, Document, Loaded, Mark, Path, Problem, path_text
from core.lib.text import Message, msg

MAX_FILE_BYTES = 4_000_000
MAX_NODES = 300_000
MAX_DEPTH = 60
_MAX_INTEGER = 2**53

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOLEAN = re.compile(r"true|True|TRUE|false|False|FALSE")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_PLAIN = "tag:yaml.org,2002:"


class _Refused(Exception):  # noqa: N818
    """Carries one problem out of the recursion."""

    def __init__(self, message: Message, mark: Mark, path: Path) -> None:
        self.message, self.mark, self.path = message, mark, path
        super().__init__(message)


def load_folder(root: FilePath | Traversable, *, origin: str, prefix: str = "", within: str = "") -> Loaded:
    """Read every definition file below the kind folders of ``root``.

    Nothing is raised for a bad file: it becomes a problem, and the others are
    read all the same. ``prefix`` is what each key has to begin with (a plugin
    key), empty for no such rule. ``within`` goes before the name of each file in
    problems, where files of several folders are told together.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for folder, kind in FOLDERS.items():
        try:
            files = list(_files(root / folder))
        except OSError as error:
            problems.append(_unreadable(f"{within}{folder}", error))
            continue
        for file in files:
            found = _load(file, kind, f"{within}{folder}/{file.name}")
            if isinstance(found, Problem):
                problems.append(found)
            else:
                documents.append(found)
    return Loaded(origin, documents, problems, prefix)


def load_text(text: bytes | str, *, kind: str, file: str) -> Document | Problem:
    """Read one YAML document; the problem names line and field."""
    if len(text) > MAX_FILE_BYTES:
        return Problem(file, 1, 1, "", msg("definitions.file_too_large", limit=MAX_FILE_BYTES))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Problem(file, line, column, "", msg("definitions.not_yaml", detail=error.problem or error.context or ""))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return Problem(file, 1, 1, "", msg("definitions.not_yaml", detail=str(error).splitlines()[0]))
    try:
        return _document(root, kind, file)
    except _Refused as refused:
        return Problem(file, *refused.mark, path_text(refused.path), refused.message)


def _files(folder: FilePath | Traversable) -> Iterator[FilePath | Traversable]:
    if folder.is_dir():
        yield from sorted((file for file in folder.iterdir() if file.name.endswith((".yaml", ".yml"))), key=lambda file: file.name)


def _load(file: FilePath | Traversable, kind: str, name: str) -> Document | Problem:
    try:
        with file.open("rb") as stream:
            data: bytes = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return _unreadable(name, error)
    return load_text(data, kind=kind, file=name)


def _unreadable(name: str, error: OSError) -> Problem:
    return Problem(name, 1, 1, "", msg("definitions.unreadable", detail=error.strerror or type(error).__name__))


def _document(root: Any, kind: str, file: str) -> Document:
    if root is None:
        raise _Refused(msg("definitions.empty_file"), (1, 1), ())
    reader = _Reader()
    content = reader.value(root, ())
    if not isinstance(content, dict):
        raise _Refused(msg("definitions.not_a_mapping"), (1, 1), ())
    return Document(kind, file, content, reader.marks)


class _Reader:
    """Turns YAML nodes into JSON data; counts them, so that aliases cannot blow up."""

    def __init__(self) -> None:
        self.marks: dict[Path, Mark] = {}
        self._nodes = 0

    def value(self, node: Any, path: Path) -> Any:
        mark = (node.start_mark.line + 1, node.start_mark.column + 1)
        self.marks.setdefault(path, mark)
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise _Refused(msg("definitions.file_too_complex", nodes=MAX_NODES, depth=MAX_DEPTH), mark, path)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        return _scalar(node, mark, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _Refused(msg("definitions.key_not_text"), mark, path)
            key = key_node.value
            if key in found:
                raise _Refused(msg("definitions.duplicate_field", field=key), mark, path)
            self.marks[(*path, key)] = mark
            found[key] = self.value(value_node, (*path, key))
        return found


def _scalar(node: yaml.ScalarNode, mark: Mark, path: Path) -> Any:
    text = node.value
    explicit = node.tag.removeprefix(_PLAIN)
    if explicit not in {"str", "int", "float", "bool", "null", "timestamp", "merge", "value"}:
        raise _Refused(msg("definitions.unknown_tag", tag=node.tag), mark, path)
    # A quoted or block scalar is text, whatever it looks like.
    if node.style in {"'", '"', "|", ">"}:
        return text
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() == "true"
    if _FLOAT.fullmatch(text):
        return _number(text, mark, path)
    return text


def _number(text: str, mark: Mark, path: Path) -> int | float:
    if _INTEGER.fullmatch(text):
        # More digits than this is a code written without quotes; as a number it would lose digits in a browser.
        if len(text) > 17 or abs(int(text)) >= _MAX_INTEGER:
            raise _Refused(msg("definitions.number_too_large", value=text[:40]), mark, path)
        return int(text)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused(msg("definitions.number_too_large", value=text[:40]), mark, path)
    return number
