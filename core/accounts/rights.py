"""Every right that can be granted here: those of the base's packages and of the loaded plugins."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import walk_packages

import core
from core.authz import Right, known_rights, register_rights
from core.pluginmanager import plugins


def all_rights() -> Mapping[str, Right]:
    """Give every right by its key; web, worker and command line all ask here, so that none forgets to register."""
    _register()
    return known_rights()


@cache
def _register() -> None:
    for module in walk_packages(core.__path__, "core."):
        if module.name.endswith(".permissions"):
            register_rights(import_module(module.name).CATALOGUE)
    for rights in plugins().collect("register_permissions").values():
        register_rights(rights)
