"""The organisation tree: make, change, move and retire departments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from core.accounts.models import Department, Member
from core.accounts.permissions import AccountRight
from core.accounts.pinyin import sort_key
from core.accounts.service.changes import Change, apply, lock_for, record_change
from core.accounts.service.holders import Holder, open_work
from core.authz import Actor, require, scope
from core.lib.errors import Conflict, NotFound
from core.lib.text import msg

_NEXT_ID = text("SELECT nextval(pg_get_serial_sequence('department', 'id'))")


def create_department(
    session: Session, actor: Actor, *, code: str, name: str, parent: Department | None = None, kind: str = "department"
) -> Department:
    """Make a department below ``parent``, or a root; raise Conflict for a code in use."""
    require(actor, AccountRight.DEPARTMENT_MANAGE, department_path=parent.path if parent else None)
    _require_free_code(session, code)
    if parent is not None:
        lock_for(session, actor, "departments")
        session.refresh(parent)
        _require_active(parent)
    new_id = session.execute(_NEXT_ID).scalar_one()
    department = Department(
        agency_id=actor.agency_id,
        id=new_id,
        code=code,
        name=name,
        name_pinyin=sort_key(name),
        parent_id=parent.id if parent else None,
        path=f"{parent.path}.{new_id}" if parent else str(new_id),
        kind=kind,
    )
    session.add(department)
    session.flush()
    new = {"name": name, "parent": parent.code if parent else None, "kind": kind}
    record_change(session, actor, "accounts:department:created", f"department:{code}", new=new)
    return department


def visible_departments(actor: Actor) -> Select[Department]:
    """Select the departments that the actor may see."""
    return select(Department).where(scope(actor, AccountRight.DEPARTMENT_READ).filter(None, Department.id))


def get_visible_department(session: Session, actor: Actor, code: str) -> Department:
    """Give a department by its code; raise NotFound outside the actor's scope."""
    found = session.execute(visible_departments(actor).where(Department.code == code)).scalar_one_or_none()
    if found is None:
        raise NotFound(msg("accounts.no_such_department", code=code))
    return found


def find_department_id(session: Session, code: str) -> int | None:
    """Find an active department of the agency by its code, whoever asks; None when there is none."""
    return session.scalar(select(Department.id).where(Department.code == code, Department.active))


def update_department(session: Session, actor: Actor, department: Department, changes: Mapping[str, Any], *, version: int) -> Department:
    """Change name, code or kind; raise Conflict for a code in use."""
    require(actor, AccountRight.DEPARTMENT_MANAGE, department_path=department.path)
    values = dict(changes)
    if values.get("code", department.code) != department.code:
        _require_free_code(session, values["code"])
    if "name" in values:
        values["name_pinyin"] = sort_key(values["name"])
    return apply(session, actor, department, Change("accounts:department:updated", f"department:{department.code}", values, version))


def move_department(session: Session, actor: Actor, department: Department, parent: Department | None, *, version: int) -> Department:
    """Hang a department with all below it under another; the old place stays in the audit log.

    The actor must manage both places. Raises Conflict for a place inside itself.
    """
    lock_for(session, actor, "departments")
    session.refresh(department)
    if parent is not None:
        session.refresh(parent)
        _require_active(parent)
    for path in (department.path, parent.path if parent else None):
        require(actor, AccountRight.DEPARTMENT_MANAGE, department_path=path)
    old_path = department.path
    if parent is not None and f"{parent.path}.".startswith(f"{old_path}."):
        raise Conflict(msg("accounts.department_inside_itself"))
    values = {"parent_id": parent.id if parent else None}
    apply(session, actor, department, Change("accounts:department:moved", f"department:{department.code}", values, version))
    new_path = f"{parent.path}.{department.id}" if parent else str(department.id)
    if new_path != old_path:
        tail = func.subpath(Department.path, func.nlevel(func.text2ltree(old_path)))
        below = Department.path.op("<@")(func.text2ltree(old_path))
        rest = update(Department).where(Department.agency_id == actor.agency_id, below, Department.id != department.id)
        values_below = {"path": func.text2ltree(new_path).op("||")(tail)}
        session.execute(rest.values(values_below).execution_options(synchronize_session=False))
        department.path = new_path
        session.flush()
        session.expire_all()
    return department


def retire_department(session: Session, actor: Actor, department: Department, *, version: int) -> Department:
    """Take a department out of use; raise Conflict while it has active children, members or open work.

    The work is moved first by :func:`core.accounts.service.hand_over`.
    """
    require(actor, AccountRight.DEPARTMENT_MANAGE, department_path=department.path)
    lock_for(session, actor, "departments")
    children = session.scalar(select(func.count()).where(Department.parent_id == department.id, Department.active))
    members = session.scalar(select(func.count()).where(Member.department_id == department.id, Member.active))
    waiting = {name: len(items) for name, items in open_work(session, Holder("department", department.id), now=actor.now).items() if items}
    if children or members or waiting:
        raise Conflict(
            msg("accounts.department_in_use", children=children, members=members, work=sum(waiting.values())),
            extra={"children": children, "members": members, "work": waiting},
        )
    return apply(
        session, actor, department, Change("accounts:department:retired", f"department:{department.code}", {"active": False}, version)
    )


def _require_free_code(session: Session, code: str) -> None:
    if session.scalar(select(Department.id).where(Department.code == code)) is not None:
        raise Conflict(msg("accounts.code_in_use", code=code))


def _require_active(department: Department) -> None:
    if not department.active:
        raise Conflict(msg("accounts.department_retired", code=department.code))
