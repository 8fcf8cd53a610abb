"""A department is found by its code, which is how plugins name one."""

from __future__ import annotations

from core.api.accounts import create_department, find_department_id


def test_department_is_found_by_code_while_active(session, make_actor):
    made = create_department(session, make_actor(rights={"accounts:department:manage"}), code="E06", name="水务")
    assert made.id == find_department_id(session, "E06")
    made.active = False
    session.flush()
    assert find_department_id(session, "E06") is None
    assert find_department_id(session, "E99") is None
