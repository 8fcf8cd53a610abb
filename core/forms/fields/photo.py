"""Photos."""

from __future__ import annotations

from core.forms.fields.attachments import MAX_COUNT, MIN_COUNT, STAGE, AttachmentList
from core.forms.fields.base import Option, bilingual


class Photo(AttachmentList):
    """Photos taken on the spot or chosen."""

    name = "photo"
    title = bilingual("照片", "Photo")
    summary = bilingual(
        "照片，保存附件编号列表；拍照时记录位置。", "Photos, as a list of attachment UUIDs; position is captured while taking them."
    )
    options = (
        MIN_COUNT,
        MAX_COUNT,
        STAGE,
        Option("camera_only", {"type": "boolean"}, "只许现场拍摄，不许从相册选", "Only taken on the spot, never chosen from the album"),
    )
