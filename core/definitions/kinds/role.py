"""A role: rights bundled under one title, and the roles it cannot be held with."""

from __future__ import annotations

from dataclasses import dataclass

from core.definitions.types import Content
from core.lib.errors import Invalid
from core.lib.text import Title, msg


@dataclass(frozen=True)
class RoleDefinition:
    """A compiled role. ``scope`` says at what an assignment of it is made."""

    key: str
    title: Title
    rights: tuple[str, ...]
    excludes: frozenset[str]
    scope: str
    requires_second_factor: bool


def compile_role(content: Content) -> RoleDefinition:
    """Compile a role; raises Invalid for a role that excludes itself.

    Whether each right exists is known to the rights registry above this
    package, which checks it when the role is granted.
    """
    excludes = content.get("excludes", [])
    if content["key"] in excludes:
        path = f"excludes[{excludes.index(content['key'])}]"
        raise Invalid(msg("definitions.role_excludes_itself", name=content["key"]), path=path)
    return RoleDefinition(
        key=content["key"],
        title=content["title"],
        rights=tuple(content["rights"]),
        excludes=frozenset(excludes),
        scope=content.get("scope", "agency"),
        requires_second_factor=content.get("requires_second_factor", False),
    )
