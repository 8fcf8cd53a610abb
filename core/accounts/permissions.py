"""Rights over agencies, departments, people and roles."""

from __future__ import annotations

from enum import StrEnum

from core.authz import Right


class AccountRight(StrEnum):
    """What may be done with who there is."""

    AGENCY_ADMINISTER = "accounts:agency:administer"
    AGENCY_UPDATE = "accounts:agency:update"
    ASSIGNMENT_GRANT = "accounts:assignment:grant"
    ASSIGNMENT_READ = "accounts:assignment:read"
    DEPARTMENT_MANAGE = "accounts:department:manage"
    DEPARTMENT_READ = "accounts:department:read"
    MEMBER_HAND_OVER = "accounts:member:hand_over"
    MEMBER_MANAGE = "accounts:member:manage"
    MEMBER_READ = "accounts:member:read"
    MEMBER_READ_CONTACT = "accounts:member:read_contact"
    MEMBER_RESET_SIGN_IN = "accounts:member:reset_sign_in"
    PERSON_ERASE = "accounts:person:erase"
    PERSON_EXPORT = "accounts:person:export"
    RESPONSIBILITY_MANAGE = "accounts:responsibility:manage"
    ROLE_MANAGE = "accounts:role:manage"
    ROLE_READ = "accounts:role:read"
    TEAM_MANAGE = "accounts:team:manage"
    TEAM_READ = "accounts:team:read"


CATALOGUE = [
    Right(AccountRight.AGENCY_ADMINISTER, {"zh_CN": "授予任何权限（机构管理员）", "en": "Grant any right (agency administrator)"}),
    Right(AccountRight.AGENCY_UPDATE, {"zh_CN": "修改机构设置", "en": "Change the agency's settings"}),
    Right(AccountRight.ASSIGNMENT_GRANT, {"zh_CN": "分配和收回角色", "en": "Give and take roles"}),
    Right(AccountRight.ASSIGNMENT_READ, {"zh_CN": "查看角色分配", "en": "See who holds which role"}),
    Right(AccountRight.DEPARTMENT_MANAGE, {"zh_CN": "管理部门", "en": "Manage departments"}),
    Right(AccountRight.DEPARTMENT_READ, {"zh_CN": "查看部门", "en": "See departments"}),
    Right(AccountRight.MEMBER_HAND_OVER, {"zh_CN": "移交工作", "en": "Hand work over"}),
    Right(AccountRight.MEMBER_MANAGE, {"zh_CN": "管理人员", "en": "Manage people"}),
    Right(AccountRight.MEMBER_READ, {"zh_CN": "查看人员", "en": "See people"}),
    Right(
        AccountRight.MEMBER_READ_CONTACT, {"zh_CN": "查看人员联系方式和证件号", "en": "See people's contact data"}, reads_personal_data=True
    ),
    Right(AccountRight.MEMBER_RESET_SIGN_IN, {"zh_CN": "重置密码和第二验证因素", "en": "Reset passwords and second factors"}),
    Right(AccountRight.PERSON_ERASE, {"zh_CN": "清除个人信息", "en": "Erase a person's data"}),
    Right(AccountRight.PERSON_EXPORT, {"zh_CN": "导出个人信息", "en": "Export a person's data"}, reads_personal_data=True),
    Right(AccountRight.RESPONSIBILITY_MANAGE, {"zh_CN": "管理网格责任人", "en": "Say who is in charge of grids"}),
    Right(AccountRight.ROLE_MANAGE, {"zh_CN": "管理角色", "en": "Manage roles"}),
    Right(AccountRight.ROLE_READ, {"zh_CN": "查看角色", "en": "See roles"}),
    Right(AccountRight.TEAM_MANAGE, {"zh_CN": "管理团队", "en": "Manage teams"}),
    Right(AccountRight.TEAM_READ, {"zh_CN": "查看团队", "en": "See teams"}),
]
