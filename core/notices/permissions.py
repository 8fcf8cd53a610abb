"""Rights over notice channels."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class NoticeRight(StrEnum):
    """What may be done with channels."""

    MANAGE_CHANNELS = "notices:channel:manage"


CATALOGUE = [Right(NoticeRight.MANAGE_CHANNELS, {"zh_CN": "管理通知渠道", "en": "Manage notice channels"})]
