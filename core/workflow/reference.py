"""Print a workflow for people: one table row for each verb, and the diagram of its states.

``docs/reference/workflows.md`` is made with it and checked for drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from core.definitions.load import load_folder
from core.lib.text import Title
from core.workflow.compiler import compile_workflow
from core.workflow.definition import GUARD_NAMES, LimitSpec, State, Transition, Way, Workflow
from core.workflow.soundness import Roles

Names = Mapping[str, Title]


def page(folder: str | Path) -> str:
    """Print every workflow in a plugin's folder; raises Invalid when one is wrong."""
    loaded = load_folder(Path(folder), origin=str(folder))
    roles = {document.key: document.content for document in loaded.documents if document.kind == "role"}
    rights = {key: frozenset(content["rights"]) for key, content in roles.items()}
    titles = {key: content["title"] for key, content in roles.items()}
    workflows = [compile_workflow(document.content) for document in loaded.documents if document.kind == "workflow"]
    return "\n\n".join(part for workflow in workflows for part in _workflow(workflow, rights, titles)) + "\n"


def role_table(folder: str | Path) -> str:
    """Print what each role of a plugin may do in its workflows, and with which roles it cannot be held."""
    loaded = load_folder(Path(folder), origin=str(folder))
    workflows = [compile_workflow(document.content) for document in loaded.documents if document.kind == "workflow"]
    roles = {document.key: document.content for document in loaded.documents if document.kind == "role"}
    rows = []
    for key, content in roles.items():
        excluded = [roles[other]["title"]["zh_CN"] if other in roles else other for other in content.get("excludes", ())]
        verbs = [f"`{verb}`" for workflow in workflows for verb in _verbs_of(workflow, frozenset(content["rights"]))]
        title = _both(content["title"])
        rows.append((f"`{key}`", title, content.get("scope", "agency"), ", ".join(verbs) or "–", "、".join(excluded) or "–"))
    return _table(("role", "title", "at", "may", "never together with"), rows)


def _verbs_of(workflow: Workflow, held: AbstractSet[str]) -> Iterator[str]:
    for transition in workflow.transitions.values():
        rights = {way.right for way in transition.ways if way.right}
        if transition.answers:
            rights = {level.right for level in workflow.requests[transition.answers].levels}
        if rights & held:
            yield transition.verb


def guard_names() -> str:
    """Print what a guard may read, as a table."""
    return _table(("name", "is"), ((f"`{name}`", says) for name, says in GUARD_NAMES.items()))


def _workflow(workflow: Workflow, rights: Roles, titles: Names) -> Iterator[str]:
    yield f"## `{workflow.key}` {_both(workflow.title)}"
    yield "### Every verb: from, to, who, clock, form"
    yield transition_table(workflow, rights, titles)
    yield "### States"
    yield _table(
        ("state", "title", "axis", "task of", "limit", "category"), (_state(workflow, state) for state in workflow.states.values())
    )
    yield "### Time limits"
    yield _table(("limit", "title", "time", "from", "notices"), (_limit(limit) for limit in workflow.limits.values()))
    yield "### Diagram"
    yield diagram(workflow)


def transition_table(workflow: Workflow, rights: Roles, titles: Names) -> str:
    """Print one row for each way of each verb: from, to, who, clock, form, and under which condition."""
    rows = [row for transition in workflow.transitions.values() for row in _rows(workflow, transition, rights, titles)]
    return _table(("verb", "from", "to", "who", "clock", "form", "only if"), rows)


def diagram(workflow: Workflow) -> str:
    """Print the states as a mermaid diagram; steps that stay in their state are left out."""
    edges: dict[tuple[str, str], list[str]] = {}
    for source, target, transition, _ in workflow.edges():
        if source != target:
            verbs = edges.setdefault((source or "[*]", target), [])
            if transition.verb not in verbs:
                verbs.append(transition.verb)
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state.key}: {state.key} {state.title['zh_CN']}" for state in workflow.states.values()]
    lines += [f"    {source} --> {target}: {', '.join(verbs)}" for (source, target), verbs in edges.items()]
    lines += [f"    {state.key} --> [*]" for state in workflow.states.values() if not state.is_open]
    return "\n".join([*lines, "```"])


def _rows(workflow: Workflow, transition: Transition, rights: Roles, titles: Names) -> Iterator[Sequence[str]]:
    first = f"`{transition.verb}` {_both(transition.title)}"
    for way in transition.ways:
        yield (
            first,
            _from(workflow, way),
            f"`{way.to}`" if way.to else "stays",
            "<br>".join(_who(workflow, transition, way, rights, titles)),
            _clock(workflow, way),
            f"`{transition.form}`" if transition.form else "–",
            _conditions(workflow, transition, way),
        )


def _from(workflow: Workflow, way: Way) -> str:
    if not way.states:
        return "(new)"
    if way.states == set(workflow.open_states()):
        return "every open state"
    return ", ".join(f"`{key}`" for key in workflow.states if key in way.states)


def _who(workflow: Workflow, transition: Transition, way: Way, rights: Roles, titles: Names) -> Iterator[str]:
    if transition.answers:
        levels = workflow.requests[transition.answers].levels
        for number, level in enumerate(levels, 1):
            yield (f"{number}. " if len(levels) > 1 else "") + _holders(level.right, rights, titles)
        return
    person = "the assigned " if way.by else ""
    yield person + _holders(way.right, rights, titles)
    if transition.by_timer:
        yield "by itself (timer)"


def _holders(right: str, rights: Mapping[str, AbstractSet[str]], titles: Names) -> str:
    holders = [f"{titles[role]['en']} {titles[role]['zh_CN']}" for role, held in sorted(rights.items()) if right in held]
    return f"{', '.join(holders) or 'nobody'} (`{right}`)"


def _clock(workflow: Workflow, way: Way) -> str:
    if way.extend:
        return f"deadline + {way.extend:g} × the limit"
    if not any(workflow.states[key].limit for key in way.states) and way.to is None:
        return "–"
    if way.to is None:
        return "runs on"
    target = workflow.states[way.to]
    sources = {workflow.states[key].limit for key in way.states}
    stopped = {workflow.states[key].stopped for key in way.states}
    if target.limit is None:
        return "ends"
    if target.stopped:
        return "stops"
    if sources == {target.limit}:
        return "goes on" if stopped == {True} else "runs on"
    return f"starts: {_time(workflow.limits[target.limit])}"


def _time(limit: LimitSpec) -> str:
    return f"{limit.limit.amount:g} {limit.limit.unit}" if limit.limit else "filing rule"


def _conditions(workflow: Workflow, transition: Transition, way: Way) -> str:
    parts = [f"`{guard.text}`" for guard in way.guards]
    if transition.answers:
        parts.insert(0, f"{workflow.requests[transition.answers].title['en']} is open")
    if way.not_by:
        parts.append(f"not by the {' or '.join(way.not_by)}")
    if workflow.requests and transition.answers and any(level.not_by for level in workflow.requests[transition.answers].levels):
        parts.append("another person at each level")
    return "<br>".join(part.replace("|", "\\|") for part in parts) or "–"


def _state(workflow: Workflow, state: State) -> Sequence[str]:
    party = _both(workflow.party_titles[state.party]) if state.party else "–"
    limit = f"`{state.limit}`{' (stopped)' if state.stopped else ''}" if state.limit else "–"
    return f"`{state.key}`", _both(state.title), state.axis or "–", party, limit, state.category


def _limit(limit: LimitSpec) -> Sequence[str]:
    notices = ", ".join(f"{escalation.at:.0%} `{escalation.topic}`" for escalation in limit.escalations)
    return f"`{limit.key}`", _both(limit.title), _time(limit), limit.source or "–", notices or "–"


def _both(title: Title) -> str:
    return f"{title['zh_CN']} {title['en']}"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
