"""Rights over grids and schemes."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right

__all__ = ["CATALOGUE", "GridRight"]


class GridRight(StrEnum):
    """What may be done with the division of the land; the scheme must be the agency's own for all but reading."""

    CHANGE = "grid:grid:change"
    CHECK = "grid:scheme:check"
    IMPORT = "grid:grid:import"
    MANAGE = "grid:scheme:manage"
    READ = "grid:grid:read"


CATALOGUE = [
    Right(GridRight.CHANGE, {"zh_CN": "拆分与合并网格", "en": "Split and merge grids"}),
    Right(GridRight.CHECK, {"zh_CN": "检查网格划分", "en": "Check the division into grids"}),
    Right(GridRight.IMPORT, {"zh_CN": "导入网格", "en": "Import grids"}),
    Right(GridRight.MANAGE, {"zh_CN": "建立与共享网格体系", "en": "Make and share grid schemes"}),
    Right(GridRight.READ, {"zh_CN": "查看网格", "en": "See grids"}),
]
