"""The façade that plugins import; what is not here is not promised.

``core.api`` has the contract (manifest, hooks, rights, messages), ``core.api.errors``
the errors a plugin may raise, ``core.api.db`` the table bases, ``core.api.http`` the
routes; ``accounts``, ``attachments``, ``cases``, ``feedback``, ``grids``, ``ledgers`` and ``scores`` have the
functions of the base, and ``setup`` what demos and installers need.
"""

from core.authz import Actor, Grant, Right, Scope, require, require_anywhere, scope
from core.hookspecs import hookimpl
from core.lib.text import Message, msg, say
from core.pluginmanager.manifest import PluginManifest

__all__ = [
    "Actor",
    "Grant",
    "Message",
    "PluginManifest",
    "Right",
    "Scope",
    "hookimpl",
    "msg",
    "require",
    "require_anywhere",
    "say",
    "scope",
]
