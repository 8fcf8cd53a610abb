"""What a file really is: told by its bytes, never by its name or by what the sender says."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from core.lib.errors import Invalid
from core.lib.text import msg

MAX_PIXELS = 60_000_000
THUMBNAIL = (320, 320)
_IMAGES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ZIP = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True)
class Content:
    """A checked file: its type, and for a photo the bytes without metadata and a thumbnail."""

    content_type: str
    data: bytes
    thumbnail: bytes | None = None
    width: int | None = None
    height: int | None = None


def check(data: bytes) -> Content:
    """Recognise ``data``; raise Invalid for a type that is not accepted, a broken or a monstrous picture.

    A photo is turned upright, and its EXIF is dropped: position and time are
    sent beside it, and nothing hidden is stored.
    """
    if not data:
        raise Invalid(msg("attachments.empty"), path="file")
    kind = _signature(data)
    if kind is not None:
        return Content(kind, data)
    return _picture(data)


def _signature(data: bytes) -> str | None:
    head = data[:16]
    if head.startswith(b"%PDF-"):
        return "application/pdf"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] == b"M4A" else "video/mp4"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm"
    if head.startswith(b"ID3") or head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "audio/wav"
    if head.startswith(b"#!AMR"):
        return "audio/amr"
    if head.startswith(b"PK\x03\x04"):
        return next((kind for part, kind in _ZIP.items() if part in data[:4096]), None)
    return None


def _picture(data: bytes) -> Content:
    try:
        with Image.open(io.BytesIO(data), formats=list(_IMAGES)) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Invalid(msg("attachments.too_many_pixels", most=MAX_PIXELS // 1_000_000), path="file")
            kind = opened.format or ""
            picture = ImageOps.exif_transpose(opened)
            picture.load()
            # Comments, XMP and texts ride in `info`, from where Pillow writes them again.
            picture.info = {name: value for name, value in picture.info.items() if name == "transparency"}
    except UnidentifiedImageError:
        raise Invalid(msg("attachments.unknown_type"), path="file") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Invalid(msg("attachments.broken_picture"), path="file") from None
    return Content(_IMAGES[kind], _written(picture, kind), _thumbnail(picture), picture.width, picture.height)


def _written(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "JPEG":
        picture.convert("RGB").save(out, "JPEG", quality=88)
    else:
        picture.save(out, kind)
    return out.getvalue()


def _thumbnail(picture: Image.Image) -> bytes:
    small = picture.convert("RGB")
    small.thumbnail(THUMBNAIL)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()
