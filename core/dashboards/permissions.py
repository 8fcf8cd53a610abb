"""The right over dashboards; what their tiles show is limited as everything else is."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class DashboardRight(StrEnum):
    """What may be done with dashboards."""

    READ = "dashboards:dashboard:read"


CATALOGUE = [Right(DashboardRight.READ, {"zh_CN": "查看看板", "en": "See dashboards"})]
