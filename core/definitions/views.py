"""Definitions over HTTP: reading the current ones, and an agency's own drafts and versions."""

from __future__ import annotations

from typing import Any

from core.definitions import service, store
from core.definitions.schemas import (
    DefinitionBodySchema,
    DefinitionPageSchema,
    DefinitionSchema,
    HistorySchema,
    PageQuery,
)
from core.definitions.store import Version
from core.definitions.types import FOLDERS, KEY
from core.definitions.visibility import visible, visible_current, visible_version
from core.http.paging import decode_cursor, encode_cursor
from core.http.routes import Answer, Routes
from core.http.work import Work
from core.lib.errors import Invalid, NotFound
from core.lib.text import msg

routes = Routes("definitions")


@routes.get("/workflows", query=PageQuery, answers={200: DefinitionPageSchema}, errors=(422,))
def list_workflows(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the workflows in force for your agency."""
    return list_page(work, "workflow", query)


@routes.get("/workflows/<key>", answers={200: DefinitionSchema}, errors=(404,))
def show_workflow(work: Work, key: str) -> dict[str, Any]:
    """Show the workflow in force."""
    return full(visible_current(work.session, "workflow", key))


@routes.get("/ledgers", query=PageQuery, answers={200: DefinitionPageSchema}, errors=(422,))
def list_ledgers(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the ledgers of your agency."""
    return list_page(work, "ledger", query)


@routes.get("/ledgers/<key>", answers={200: DefinitionSchema}, errors=(404,))
def show_ledger(work: Work, key: str) -> dict[str, Any]:
    """Show how a ledger is defined."""
    return full(visible_current(work.session, "ledger", key))


@routes.get("/catalogues", query=PageQuery, answers={200: DefinitionPageSchema}, errors=(422,))
def list_catalogues(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the catalogues of your agency."""
    return list_page(work, "catalogue", query)


@routes.get("/catalogues/<key>", answers={200: DefinitionSchema}, errors=(404,))
def show_catalogue(work: Work, key: str) -> dict[str, Any]:
    """Show a catalogue with all its classes."""
    return full(visible_current(work.session, "catalogue", key))


@routes.get("/definitions/<kind>/<key>/versions", answers={200: HistorySchema}, errors=(403, 404))
def show_history(work: Work, kind: str, key: str) -> dict[str, Any]:
    """List every version of a definition, drafts included."""
    found = list(visible(work.session, service.history(work.session, work.actor, kind_in(kind), key)))
    if not found:
        raise NotFound(msg("definitions.unknown_definition", kind=kind, name=key))
    return {"items": [head(one) for one in found]}


@routes.get("/definition-versions/<int:version_id>", answers={200: DefinitionSchema}, errors=(403, 404))
def show_version(work: Work, version_id: int) -> dict[str, Any]:
    """Show one version with its content."""
    return full(service.read_version(work.actor, visible_version(work.session, version_id)))


@routes.put("/definitions/<kind>/<key>/draft", body=DefinitionBodySchema, answers={200: DefinitionSchema}, errors=(403, 404, 409, 422))
def save_draft(work: Work, kind: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """Save your agency's draft of a definition, in place of the draft there was."""
    return full(service.save_draft(work.session, work.actor, kind_in(kind), key, body["content"]))


@routes.delete("/definitions/<kind>/<key>/own", answers={204: None}, errors=(403, 404))
def retire_own(work: Work, kind: str, key: str) -> Answer:
    """Give up your agency's own versions; the installation's is in force again."""
    service.retire(work.session, work.actor, kind_in(kind), key)
    return Answer(status=204)


@routes.post("/definition-versions/<int:version_id>/publish", answers={200: DefinitionSchema}, errors=(403, 404, 409, 422))
def publish_draft(work: Work, version_id: int) -> dict[str, Any]:
    """Put a draft into force."""
    return full(service.publish(work.session, work.actor, version_id))


@routes.post("/definition-versions/<int:version_id>/rebase", answers={200: DefinitionSchema}, errors=(403, 404, 409))
def rebase_draft(work: Work, version_id: int) -> dict[str, Any]:
    """Merge the installation's newest definition into a draft."""
    return full(service.rebase(work.session, work.actor, version_id))


@routes.post("/definition-versions/<int:version_id>/restore", answers={200: DefinitionSchema}, errors=(403, 404, 409, 422))
def restore_version(work: Work, version_id: int) -> dict[str, Any]:
    """Put an old version into force again, as a new version."""
    return full(service.restore(work.session, work.actor, version_id))


@routes.delete("/definition-versions/<int:version_id>", answers={204: None}, errors=(403, 404, 409))
def discard_draft(work: Work, version_id: int) -> Answer:
    """Throw a draft away."""
    service.discard_draft(work.session, work.actor, version_id)
    return Answer(status=204)


def list_page(work: Work, kind: str, query: dict[str, Any]) -> dict[str, Any]:
    """Give one page of the current definitions of ``kind``, in the order of their keys."""
    cursor = decode_cursor(query["after"], [str])
    if cursor and not KEY.fullmatch(cursor[0]):
        raise Invalid(msg("http.bad_cursor"), path="after")
    found = visible(work.session, store.list_current(work.session, kind, after=cursor[0] if cursor else None))
    rows = [one for _, one in zip(range(query["limit"] + 1), found, strict=False)]
    page = rows[: query["limit"]]
    return {"items": [head(one) for one in page], "next": encode_cursor(page[-1].key) if len(rows) > len(page) else None}


def kind_in(kind: str) -> str:
    """Give the kind of a path; raises NotFound for one that does not exist."""
    if kind not in FOLDERS.values():
        raise NotFound(msg("definitions.unknown_kind", kind=kind))
    return kind


def head(one: Version) -> dict[str, Any]:
    """Give a version without its content."""
    return {
        "id": one.id,
        "kind": one.kind,
        "key": one.key,
        "title": one.content.get("title", {}),
        "version": one.version,
        "status": one.status,
        "origin": one.origin,
        "own": one.agency_id is not None,
        "base_version": one.base_version,
        "checksum": one.checksum,
        "conflicts": len(one.conflicts),
        "created_at": one.created_at.isoformat(),
        "published_at": one.published_at.isoformat() if one.published_at else None,
    }


def full(one: Version) -> dict[str, Any]:
    """Give a version with its content."""
    return {**head(one), "content": one.content, "conflict_list": list(one.conflicts)}
