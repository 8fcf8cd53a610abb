"""The right to read the audit log."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class AuditRight(StrEnum):
    """What may be done with the audit log."""

    READ = "audit:entry:read"


CATALOGUE = [Right(AuditRight.READ, {"zh_CN": "查看审计日志", "en": "Read the audit log"})]
