"""The contract printed for the documents: hooks from their specifications, rights from the catalogue."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from core import hookspecs
from core.authz.catalogue import known_rights

_FAMILIES = {
    "register_": "At start-up",
    "resolve_": "Inside the transaction: the first answer wins",
    "check_": "Inside the transaction: may veto",
    "": "After the commit",
}


def signature(hook: Callable[..., Any]) -> str:
    """Write a hook's name, arguments and answer as they stand in the code."""
    found = inspect.signature(hook)
    arguments = ", ".join(f"{one.name}: {one.annotation}" for one in found.parameters.values())
    return f"{hook.__name__}({arguments}) -> {found.return_annotation}"


def hooks() -> str:
    """Write every hook, by family, as Markdown."""
    lines: list[str] = []
    family = None
    for hook in _hooks():
        begins = next(begin for begin in _FAMILIES if hook.__name__.startswith(begin))
        if begins != family:
            family = begins
            lines += [f"## {_FAMILIES[begins]}", ""]
        lines += [f"### `{signature(hook)}`", "", inspect.getdoc(hook) or "", ""]
    return "\n".join(lines).replace("``", "`").rstrip()


def _hooks() -> Iterator[Callable[..., Any]]:
    found = [hook for hook in vars(hookspecs).values() if inspect.isfunction(hook) and hasattr(hook, f"{hookspecs.PROJECT}_spec")]
    for begin in _FAMILIES:
        others = tuple(other for other in _FAMILIES if other)
        yield from (hook for hook in found if (hook.__name__.startswith(begin) if begin else not hook.__name__.startswith(others)))


def rights() -> str:
    """Write every registered right, by owner, as Markdown."""
    lines: list[str] = []
    owner = None
    for key, right in sorted(known_rights().items()):
        begins = key.partition(":")[0]
        if begins != owner:
            owner = begins
            lines += ["", f"## {owner}", "", "| right | 权限 | meaning | personal data |", "|---|---|---|---|"]
        reads = "shows it" if right.reads_personal_data else ""
        lines.append(f"| `{key}` | {right.title['zh_CN']} | {right.title['en']} | {reads} |")
    return "\n".join(lines).strip()
