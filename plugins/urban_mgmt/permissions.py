"""The rights of urban management: one for each thing that somebody may do with a case.

Most verbs have a right of their own. Where two people may take the same verb
in different situations there are two rights: a worker finishes (``work``), the
department confirms (``handle``); an inspector reports (``report``), the desk
registers what the public tells it (``register``).
"""

from __future__ import annotations

from enum import StrEnum

from core.api import Right


class CaseRight(StrEnum):
    """What may be done in the closed loop; the workflow says when."""

    ACCEPT = "urban_mgmt:case:accept"
    APPEAL = "urban_mgmt:case:appeal"
    APPROVE_EXTENSION = "urban_mgmt:case:approve_extension"
    AUDIT_SELF_HANDLED = "urban_mgmt:case:audit_self_handled"
    CHECK_FAIL = "urban_mgmt:case:check_fail"
    CHECK_PASS = "urban_mgmt:case:check_pass"  # noqa: S105  # a right, not a password
    CLOSE = "urban_mgmt:case:close"
    DISPATCH = "urban_mgmt:case:dispatch"
    FILE = "urban_mgmt:case:file"
    FORCE_CLOSE = "urban_mgmt:case:force_close"
    GRANT_APPEAL = "urban_mgmt:case:grant_appeal"
    GRANT_EXTENSION = "urban_mgmt:case:grant_extension"
    GRANT_SUSPEND = "urban_mgmt:case:grant_suspend"
    GRANT_VOID = "urban_mgmt:case:grant_void"
    HANDLE = "urban_mgmt:case:handle"
    MARK_MISSED = "urban_mgmt:case:mark_missed"
    REGISTER = "urban_mgmt:case:register"
    REJECT = "urban_mgmt:case:reject"
    REOPEN = "urban_mgmt:case:reopen"
    REPORT = "urban_mgmt:case:report"
    REQUEST_CHECK = "urban_mgmt:case:request_check"
    REQUEST_EXTENSION = "urban_mgmt:case:request_extension"
    REQUEST_SUSPEND = "urban_mgmt:case:request_suspend"
    REQUEST_VERIFY = "urban_mgmt:case:request_verify"
    REQUEST_VOID = "urban_mgmt:case:request_void"
    RESUME = "urban_mgmt:case:resume"
    RETURN = "urban_mgmt:case:return"
    REVIEW_APPEAL = "urban_mgmt:case:review_appeal"
    SEND_BACK = "urban_mgmt:case:send_back"
    URGE = "urban_mgmt:case:urge"
    VERIFY = "urban_mgmt:case:verify"
    WORK = "urban_mgmt:case:work"


_TITLES: dict[CaseRight, tuple[str, str]] = {
    CaseRight.ACCEPT: ("接收派遣", "Accept a dispatched case"),
    CaseRight.APPEAL: ("申诉", "Appeal"),
    CaseRight.APPROVE_EXTENSION: ("部门审批延期", "Approve an extension for the department"),
    CaseRight.AUDIT_SELF_HANDLED: ("审核自处理", "Audit what was handled on the spot"),
    CaseRight.CHECK_FAIL: ("核查不通过", "Fail a check"),
    CaseRight.CHECK_PASS: ("核查通过", "Pass a check"),
    CaseRight.CLOSE: ("结案", "Close"),
    CaseRight.DISPATCH: ("派遣", "Dispatch"),
    CaseRight.FILE: ("立案", "File"),
    CaseRight.FORCE_CLOSE: ("强制结案", "Force-close"),
    CaseRight.GRANT_APPEAL: ("终审申诉", "Decide an appeal"),
    CaseRight.GRANT_EXTENSION: ("批准延期", "Grant an extension"),
    CaseRight.GRANT_SUSPEND: ("批准挂账", "Grant a suspension"),
    CaseRight.GRANT_VOID: ("批准作废", "Grant a voiding"),
    CaseRight.HANDLE: ("确认处置完成", "Confirm that a case is handled"),
    CaseRight.MARK_MISSED: ("认定漏报", "Mark a problem as missed by its inspector"),
    CaseRight.REGISTER: ("登记公众举报", "Register a report of the public"),
    CaseRight.REJECT: ("不予立案", "Refuse to file"),
    CaseRight.REOPEN: ("重新打开案件", "Reopen"),
    CaseRight.REPORT: ("上报", "Report from patrol"),
    CaseRight.REQUEST_CHECK: ("发核查", "Send to check"),
    CaseRight.REQUEST_EXTENSION: ("申请延期", "Ask for an extension"),
    CaseRight.REQUEST_SUSPEND: ("申请挂账", "Ask to suspend"),
    CaseRight.REQUEST_VERIFY: ("发核实", "Send to verify"),
    CaseRight.REQUEST_VOID: ("申请作废", "Ask to void"),
    CaseRight.RESUME: ("恢复处置", "Resume a suspended case"),
    CaseRight.RETURN: ("部门回退", "Return a case from the department"),
    CaseRight.REVIEW_APPEAL: ("初审申诉", "Review an appeal"),
    CaseRight.SEND_BACK: ("退回立案", "Send back for refiling"),
    CaseRight.URGE: ("督办", "Urge"),
    CaseRight.VERIFY: ("核实", "Verify on site"),
    CaseRight.WORK: ("现场处置", "Do the work on the spot"),
}

CATALOGUE = [Right(right, {"zh_CN": zh, "en": en}) for right, (zh, en) in _TITLES.items()]
