"""Rights of the base over cases; the rights of each step belong to the plugin that declares the workflow."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class CaseRight(StrEnum):
    """What may be done with cases in general."""

    ASSIGN_GRID = "core:case:assign_grid"
    IMPORT = "core:case:import"
    MIGRATE = "core:case:migrate"
    READ = "core:case:read"
    READ_PERSONAL = "core:case:read_personal"


CATALOGUE = [
    Right(CaseRight.ASSIGN_GRID, {"zh_CN": "为网格外案件指定网格", "en": "Give a grid to a case outside every grid"}),
    Right(CaseRight.IMPORT, {"zh_CN": "导入历史案件", "en": "Import case history"}),
    Right(CaseRight.MIGRATE, {"zh_CN": "将在办案件迁移到新流程版本", "en": "Move open cases to a new workflow version"}),
    Right(CaseRight.READ, {"zh_CN": "查看案件", "en": "See cases"}),
    Right(CaseRight.READ_PERSONAL, {"zh_CN": "查看举报人信息", "en": "See who reported"}, reads_personal_data=True),
]
