"""Attachments over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from marshmallow import Schema, fields, validate

from core.attachments import service
from core.attachments.models import Attachment
from core.attachments.store import Store
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg

routes = Routes("attachments")

_INLINE = {"image/jpeg", "image/png", "image/webp", "audio/mp4", "audio/ogg", "audio/webm", "audio/mpeg", "audio/wav", "video/mp4"}


class UploadSchema(Schema):
    """A file, and where it was taken."""

    file = fields.Raw(metadata={"type": "string", "format": "binary"})
    stage = fields.String(load_default=None, validate=validate.OneOf(["report", "verify", "handle", "check", "other"]))
    lon = fields.Float(load_default=None, validate=validate.Range(-180, 180))
    lat = fields.Float(load_default=None, validate=validate.Range(-90, 90))
    accuracy = fields.Float(load_default=None, validate=validate.Range(0, 100_000), metadata={"description": "metres"})


class AttachmentSchema(Schema):
    """A stored file."""

    uuid = fields.UUID(required=True)
    name = fields.String(required=True)
    content_type = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "bytes"})
    url = fields.String(required=True)
    thumbnail_url = fields.String(required=True, allow_none=True)


@routes.post("/attachments", upload=UploadSchema, answers={201: AttachmentSchema}, errors=(413,))
def upload_attachment(work: Work, body: dict[str, Any], files: Any) -> Answer:
    """Keep a photo, a recording or a file, to be named in a form afterwards."""
    sent = files.getlist("file")
    if len(sent) != 1:
        raise Invalid(msg("attachments.no_file"), path="file")
    body.pop("file", None)
    data = sent[0].stream.read(service.MAX_BYTES + 1)
    kept = service.keep(
        work.session, work.actor, Store.of(work.settings), name=sent[0].filename or "", data=data, taken=service.Taken(**body)
    )
    return Answer(_shown(kept), 201, {"Location": f"/api/v1/attachments/{kept.uuid}"})


@routes.get("/attachments/<uuid:uuid>", answers={200: "*/*"})
def download_attachment(work: Work, uuid: UUID) -> Answer:
    """Download a file that you may see."""
    return _bytes_of(work, uuid, "data")


@routes.get("/attachments/<uuid:uuid>/thumbnail", answers={200: "image/jpeg"})
def download_thumbnail(work: Work, uuid: UUID) -> Answer:
    """Download the small picture of a photo."""
    return _bytes_of(work, uuid, "thumbnail")


def _bytes_of(work: Work, uuid: UUID, part: str) -> Answer:
    found = service.get_visible(work.session, work.actor, uuid)
    if part == "thumbnail" and not found.has_thumbnail:
        raise NotFound(msg("attachments.unknown"))
    data = Store.of(work.settings).read(found.agency_id, found.uuid, part)
    kind = "image/jpeg" if part == "thumbnail" else found.content_type
    shown = "inline" if kind in _INLINE else "attachment"
    headers = {
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(found.name)}",
        "Cache-Control": "private, max-age=3600",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Answer(data, headers=headers, content_type=kind)


def _shown(found: Attachment) -> dict[str, Any]:
    url = f"/api/v1/attachments/{found.uuid}"
    return {
        "uuid": str(found.uuid),
        "name": found.name,
        "content_type": found.content_type,
        "size": found.size,
        "url": url,
        "thumbnail_url": f"{url}/thumbnail" if found.has_thumbnail else None,
    }
