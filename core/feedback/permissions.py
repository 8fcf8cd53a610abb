"""Rights over invitations, answers and rounds; to answer needs none."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class FeedbackRight(StrEnum):
    """What staff may do with what residents say."""

    ANSWER_TAKE = "feedback:answer:take"
    INVITATION_READ = "feedback:invitation:read"
    ROUND_MANAGE = "feedback:round:manage"


CATALOGUE = [
    Right(FeedbackRight.ANSWER_TAKE, {"zh_CN": "代录回访答复", "en": "Write down an answer given by telephone"}),
    Right(
        FeedbackRight.INVITATION_READ,
        {"zh_CN": "查看回访与评价", "en": "See who was asked and what they answered"},
        reads_personal_data=True,
    ),
    Right(FeedbackRight.ROUND_MANAGE, {"zh_CN": "组织问卷调查", "en": "Run survey rounds"}),
]
