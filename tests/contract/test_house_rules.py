"""House rules that no linter knows, each tried on lines that keep it and lines that break it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.source import ROOT, called, files, tree

Found = Iterator[ast.AST]


def naive_now(module: ast.Module) -> Found:
    for node in ast.walk(module):
        names = ("datetime.now", "datetime.utcnow", "datetime.today")
        if isinstance(node, ast.Call) and called(node).endswith(names) and not (node.args or node.keywords):
            yield node


def own_clock(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) in {"clock.now", "datetime.now", "time.time"}:
            yield node


def session_commit(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node).endswith("session.commit"):
            yield node


def backref(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node).endswith("relationship"):
            yield from (keyword for keyword in node.keywords if keyword.arg == "backref")


def printing(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) == "print":
            yield node


def swallowing(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.ExceptHandler) and all(isinstance(one, ast.Pass) for one in node.body):
            yield node


LOGGING = {f"log.{level}" for level in ("debug", "info", "warning", "error", "exception", "critical")}


def log_f_string(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) in LOGGING and any(isinstance(one, ast.JoinedStr) for one in node.args):
            yield node


def keyword_sleep(module: ast.Module) -> Found:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) == "time.sleep":
            yield node


@dataclass(frozen=True)
class Rule:
    """One rule: where it does not hold, and lines that show it."""

    find: Callable[[ast.Module], Found]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    only: tuple[str, ...] = ("core/", "plugins/")
    allowed: tuple[str, ...] = ()


RULES = {
    "times have a zone": Rule(naive_now, ("datetime.now(UTC)", "datetime.now(tz=UTC)"), ("datetime.now()", "datetime.utcnow()")),
    "services take the time from the actor": Rule(
        own_clock,
        ("actor.now", "work.actor.now"),
        ("clock.now()", "datetime.now(UTC)", "time.time()"),
        only=(
            "core/accounts/service",
            "core/grid/service",
            "core/ledgers/service",
            "core/workflow/service",
            "core/forms/service",
            "core/definitions/service",
            "core/holidays/service",
            "core/attachments/service",
            "core/pluginmanager/service",
        ),
    ),
    "only the unit of work commits": Rule(
        session_commit,
        ("uow.commit(session)", "with unit_of_work(database, 1) as session: pass"),
        ("session.commit()", "self.session.commit()"),
        # The owner role stores the installed definitions with no agency set; tests commit their two agencies.
        allowed=("core/db/uow.py", "core/definitions/installed.py", "core/testing/fixtures.py"),
    ),
    "relationships name both ends": Rule(
        backref, ("relationship(back_populates='a')",), ("relationship(backref='a')", "orm.relationship('A', backref='b')")
    ),
    "nothing prints but the terminal": Rule(printing, ("terminal.say('x')", "log.info('x')"), ("print('x')",)),
    "no error is swallowed without a word": Rule(
        swallowing, ("with suppress(KeyError): a()",), ("try:\n    a()\nexcept KeyError:\n    pass",)
    ),
    "logging fills in its own arguments": Rule(
        log_f_string, ("log.info('%s', a)", "log.with_suffix(f'{a}')"), ("log.info(f'{a}')", "log.error(f'a {b}')")
    ),
    "requests never sleep": Rule(
        keyword_sleep,
        ("wait(1)",),
        ("time.sleep(1)",),
        allowed=("core/supervisor/supervisor.py", "core/testing/fixtures.py"),  # processes of their own
    ),
}


def broken_in(rule: Rule, path: Path) -> list[str]:
    name = str(path.relative_to(ROOT))
    if not name.startswith(rule.only) or name in rule.allowed:
        return []
    return [f"{name}:{getattr(node, 'lineno', '?')}" for node in rule.find(tree(path))]


@pytest.mark.parametrize("name", RULES)
def test_rule_holds_everywhere(name: str) -> None:
    assert [] == [place for path in files() for place in broken_in(RULES[name], path)]


@pytest.mark.parametrize("name", RULES)
def test_rule_tells_good_lines_from_bad(name: str) -> None:
    rule = RULES[name]
    assert [] == [line for line in rule.good if list(rule.find(ast.parse(line)))]
    assert [] == [line for line in rule.bad if not list(rule.find(ast.parse(line)))]


def test_every_exception_to_a_rule_is_needed() -> None:
    needless = [(name, path) for name, rule in RULES.items() for path in rule.allowed if not list(rule.find(tree(ROOT / path)))]
    assert [] == needless


VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "part2"}


def test_no_module_is_named_after_nothing() -> None:
    assert [] == [str(path) for path in files() if path.stem in VAGUE or path.parent.name in VAGUE]


MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:")


def test_no_task_is_kept_in_a_comment() -> None:
    kept = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if any(mark in line for mark in MARKS)
    ]
    assert [] == kept


REASON = re.compile(r"#(?! noqa)|# noqa: [A-Z0-9, ]+\s*[-#]")


def test_imports_inside_functions_say_why() -> None:
    """A word above the import, on its line, or once for all in the module's docstring."""
    silent = []
    for path in files():
        lines = path.read_text("utf-8").splitlines()
        if "import" in (ast.get_docstring(tree(path)) or ""):
            continue
        for function in (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef)):
            inside = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            if inside and not any(REASON.search(line) for line in lines[function.lineno - 1 : inside[-1].end_lineno]):
                silent.append(f"{path.relative_to(ROOT)}:{inside[0].lineno}")
    assert [] == silent
