"""Rights over plugins."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class PluginRight(StrEnum):
    """What may be done with plugins."""

    READ = "core:plugin:read"
    SWITCH = "core:plugin:switch"


CATALOGUE = [
    Right(PluginRight.READ, {"zh_CN": "查看插件", "en": "See plugins"}),
    Right(PluginRight.SWITCH, {"zh_CN": "启用或停用插件", "en": "Switch plugins on and off"}),
]
