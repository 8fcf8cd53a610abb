"""Rights over scores: who sees whose, who publishes, who takes them out."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class ScoringRight(StrEnum):
    """What may be done with scores; one's own row is seen without any of these."""

    EXPORT_CREATE = "scoring:export:create"
    PERSON_READ = "scoring:person:read"
    PUBLICATION_PUBLISH = "scoring:publication:publish"
    PUBLICATION_READ = "scoring:publication:read"
    REVISION_PUBLISH = "scoring:revision:publish"
    SCORE_READ = "scoring:score:read"


CATALOGUE = [
    Right(ScoringRight.EXPORT_CREATE, {"zh_CN": "导出评价通报", "en": "Take out bulletins of scores"}),
    Right(
        ScoringRight.PERSON_READ,
        {"zh_CN": "查看其他人员的岗位评价", "en": "See other people's scores by name"},
        reads_personal_data=True,
    ),
    Right(ScoringRight.PUBLICATION_PUBLISH, {"zh_CN": "发布评价结果", "en": "Publish scores"}),
    Right(ScoringRight.PUBLICATION_READ, {"zh_CN": "查看已发布的评价结果", "en": "See published scores"}),
    Right(ScoringRight.REVISION_PUBLISH, {"zh_CN": "发布评价结果修订", "en": "Publish a revision of published scores"}),
    Right(ScoringRight.SCORE_READ, {"zh_CN": "查看评价得分", "en": "See scores as they stand"}),
]
