"""Reading parts of definition files: rules, names and numbers, with everything wrong kept by its path."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.rules import CompiledRule, RuleError, Tree, compile_rule, parse


class Reader:
    """Reads one file; keeps what it has found wrong."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def error(self, path: str, key: str, **params: object) -> None:
        """Keep one thing wrong at ``path``."""
        self.errors.append(FieldError(path, msg(f"scoring.{key}", **params)))

    def known(self, path: str, name: str, known: Collection[str], what: str) -> bool:
        """Say whether ``name`` is one of those known; keep an error that lists them otherwise."""
        if name in known:
            return True
        self.error(path, "unknown_name", what=what, name=name, known=", ".join(sorted(known)) or "-")
        return False

    def once(self, path: str, keys: Iterable[str]) -> None:
        """Keep an error for every key that stands twice in a list."""
        seen: set[str] = set()
        for index, key in enumerate(keys):
            if key in seen:
                self.error(f"{path}[{index}].key", "key_twice", name=key)
            seen.add(key)

    def rule(self, path: str, given: Any, names: Names | None = None) -> CompiledRule | None:
        """Compile a rule given as text or as the tree it was parsed to; None when it is wrong."""
        try:
            tree: Tree = parse(given) if isinstance(given, str) else given
            rule = compile_rule(tree)
        except RuleError as error:
            self.errors.append(FieldError(path, error.message))
            return None
        if rule.needs_today:
            self.error(path, "rule_needs_today")
        for name in sorted(rule.reads) if names is not None else ():
            assert names is not None
            if not names.has(name):
                self.error(path, "unknown_name", what=names.what, name=name, known=names.told())
        return rule

    def done(self) -> None:
        """Raise Invalid with everything that was found wrong, if anything was."""
        if self.errors:
            raise Invalid.many(self.errors)


class Names:
    """The names that a rule may read: some by themselves, and any that begin as one of the open ones do."""

    def __init__(self, what: str, closed: Collection[str], opened: tuple[str, ...] = (), within: tuple[str, Names] | None = None) -> None:
        self.what, self._closed, self._opened, self._within = what, closed, opened, within

    def has(self, name: str) -> bool:
        """Say whether a rule may read ``name``."""
        if name in self._closed:
            return True
        if self._within is not None and name.startswith(self._within[0]):
            return self._within[1].has(name.removeprefix(self._within[0]))
        return any(name.startswith(begin) and len(name) > len(begin) for begin in self._opened)

    def told(self) -> str:
        """List the names for a sentence."""
        return ", ".join([*sorted(self._closed), *(f"{begin}…" for begin in (*self._opened, *([self._within[0]] if self._within else [])))])
