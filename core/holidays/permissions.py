"""Rights over holidays and office hours."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class HolidayRight(StrEnum):
    """What may be done with the working calendar."""

    READ = "holidays:holiday:read"
    WRITE = "holidays:holiday:write"
    WRITE_HOURS = "holidays:office_hours:write"


CATALOGUE = [
    Right(HolidayRight.READ, {"zh_CN": "查看节假日和办公时间", "en": "See holidays and office hours"}),
    Right(HolidayRight.WRITE, {"zh_CN": "设置节假日", "en": "Set holidays"}),
    Right(HolidayRight.WRITE_HOURS, {"zh_CN": "设置办公时间", "en": "Set office hours"}),
]
