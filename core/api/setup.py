"""Setting an agency up: its plugins, their roles, an agency's own definitions; for demos and installers."""

from core.db.engine import Database
from core.db.uow import unit_of_work
from core.definitions.service import publish_overlay
from core.definitions.store import current as current_definition
from core.pluginmanager.setup import switch_on
from core.settings import Settings

__all__ = ["Database", "Settings", "current_definition", "publish_overlay", "switch_on", "unit_of_work"]
