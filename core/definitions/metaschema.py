"""Hold a definition against the published meta-schema of its kind, and say in words what is wrong.

The schemas are files for editors and people as much as for this program; they
lie in ``forms/meta``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

import core
from core.definitions.types import Content, Path
from core.lib.text import Message, msg

FORMS = FilePath(core.__file__).parent.parent / "forms"
"""The folder of meta-schemas and of the shared library."""

_SHOWN = 60


def has_schema(kind: str) -> bool:
    """Say whether this version of the program knows definitions of ``kind``."""
    return (FORMS / "meta" / f"{kind}.schema.json").is_file()


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """Read the meta-schema of ``kind``; raises FileNotFoundError for a kind without one."""
    found: dict[str, Any] = json.loads((FORMS / "meta" / f"{kind}.schema.json").read_text("utf-8"))
    return found


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def schema_errors(kind: str, content: Content) -> Iterator[tuple[Path, Message]]:
    """Yield what the meta-schema of ``kind`` has against ``content``, each with its path."""
    for error in _validator(kind).iter_errors(content):
        yield from _told(error)


def _told(error: ValidationError) -> Iterator[tuple[Path, Message]]:
    path: Path = tuple(error.absolute_path)
    if error.validator in {"anyOf", "oneOf"} and error.context:
        # Of several ways to be right, the one that was nearly taken tells most.
        closest = best_match(error.context)
        if len(closest.absolute_path) > len(path) or closest.validator != "type":
            yield from _told(closest)
            return
        yield path, msg("definitions.wrong_type", expected=_types(error.context), found=_shown(error.instance))
        return
    yield path, _SENTENCES.get(str(error.validator), _other)(error)


def _types(errors: Iterable[ValidationError]) -> str:
    return " / ".join(sorted({str(error.validator_value) for error in errors if error.validator == "type"}))


def _required(error: ValidationError) -> Message:
    return msg("definitions.field_missing", field=error.message.split("'")[1])


def _unknown(error: ValidationError) -> Message:
    known = set(error.schema.get("properties", ())) if isinstance(error.schema, dict) else set()
    extra = sorted(name for name in _any(error.instance) if name not in known)
    close = difflib.get_close_matches(extra[0], sorted(known), n=1) if extra else []
    names = ", ".join(name[:_SHOWN] for name in extra)
    if close:
        return msg("definitions.unknown_field_did_you_mean", field=names, close=close[0])
    return msg("definitions.unknown_field", field=names, known=", ".join(sorted(known)))


def _enum(error: ValidationError) -> Message:
    known = [str(value) for value in _any(error.validator_value)]
    close = difflib.get_close_matches(str(error.instance), known, n=1)
    if close:
        return msg("definitions.unknown_value_did_you_mean", found=_shown(error.instance), close=close[0])
    return msg("definitions.unknown_value", found=_shown(error.instance), known=", ".join(known))


def _wrong_type(error: ValidationError) -> Message:
    wanted = _any(error.validator_value)
    return msg(
        "definitions.wrong_type",
        expected=wanted if isinstance(wanted, str) else " / ".join(wanted),
        found=_shown(error.instance),
    )


def _pattern(error: ValidationError) -> Message:
    return msg("definitions.wrong_pattern", found=_shown(error.instance), pattern=error.validator_value)


def _bound(error: ValidationError) -> Message:
    return msg("definitions.out_of_bounds", rule=error.validator, limit=error.validator_value)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _constant(error: ValidationError) -> Message:
    return msg("definitions.unknown_value", found=_shown(error.instance), known=str(error.validator_value))


def _other(error: ValidationError) -> Message:
    return msg("definitions.does_not_fit", detail=error.message[:200])


def _any(value: object) -> Any:
    """Take off the "not set" that the library's types allow for; an error that was raised has it set."""
    return value


_SENTENCES: dict[str, Callable[[ValidationError], Message]] = {
    "additionalProperties": _unknown,
    "const": _constant,
    "enum": _enum,
    "maxItems": _bound,
    "maxLength": _bound,
    "maximum": _bound,
    "minItems": _bound,
    "minLength": _bound,
    "minProperties": _bound,
    "minimum": _bound,
    "pattern": _pattern,
    "required": _required,
    "type": _wrong_type,
}
