"""Files of any allowed kind."""

from __future__ import annotations

from core.forms.fields.attachments import MAX_COUNT, MIN_COUNT, STAGE, AttachmentList
from core.forms.fields.base import Option, bilingual


class File(AttachmentList):
    """Files, such as a signed document."""

    name = "file"
    title = bilingual("文件", "File")
    summary = bilingual("文件，保存附件编号列表。", "Files, as a list of attachment UUIDs.")
    options = (
        MIN_COUNT,
        MAX_COUNT,
        STAGE,
        Option(
            "accept",
            {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^\\.[a-z0-9]{1,8}$"}, "uniqueItems": True},
            "允许的扩展名，如 [.pdf, .docx]",
            "Extensions the browser offers, such as [.pdf, .docx]",
        ),
    )
