"""What a file is, is told by its bytes; a picture is kept upright, small enough and with nothing hidden; the store is whole or empty."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from PIL import Image

from core.attachments import content, service
from core.attachments.content import Content, check
from core.attachments.models import Attachment
from core.attachments.service import Taken, keep
from core.attachments.store import Store
from core.authz import Actor
from core.db.engine import AgencySession
from core.lib.errors import Invalid, NotFound, TooLarge


def photo(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB") -> bytes:
    """Draw a picture."""
    out = io.BytesIO()
    Image.new(mode, size, 90 if mode in {"L", "P"} else None).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"OggS\x00", "audio/ogg"),
        (b"\x1aE\xdf\xa3", "audio/webm"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"RIFF\x24\x00\x00\x00WAVE", "audio/wav"),
        (b"#!AMR\n", "audio/amr"),
        (b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_file_is_known_by_its_bytes_and_kept_as_it_is(head: bytes, kind: str) -> None:
    data = head + b"\x00" * 64
    assert check(data) == Content(kind, data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_picture_gets_a_small_one_beside_it(kind: str, mode: str) -> None:
    found = check(photo(kind, (1200, 600), mode))
    assert (found.width, found.height) == (1200, 600)
    assert found.thumbnail is not None
    with Image.open(io.BytesIO(found.thumbnail)) as small:
        assert (small.format, small.size) == ("JPEG", (320, 160))


def test_transparent_picture_stays_so() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(check(out.getvalue()).data)) as kept:
        assert (kept.mode, kept.getpixel((5, 5))) == ("RGBA", (0, 0, 0, 0))


def test_photo_held_sideways_is_turned_upright() -> None:
    out = io.BytesIO()
    picture = Image.new("RGB", (60, 40))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(out, "JPEG", exif=exif)
    found = check(out.getvalue())
    assert (found.width, found.height) == (40, 60)


def test_picture_over_the_limit_of_pixels_is_refused_before_it_is_unfolded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MAX_PIXELS", 60 * 40 - 1)
    with pytest.raises(Invalid, match="pixels"):
        check(photo())


def test_names_are_cleaned(session: AgencySession, make_actor: Callable[..., Actor], tmp_path: Path) -> None:
    store = Store(f"file://{tmp_path}")
    kept = keep(session, make_actor(), store, name="C:\\Users\\x\\..\\a\x07b\u202e.jpg", data=photo(size=(11, 7)), taken=Taken("report"))
    assert kept.name == "ab.jpg"
    with pytest.raises(Invalid):
        keep(session, make_actor(), store, name="a/", data=photo(size=(12, 7)), taken=Taken())


def test_same_bytes_of_one_person_are_stored_once(
    session: AgencySession, make_actor: Callable[..., Actor], tmp_path: Path, owner_id: int
) -> None:
    store, data = Store(f"file://{tmp_path}"), photo(size=(13, 7))
    first = keep(session, make_actor(user_id=owner_id), store, name="a.jpg", data=data, taken=Taken())
    again = keep(session, make_actor(user_id=owner_id), store, name="b.jpg", data=data, taken=Taken())
    assert first.uuid == again.uuid
    assert len(list(tmp_path.rglob("*.data"))) == 1


@pytest.fixture
def owner_id(session: AgencySession) -> int:
    """Make somebody who sends."""
    from core.db.base import User  # noqa: PLC0415

    user = User(username=f"sender-{uuid4().hex[:8]}", first_name="x", last_name="", active=True)
    session.add(user)
    session.flush()
    return int(user.id)


def test_file_over_the_limit_is_refused_and_leaves_nothing(
    session: AgencySession, make_actor: Callable[..., Actor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_BYTES", 100)
    with pytest.raises(TooLarge):
        keep(session, make_actor(), Store(f"file://{tmp_path}"), name="a.pdf", data=b"%PDF-" + b"x" * 100, taken=Taken())
    assert list(tmp_path.rglob("*")) == []
    assert session.query(Attachment).count() == 0


def test_store_writes_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, uuid = Store(f"file://{tmp_path}"), uuid4()
    store.write(7, uuid, "data", b"first")
    assert store.read(7, uuid, "data") == b"first"
    with pytest.raises(NotFound):
        store.read(8, uuid, "data")

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    other = uuid4()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(7, other, "data", b"second")
    with pytest.raises(NotFound):
        store.read(7, other, "data")
    store.delete(7, uuid)
    with pytest.raises(NotFound):
        store.read(7, uuid, "data")
