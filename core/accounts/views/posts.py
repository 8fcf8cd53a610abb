"""Posts over HTTP."""

from __future__ import annotations

from typing import Any

from core.accounts import service
from core.accounts.models import Post
from core.accounts.schemas import NewPostSchema, PostPageSchema, PostSchema
from core.accounts.views.group import columns_of, read_page, routes
from core.http.paging import PageQuery
from core.http.routes import Answer
from core.http.work import Work


@routes.get("/posts", answers={200: PostPageSchema}, query=PageQuery)
def list_posts(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the agency's posts."""
    return read_page(work, service.visible_posts(work.actor), [Post.key], query, _write)


@routes.post("/posts", body=NewPostSchema, answers={201: PostSchema}, errors=(409,))
def create_post(work: Work, body: dict[str, Any]) -> Answer:
    """Make a post."""
    return Answer(_write(service.create_post(work.session, work.actor, **body)), 201)


@routes.delete("/posts/<key>", answers={200: PostSchema}, errors=(409,))
def retire_post(work: Work, key: str) -> dict[str, Any]:
    """Take a post that nobody holds out of use."""
    return _write(service.retire_post(work.session, work.actor, key))


def _write(post: Post) -> dict[str, Any]:
    return columns_of(post, "id", "key", "title", "active")
