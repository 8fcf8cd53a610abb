"""Rights over definitions. Reading the current one needs none: everybody draws forms from it."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class DefinitionRight(StrEnum):
    """What may be done with an agency's own versions."""

    PUBLISH = "definitions:definition:publish"
    READ = "definitions:definition:read"
    WRITE = "definitions:definition:write"


CATALOGUE = [
    Right(DefinitionRight.PUBLISH, {"zh_CN": "发布定义", "en": "Publish definitions"}),
    Right(DefinitionRight.READ, {"zh_CN": "查看定义的草稿和历史", "en": "See drafts and history of definitions"}),
    Right(DefinitionRight.WRITE, {"zh_CN": "编辑定义草稿", "en": "Edit drafts of definitions"}),
]
