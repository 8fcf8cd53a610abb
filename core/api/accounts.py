"""Agencies, departments, people, roles and responsibilities for plugins."""

from core.accounts.service.agencies import create_agency
from core.accounts.service.assignments import Place as RolePlace
from core.accounts.service.assignments import assign_role
from core.accounts.service.departments import create_department, find_department_id
from core.accounts.service.founding import appoint_administrator
from core.accounts.service.people import NewUser, create_user
from core.accounts.service.teams import create_team, set_team_members, take_charges

__all__ = [
    "NewUser",
    "RolePlace",
    "appoint_administrator",
    "assign_role",
    "create_agency",
    "create_department",
    "create_team",
    "create_user",
    "find_department_id",
    "set_team_members",
    "take_charges",
]
