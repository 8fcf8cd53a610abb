"""The compilers: what each kind of definition brings along to be checked and used.

``compile`` turns stored content into the object that the program works with; it
is pure, needs nothing but the content, and raises ``Invalid`` with field paths.
``prepare`` (optional) makes a definition self-contained before it is stored:
includes are copied in, rules are parsed. ``references`` (optional) lists the
other definitions that must exist. ``audit`` (optional) holds a definition
against the others it has to live with, and names what cannot work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from core.definitions.types import Content, DefinitionSource, Reference
from core.lib.errors import FieldError

Compile = Callable[[Content], Any]
Prepare = Callable[[Content, DefinitionSource], dict[str, Any]]
References = Callable[[Content], Iterable[Reference]]
Audit = Callable[[Content, DefinitionSource], Iterable[FieldError]]


@dataclass(frozen=True)
class Compiler:
    """How one kind is made ready, checked and turned into an object."""

    compile: Compile
    prepare: Prepare | None = None
    references: References | None = None
    audit: Audit | None = None


_compilers: dict[str, Compiler] = {}


def register_compiler(
    kind: str,
    compile_fn: Compile,
    *,
    prepare: Prepare | None = None,
    references: References | None = None,
    audit: Audit | None = None,
) -> None:
    """Say how definitions of ``kind`` are compiled.

    Registering the same function again changes nothing; another one for the
    same kind is a mistake and raises ValueError.
    """
    known = _compilers.get(kind)
    if known is not None and known.compile is not compile_fn:
        raise ValueError(f"definitions of kind {kind!r} already have a compiler")
    _compilers[kind] = Compiler(compile_fn, prepare, references, audit)


def compiler_of(kind: str) -> Compiler | None:
    """Give the compiler of ``kind``, or None when no package brought one."""
    return _compilers.get(kind)


AfterSync = Callable[[Session], None]
"""Runs as the owner role in the transaction of a sync, after everything was stored."""

_after_sync: list[AfterSync] = []


def register_after_sync(function: AfterSync) -> None:
    """Have ``function`` run at the end of every sync of the installation's files, such as to make indexes; it must be safe to repeat."""
    if function not in _after_sync:
        _after_sync.append(function)


def run_after_sync(session: Session) -> None:
    """Run everything registered for the end of a sync."""
    for function in _after_sync:
        function(session)


AfterPublish = Callable[[Session, int, str], None]
"""Told in the transaction of a publication whose (agency id) it is and of which kind."""

_after_publish: list[AfterPublish] = []


def register_after_publish(function: AfterPublish) -> None:
    """Have ``function`` told whenever an agency puts a definition of its own into force."""
    if function not in _after_publish:
        _after_publish.append(function)


def run_after_publish(session: Session, agency_id: int, kind: str) -> None:
    """Tell whoever asked for it."""
    for function in _after_publish:
        function(session, agency_id, kind)
