"""The parts of the base: which packages there are, and what each brings to every process.

The web application, the worker, the command line and the tests all call
:func:`load` once; after it every right is known, every kind of definition has
its compiler and every outbox topic its handler.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from core.authz.catalogue import register_rights
from core.definitions.installed import import_compilers
from core.http.routes import Routes
from core.pluginmanager import plugins

PACKAGES = (
    "pluginmanager",
    "grid",
    "accounts",
    "holidays",
    "attachments",
    "notices",
    "definitions",
    "forms",
    "ledgers",
    "workflow",
    "facts",
    "feedback",
    "scoring",
    "dashboards",
    "health",
    "audit",
)
"""Every package that may bring rights, routes, tasks or registrations, lower ones first."""


@cache
def load() -> None:
    """Load what the packages and the plugins register; calling it again does nothing."""
    import_compilers()
    for permissions in modules("permissions"):
        register_rights(permissions.CATALOGUE)
    for name in ("service", "tasks"):
        list(modules(name))
    register_rights(plugins().rights())
    from core.facts.service import everybody_listens  # noqa: PLC0415  # what this module is imported for may need no tables

    everybody_listens()


def routes() -> list[Routes]:
    """Give the routes of the packages and of the plugins; a plugin with routes that do not fit is skipped."""
    own: list[Routes] = [views.routes for views in modules("views")]
    taken = {route.path.split("/")[1] for group in own for route in group.all}
    return [*own, *plugins().routes(taken)]


def modules(name: str) -> Iterator[ModuleType]:
    """Import the module called ``name`` of every package that has one."""
    for package in PACKAGES:
        full = f"core.{package}.{name}"
        if find_spec(full):
            yield import_module(full)
