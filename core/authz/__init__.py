"""Who may do what, where: one rule that answers yes or no and filters lists.

Import from here: ``Actor``, ``Grant``, ``Right``, ``Scope``, ``require`` and
``scope``.
"""

from core.authz.actor import Actor, Grant
from core.authz.catalogue import known_rights, register_rights
from core.authz.right import Right
from core.authz.scope import Scope, require, require_anywhere, scope

__all__ = ["Actor", "Grant", "Right", "Scope", "known_rights", "register_rights", "require", "require_anywhere", "scope"]
