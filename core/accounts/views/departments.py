"""The organisation tree over HTTP."""

from __future__ import annotations

from typing import Any

from core.accounts import service
from core.accounts.models import Department
from core.accounts.schemas import (
    CountsSchema,
    DepartmentChangeSchema,
    DepartmentPageSchema,
    DepartmentQuery,
    DepartmentSchema,
    HandOverSchema,
    MoveSchema,
    NewDepartmentSchema,
    OpenWorkSchema,
)
from core.accounts.views.group import columns_of, read_page, routes
from core.http.routes import Answer
from core.http.work import Work

_COLUMNS = ("id", "uuid", "code", "name", "kind", "parent_id", "path", "active", "version")


@routes.get("/departments", answers={200: DepartmentPageSchema}, query=DepartmentQuery)
def list_departments(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """List the departments that you may see, by code; `path` says where each hangs."""
    wanted = service.visible_departments(work.actor)
    for name in ("kind", "active"):
        if name in query:
            wanted = wanted.where(getattr(Department, name) == query[name])
    return read_page(work, wanted, [Department.code], query, _write)


@routes.post("/departments", body=NewDepartmentSchema, answers={201: DepartmentSchema}, errors=(409,))
def create_department(work: Work, body: dict[str, Any]) -> Answer:
    """Make a department."""
    parent = _parent(work, body.pop("parent", None))
    made = service.create_department(work.session, work.actor, parent=parent, **body)
    return Answer(_write(made), 201, etag=made.version)


@routes.get("/departments/<code>", answers={200: DepartmentSchema})
def show_department(work: Work, code: str) -> Answer:
    """Show a department."""
    return _answer(_get(work, code))


@routes.patch("/departments/<code>", body=DepartmentChangeSchema, answers={200: DepartmentSchema}, if_match=True)
def update_department(work: Work, code: str, body: dict[str, Any], version: int) -> Answer:
    """Change a department's name, code or kind."""
    return _answer(service.update_department(work.session, work.actor, _get(work, code), body, version=version))


@routes.put("/departments/<code>/parent", body=MoveSchema, answers={200: DepartmentSchema}, if_match=True)
def move_department(work: Work, code: str, body: dict[str, Any], version: int) -> Answer:
    """Move a department, with all below it, under another one."""
    parent = _parent(work, body["parent"])
    return _answer(service.move_department(work.session, work.actor, _get(work, code), parent, version=version))


@routes.delete("/departments/<code>", answers={200: DepartmentSchema}, if_match=True)
def retire_department(work: Work, code: str, version: int) -> Answer:
    """Retire a department that has no people and no work left."""
    return _answer(service.retire_department(work.session, work.actor, _get(work, code), version=version))


@routes.get("/departments/<code>/open-work", answers={200: OpenWorkSchema})
def list_department_work(work: Work, code: str) -> dict[str, Any]:
    """List what a department has in hand."""
    return write_open_work(service.list_open_work(work.session, work.actor, service.Holder("department", _get(work, code).id)))


@routes.post("/departments/<code>/hand-over", body=HandOverSchema, answers={200: CountsSchema}, errors=(409,))
def hand_over_department(work: Work, code: str, body: dict[str, Any]) -> dict[str, Any]:
    """Hand everything that a department has in hand to another one."""
    source, target = service.Holder("department", _get(work, code).id), service.Holder("department", body["to"])
    return {"counts": service.hand_over(work.session, work.actor, source, target)}


def write_open_work(found: Any) -> dict[str, Any]:
    """Write what is in hand."""
    return {"items": [{"kind": kind, "subject": item.subject, "title": item.title} for kind, items in found.items() for item in items]}


def _get(work: Work, code: str) -> Department:
    return service.get_visible_department(work.session, work.actor, code)


def _parent(work: Work, code: str | None) -> Department | None:
    return None if code is None else _get(work, code)


def _write(department: Department) -> dict[str, Any]:
    return columns_of(department, *_COLUMNS)


def _answer(department: Department) -> Answer:
    return Answer(_write(department), etag=department.version)
