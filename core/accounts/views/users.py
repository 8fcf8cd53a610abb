"""People over HTTP: members of the acting agency."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from core.accounts import service
from core.accounts.masking import PERSONAL, masked
from core.accounts.models import Department, Member
from core.accounts.schemas import (
    ContactSchema,
    CountsSchema,
    HandOverSchema,
    JoinSchema,
    MemberChangeSchema,
    MemberPageSchema,
    MemberQuery,
    MemberSchema,
    NewMemberSchema,
    OpenWorkSchema,
    PasswordSchema,
)
from core.accounts.signin.seals import seals_of
from core.accounts.views.departments import write_open_work
from core.accounts.views.group import columns_of, read_page, routes
from core.db.base import User
from core.http.routes import Answer
from core.http.work import Work

_USER = "/users/<int:user_id>"


@routes.get("/users", answers={200: MemberPageSchema}, query=MemberQuery)
def list_users(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the people that you may see, by name; contact data is masked."""
    wanted = service.visible_members(work.actor)
    if "department" in query:
        path = service.get_visible_department(work.session, work.actor, query["department"]).path
        wanted = wanted.where(Member.department_id.in_(select(Department.id).where(Department.path.op("<@")(path))))
    if "active" in query:
        wanted = wanted.where(Member.active == query["active"])
    if "search" in query:
        begins = query["search"]
        fields = (User.first_name, User.username, Member.employee_number, Member.name_pinyin)
        wanted = wanted.where(or_(*(field.istartswith(begins, autoescape=True) for field in fields)))
    return read_page(work, wanted, [Member.name_pinyin, Member.user_id], query, lambda member, user: _write(work, member, user))


@routes.post("/users", body=NewMemberSchema, answers={201: MemberSchema}, errors=(409,))
def create_user(work: Work, body: dict[str, Any]) -> Answer:
    """Take in a new person, whose home is your agency."""
    member = service.create_user(work.session, work.actor, service.NewUser(**body))
    return Answer(_write(work, member, work.session.get_one(User, member.user_id)), 201, etag=member.version)


@routes.post("/users/join", body=JoinSchema, answers={201: MemberSchema}, errors=(404, 409))
def join_user(work: Work, body: dict[str, Any]) -> Answer:
    """Make a person of another agency a member of yours."""
    member = service.add_member(work.session, work.actor, body["username"], department_id=body["department_id"])
    return Answer(_write(work, member, work.session.get_one(User, member.user_id)), 201, etag=member.version)


@routes.get(_USER, answers={200: MemberSchema})
def show_user(work: Work, user_id: int) -> Answer:
    """Show a person; contact data is masked."""
    return _answer(work, *service.get_visible_member(work.session, work.actor, user_id))


@routes.patch(_USER, body=MemberChangeSchema, answers={200: MemberSchema}, if_match=True)
def update_user(work: Work, user_id: int, body: dict[str, Any], version: int) -> Answer:
    """Change a person's data; a masked value that comes back changes nothing."""
    return _answer(work, *service.update_member(work.session, work.actor, user_id, body, version=version))


@routes.delete(_USER, answers={200: MemberSchema}, if_match=True)
def end_membership(work: Work, user_id: int, version: int) -> Answer:
    """End a membership; at home it closes the sign-in at once."""
    member = service.end_membership(work.session, work.actor, user_id, version=version)
    return _answer(work, member, work.session.get_one(User, user_id))


@routes.get(_USER + "/contact", answers={200: ContactSchema})
def show_contact(work: Work, user_id: int) -> dict[str, Any]:
    """Show a person's contact data in full; the look is written into the audit log."""
    return service.read_contact(work.session, work.actor, user_id)


@routes.put(_USER + "/password", body=PasswordSchema, answers={204: None}, errors=(409,))
def reset_password(work: Work, user_id: int, body: dict[str, Any]) -> None:
    """Set a password that the person must change at the next sign-in."""
    service.reset_password(work.session, work.actor, seals_of(work.settings), user_id, body["password"])


@routes.delete(_USER + "/second-factor", answers={204: None}, errors=(409,))
def reset_second_factor(work: Work, user_id: int) -> None:
    """Forget a person's lost second factor."""
    service.reset_second_factor(work.session, work.actor, user_id)


@routes.delete(_USER + "/sessions", answers={204: None}, errors=(409,))
def end_sign_ins(work: Work, user_id: int) -> None:
    """End everything that a person has signed in."""
    service.end_sign_ins(work.session, work.actor, user_id)


@routes.get(_USER + "/open-work", answers={200: OpenWorkSchema})
def list_user_work(work: Work, user_id: int) -> dict[str, Any]:
    """List what a person has in hand."""
    return write_open_work(service.list_open_work(work.session, work.actor, _holder(work, user_id)))


@routes.post(_USER + "/hand-over", body=HandOverSchema, answers={200: CountsSchema}, errors=(409,))
def hand_over_user(work: Work, user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Hand everything that a person has in hand to another person, in one step."""
    counts = service.hand_over(work.session, work.actor, _holder(work, user_id), service.Holder("user", body["to"]))
    return {"counts": counts}


def _holder(work: Work, user_id: int) -> service.Holder:
    service.get_visible_member(work.session, work.actor, user_id)
    return service.Holder("user", user_id)


def _write(work: Work, member: Member, user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        **columns_of(user, "username", "name", "locale"),
        **columns_of(member, "department_id", "post_id", "employee_number", "active", "version"),
        **{name: masked(getattr(member, name)) for name in PERSONAL},
        "is_home": user.home_agency_id == work.actor.agency_id,
    }


def _answer(work: Work, member: Member, user: User) -> Answer:
    return Answer(_write(work, member, user), etag=member.version)
