"""Sound recordings."""

from __future__ import annotations

from core.forms.fields.attachments import MAX_COUNT, MIN_COUNT, STAGE, AttachmentList
from core.forms.fields.base import Option, bilingual


class Audio(AttachmentList):
    """Sound recordings."""

    name = "audio"
    title = bilingual("录音", "Audio")
    summary = bilingual("录音，保存附件编号列表。", "Sound recordings, as a list of attachment UUIDs.")
    options = (
        MIN_COUNT,
        MAX_COUNT,
        STAGE,
        Option("max_seconds", {"type": "integer", "minimum": 1, "maximum": 3600}, "每段最长秒数", "Longest recording in seconds"),
    )
    default_count = 3
