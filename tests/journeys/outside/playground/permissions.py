"""The rights of play equipment."""

from __future__ import annotations

from enum import StrEnum

from core.api import Right


class RepairRight(StrEnum):
    """What may be done with a repair."""

    MEND = "playground:repair:mend"
    REPORT = "playground:repair:report"
    SEND = "playground:repair:send"


CATALOGUE = [
    Right(RepairRight.MEND, {"zh_CN": "维修", "en": "Mend"}),
    Right(RepairRight.REPORT, {"zh_CN": "报修", "en": "Report damage"}),
    Right(RepairRight.SEND, {"zh_CN": "派修", "en": "Send to a workshop"}),
]
