"""Check definitions: meta-schema, references, compiler; and make them ready to be stored.

A definition is checked together with all the others it came with, so that a
form may use a library group that is loaded in the same go.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from core.definitions.load import MAX_DEPTH, MAX_NODES
from core.definitions.metaschema import has_schema, schema_errors
from core.definitions.registry import compiler_of
from core.definitions.types import Content, DefinitionSource, Document, Loaded, Path, Prepared, Problem, parse_path, path_text
from core.lib.errors import FieldError, Invalid
from core.lib.text import Message, msg

log = logging.getLogger(__name__)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Outcome:
    """What a check found: the definitions that may be stored, and every problem."""

    prepared: Sequence[Prepared] = ()
    problems_by_origin: Mapping[str, Sequence[Problem]] = field(default_factory=dict)
    """Only the origins that have some."""

    @property
    def problems(self) -> list[Problem]:
        """Every problem, wherever it was found."""
        return [problem for found in self.problems_by_origin.values() for problem in found]


@dataclass
class _Together(DefinitionSource):
    """The definitions being checked, and behind them those already stored."""

    stored: DefinitionSource | None
    loaded: dict[tuple[str, str], Content] = field(default_factory=dict)

    def find(self, kind: str, key: str) -> Content | None:
        return self.loaded.get((kind, key)) or (self.stored.find(kind, key) if self.stored else None)

    def every(self, kind: str) -> Iterator[Content]:
        yield from (content for (loaded, _), content in self.loaded.items() if loaded == kind)
        for content in self.stored.every(kind) if self.stored else ():
            if (kind, content["key"]) not in self.loaded:
                yield content


def check(loaded: Sequence[Loaded], stored: DefinitionSource | None = None) -> Outcome:
    """Check all loaded files; a definition with a problem is left out of ``prepared``.

    ``stored`` is asked for definitions that the files name but do not contain.
    """
    source = _Together(stored)
    repeated = _index(loaded, source)
    prepared: list[Prepared] = []
    problems: dict[str, list[Problem]] = {}
    for part in loaded:
        found = list(part.problems)
        for document in part.documents:
            if (again := repeated.get(id(document))) is not None:
                found.append(again)
            made = _checked(document, part, source)
            if isinstance(made, Prepared):
                prepared.append(made)
            else:
                found += made
        if found:
            problems.setdefault(part.origin, []).extend(found)
    return Outcome(prepared, problems)


def prepare_one(kind: str, content: Mapping[str, Any], *, origin: str, source: DefinitionSource) -> Prepared:
    """Check one definition that came without a file (over HTTP).

    Raises Invalid with the path of every wrong field.
    """
    if not has_schema(kind):
        raise Invalid(msg("definitions.unknown_kind", kind=kind), path="kind")
    _require_plain(content)
    errors = [FieldError(path_text(path), message) for path, message in schema_errors(kind, content)]
    if errors:
        raise Invalid.many(errors)
    return _prepare(kind, content, origin, source)


def canonical(content: Mapping[str, Any]) -> bytes:
    """Write content as the one JSON text that stands for it; order of fields kept, as authors mean it."""
    return orjson.dumps(content)


def checksum_of(content: Mapping[str, Any]) -> str:
    """Give the SHA-256 of the canonical text."""
    return hashlib.sha256(canonical(content)).hexdigest()


def _require_plain(content: Mapping[str, Any]) -> None:
    """Refuse what no file could hold: too deep, too much, or text that cannot be stored."""
    waiting: list[tuple[Any, int]] = [(content, 0)]
    count = 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise Invalid(msg("definitions.file_too_complex", nodes=MAX_NODES, depth=MAX_DEPTH))
        if isinstance(value, Mapping):
            waiting += ((inner, depth + 1) for pair in value.items() for inner in pair)
        elif isinstance(value, list):
            waiting += ((inner, depth + 1) for inner in value)
        elif isinstance(value, str) and _UNSTORABLE.search(value):
            raise Invalid(msg("definitions.unstorable_text"))


def _index(loaded: Sequence[Loaded], source: _Together) -> dict[int, Problem]:
    """Let definitions find each other by their keys; give the problem of each document (by its ``id``) whose key is taken."""
    first: dict[tuple[str, str], Document] = {}
    repeated: dict[int, Problem] = {}
    for part in loaded:
        for document in part.documents:
            place = (document.kind, document.key)
            if not part.owns(document.key):
                continue  # A foreign key is a problem of its own; it must not stand in the way of the file that it belongs to.
            if document.key and place in first:
                message = msg("definitions.duplicate_key", name=document.key, other=first[place].file)
                repeated[id(document)] = _problem(document, ("key",), message)
                continue
            first[place] = document
            source.loaded[place] = document.content
    return repeated


def _checked(document: Document, part: Loaded, source: _Together) -> Prepared | list[Problem]:
    found = list(_document_problems(document, part))
    if found:
        return found
    try:
        return _prepare(document.kind, document.content, part.origin, source)
    except Invalid as invalid:
        return [_problem(document, parse_path(error.path), error.message) for error in invalid.errors]
    except Exception as error:  # a defect that one file brings to light must not keep the others out
        log.exception("the check of %s broke off", document.file)
        return [_problem(document, (), msg("definitions.check_broke_off", detail=f"{type(error).__name__}: {error}"[:200]))]


def _document_problems(document: Document, part: Loaded) -> Iterable[Problem]:
    if not has_schema(document.kind):
        return [_problem(document, (), msg("definitions.unknown_kind", kind=document.kind))]
    found = [_problem(document, path, message) for path, message in schema_errors(document.kind, document.content)]
    if document.key:
        found += _naming_problems(document, part)
    return found


def _naming_problems(document: Document, part: Loaded) -> Iterator[Problem]:
    if not part.owns(document.key):
        yield _problem(document, ("key",), msg("definitions.wrong_prefix", name=document.key, prefix=part.prefix))
    stem = document.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if document.key != stem and not document.key.endswith(f".{stem}"):
        yield _problem(document, ("key",), msg("definitions.wrong_file_name", name=document.key, file=document.key.rsplit(".", 1)[-1]))


def _prepare(kind: str, content: Content, origin: str, source: DefinitionSource) -> Prepared:
    compiler = compiler_of(kind)
    if compiler is None:
        raise Invalid(msg("definitions.no_compiler", kind=kind))
    ready = compiler.prepare(content, source) if compiler.prepare else dict(content)
    compiler.compile(ready)
    if compiler.references:
        missing = [
            FieldError(reference.path, msg("definitions.unknown_reference", kind=reference.kind, name=reference.key))
            for reference in compiler.references(ready)
            if source.find(reference.kind, reference.key) is None
        ]
        if missing:
            raise Invalid.many(missing)
    unfit = list(compiler.audit(ready, source)) if compiler.audit else []
    if unfit:
        raise Invalid.many(unfit)
    return Prepared(kind, str(content["key"]), origin, ready, checksum_of(ready))


def _problem(document: Document, path: Path, message: Message) -> Problem:
    line, column = document.mark_of(path)
    return Problem(document.file, line, column, path_text(path), message)
