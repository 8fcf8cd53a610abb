"""Posts: what a member is appointed to, such as the head of a street office."""

from __future__ import annotations

from sqlalchemy import Select, false, func, select, true
from sqlalchemy.orm import Session

from core.accounts.models import Member, Post
from core.accounts.permissions import AccountRight
from core.accounts.service.changes import record_change
from core.authz import Actor, require
from core.lib.errors import Conflict, NotFound
from core.lib.text import Title, msg


def create_post(session: Session, actor: Actor, *, key: str, title: Title) -> Post:
    """Make a post; raise Conflict for a key in use."""
    require(actor, AccountRight.MEMBER_MANAGE)
    if session.scalar(select(Post.id).where(Post.key == key)) is not None:
        raise Conflict(msg("accounts.key_in_use", name=key))
    post = Post(agency_id=actor.agency_id, key=key, title=dict(title))
    session.add(post)
    session.flush()
    record_change(session, actor, "accounts:post:created", f"post:{key}", new={"title": dict(title)})
    return post


def visible_posts(actor: Actor) -> Select[Post]:
    """Select the agency's posts, for whoever may see people anywhere in it."""
    may = actor.is_system or bool(actor.by_right.get(AccountRight.MEMBER_READ))
    return select(Post).where(true() if may else false())


def retire_post(session: Session, actor: Actor, key: str) -> Post:
    """Take a post out of use; raise NotFound, or Conflict while a member holds it."""
    require(actor, AccountRight.MEMBER_MANAGE)
    post = session.execute(visible_posts(actor).where(Post.key == key)).scalar_one_or_none()
    if post is None:
        raise NotFound(msg("accounts.no_such_post"))
    held = session.scalar(select(func.count()).where(Member.post_id == post.id, Member.active)) or 0
    if held:
        raise Conflict(msg("accounts.post_held", count=held))
    post.active = False
    session.flush()
    record_change(session, actor, "accounts:post:retired", f"post:{key}")
    return post
