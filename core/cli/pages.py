"""The pages of the reference that are read off ledgers, notices, errors, routes and the API of plugins."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import core.api
from core import parts
from core.api.cases import CaseView
from core.definitions.installed import check_installed
from core.lib.errors import WanggeError
from core.lib.text import Title, msg
from core.workflow.compiler import compile_workflow
from core.workflow.definition import OWNER, REQUEST_OPENED, TASK, Workflow
from core.workflow.types import Receiver

_OTHERS = {OWNER: "whose task it is"}


def ledgers() -> str:
    """Write every ledger of the installation: what it keeps, its code, its states and departments."""
    found = _installed()
    forms = {content["key"]: content for kind, content in found if kind == "form"}
    return "\n".join(line for kind, content in found if kind == "ledger" for line in _ledger(content, forms[content["form"]])).strip()


def _ledger(content: Mapping[str, Any], form: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## `{content['key']}` {_both(content['title'])}", "")
    yield from (f"Geometry: {content['geometry']}. Code: {_layout(content.get('code'))}. Form: `{content['form']}`.", "")
    fields = ((f"`{one['id']}`", _both(one["label"]), one["type"], _yes(one.get("required"))) for one in form["fields"])
    yield from (_table(("field", "label", "type", "required"), fields), "")
    yield from (_named("States", content.get("states", {})), "", _named("Departments", content.get("departments", {})), "")


def _layout(code: Mapping[str, Any] | None) -> str:
    if not code:
        return "given by hand"
    parts_of_it = (
        f"{one['serial']} digits of a serial" if "serial" in one else f"{one.get('digits', '')} of `{one['from']}`".strip()
        for one in code["segments"]
        if "serial" in one or "from" in one
    )
    return ", then ".join(parts_of_it)


def _named(head: str, things: Mapping[str, Mapping[str, Any]]) -> str:
    return f"{head}: " + ("; ".join(f"`{key}` {_both(one['title'])}" for key, one in things.items()) or "none") + "."


def _yes(required: object) -> str:
    return "yes" if required is True else "when its rule holds" if required else ""


def notices() -> str:
    """Write every notice of every workflow: what is said, when, and to whom."""
    workflows = [compile_workflow(content) for kind, content in _installed() if kind == "workflow"]
    return "\n\n".join(f"## `{one.key}` {_both(one.title)}\n\n{_notices(one)}" for one in workflows)


def _notices(workflow: Workflow) -> str:
    told: dict[str, list[tuple[str, str]]] = {topic: [] for topic in workflow.notices}
    for state in workflow.states.values():
        if state.party and TASK in told:
            told[TASK].append(("a state with an owner is entered", "whose task it is"))
    for request in workflow.requests.values():
        told.get(REQUEST_OPENED, []).append((f"{request.title['en']} waits for an answer", "whose turn it is"))
    for limit in workflow.limits.values():
        for escalation in limit.escalations:
            told[escalation.topic].append((f"{escalation.at:.0%} of `{limit.key}` is used up", _people(workflow, escalation.to)))
    for transition in workflow.transitions.values():
        for way in transition.ways:
            for notice in way.notices:
                told[notice.topic].append((f"`{transition.verb}` was taken", _people(workflow, notice.to)))
    rows = (
        (
            f"`{topic}`",
            workflow.notices[topic]["zh_CN"],
            workflow.notices[topic]["en"],
            "; ".join(_distinct(when for when, one in moments if one == to)),
            to,
        )
        for topic, moments in told.items()
        for to in _distinct(one for _, one in moments)
    )
    return _table(("topic", "中文", "English", "when", "to"), rows)


def _people(workflow: Workflow, receivers: Sequence[Receiver]) -> str:
    names = {receiver: party for party, receiver in workflow.parties.items()}
    return ", ".join(_both(workflow.party_titles[names[one]]) if one in names else one.at for one in receivers).replace(
        "owner", "whose task it is"
    )


def problems() -> str:
    """Write every kind of error: its status, its stable type, its title, and when it is given."""
    parts.load()
    rows = (
        (str(one.status), f"`/problems/{one.type}`", *_titles(one.type), (one.__doc__ or "").strip().splitlines()[0].replace("``", "`"))
        for one in sorted(_kinds(WanggeError), key=lambda one: (one.status, one.type))
    )
    return _table(("status", "type", "中文", "English", "when"), rows)


def _kinds(kind: type[WanggeError]) -> Iterator[type[WanggeError]]:
    for below in kind.__subclasses__():
        if below.type != kind.type:
            yield below
        yield from _kinds(below)


def _titles(kind: str) -> tuple[str, str]:
    message = msg(f"http.title_{kind.replace('-', '_')}")
    return message.text("zh_CN"), message.text("en")


def routes() -> str:
    """Write every route, by group: method, path and what it does."""
    parts.load()
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for group in parts.routes():
        groups.setdefault(group.group, []).extend((one.method, f"`{_path(one.path)}`", one.summary) for one in group.all)
    return "\n\n".join(f"## {name}\n\n" + _table(("method", "path", "what it does"), rows) for name, rows in sorted(groups.items()))


def _path(path: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)


def api() -> str:
    """Write all that a plugin may import from core: each name with how it is called and what it does."""
    modules = [core.api, *(import_module(f"core.api.{found.name}") for found in pkgutil.iter_modules(core.api.__path__))]
    return "\n\n".join(f"## `{one.__name__}`\n\n{_first_sentence(one)}\n\n" + "\n".join(_names(one)) for one in modules)


def _names(module: ModuleType) -> Iterator[str]:
    for name in module.__all__:
        found = getattr(module, name)
        yield f"- `{name}{_call(found)}`" + (f": {_first_sentence(found)}" if found.__doc__ else "")


def _call(found: Any) -> str:
    if not inspect.isfunction(found):
        return ""
    written = [str(one).partition(":")[0].partition("=")[0].strip() for one in inspect.signature(found).parameters.values()]
    kinds = [one.kind for one in inspect.signature(found).parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds:
        written.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    return f"({', '.join(written)})"


def _first_sentence(found: Any) -> str:
    return (inspect.getdoc(found) or "").partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def case_view() -> str:
    """Write what a hook may read of a case."""
    body = ast.parse(inspect.getsource(CaseView)).body[0]
    assert isinstance(body, ast.ClassDef)
    rows = []
    for name, text in pairwise(body.body):
        if isinstance(name, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            rows.append((f"`{ast.unparse(name.target)}`", ast.unparse(name.annotation), str(text.value.value).replace("``", "`")))
    return _table(("`case.…`", "type", "what"), rows)


def _installed() -> list[tuple[str, Mapping[str, Any]]]:
    outcome = check_installed()
    assert not outcome.problems, [problem.text("en") for problem in outcome.problems]
    return [(one.kind, one.content) for one in outcome.prepared]


def _both(title: Title) -> str:
    return f"{title['zh_CN']} {title['en']}"


def _distinct(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
