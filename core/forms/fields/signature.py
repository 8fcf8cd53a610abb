"""Signatures drawn on a screen."""

from __future__ import annotations

from core.forms.fields.attachments import AttachmentList
from core.forms.fields.base import bilingual


class Signature(AttachmentList):
    """One signature drawn on the screen, kept as a picture."""

    name = "signature"
    title = bilingual("签名", "Signature")
    summary = bilingual("手写签名，保存为一张图片附件。", "One signature drawn on the screen, as a list of one attachment UUID.")
    default_count = 1
