"""Rights over ledgers."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class LedgerRight(StrEnum):
    """What may be done with records."""

    ERASE_PERSONAL = "ledgers:record:erase_personal"
    EXPORT = "ledgers:record:export"
    IMPORT = "ledgers:record:import"
    READ = "ledgers:record:read"
    READ_PERSONAL = "ledgers:record:read_personal"
    RETIRE = "ledgers:record:retire"
    WRITE = "ledgers:record:write"


CATALOGUE = [
    Right(
        LedgerRight.ERASE_PERSONAL, {"zh_CN": "清除台账中的个人信息", "en": "Erase personal values of records"}, reads_personal_data=True
    ),
    Right(LedgerRight.EXPORT, {"zh_CN": "导出台账", "en": "Export records"}),
    Right(LedgerRight.IMPORT, {"zh_CN": "批量导入台账", "en": "Import records"}),
    Right(LedgerRight.READ, {"zh_CN": "查看台账", "en": "See records"}),
    Right(LedgerRight.READ_PERSONAL, {"zh_CN": "查看台账中的个人信息", "en": "See personal values of records"}, reads_personal_data=True),
    Right(LedgerRight.RETIRE, {"zh_CN": "注销和恢复台账记录", "en": "Retire and restore records"}),
    Right(LedgerRight.WRITE, {"zh_CN": "登记和修改台账记录", "en": "Add and change records"}),
]
