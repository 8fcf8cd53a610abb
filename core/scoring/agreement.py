"""Holding indicators and scorecards against the definitions that they name: workflows, ledgers, catalogues, each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from core.definitions.types import Content, DefinitionSource
from core.lib.errors import FieldError
from core.rules import RuleError, Tree, parse, reads
from core.scoring.definition import SUBJECT_GRAINS, split_key
from core.scoring.names import NAMES
from core.scoring.reader import Reader

_POINTS_OF = {
    "rate": {"rate"},
    "value": {"mean", "ratio", "sum", "count"},
    "attainment": {"sum", "count", "mean", "ratio", "rate"},
    "steps": {"rate", "mean", "ratio", "sum", "count"},
}
_LITERALS = {"state": "states", "verb": "transitions", "limit": "limits", "to_state": "states", "ended_by": "transitions"}


def of_indicators(content: Content, source: DefinitionSource) -> list[FieldError]:
    """Name what the file's rules ask of its workflow, ledger or surveys and do not get."""
    reader = Reader()
    workflow = _found(source, "workflow", content.get("workflow"))
    if workflow is not None:
        _workflow_words(reader, content, workflow)
    if content["grain"] == "answer":
        surveys = {str(one.get("key")) for one in source.every("survey")}
        asked = [(path, value) for path, tree in _rules(content) for name, value in _compared(tree) if name == "survey"]
        for path, value in asked:
            reader.known(path, value, surveys, "survey")
    if content["grain"] == "record":
        _record_names(reader, content, source)
    return reader.errors


def _workflow_words(reader: Reader, content: Content, workflow: Content) -> None:
    if "limit" in content:
        reader.known("limit", content["limit"], workflow.get("limits", {}), "limit")
    for path, tree in _rules(content):
        _workflow_names(reader, path, tree, workflow)
    for name, raw in content["indicators"].items():
        for index, person in enumerate(raw.get("person", ())):
            if person.startswith("facts."):
                reader.known(f"indicators.{name}.person[{index}]", person.removeprefix("facts."), _facts(workflow), "fact")


def of_scorecard(content: Content, source: DefinitionSource) -> list[FieldError]:
    """Name what the card asks of other definitions and does not get."""
    reader = Reader()
    kind = content["subjects"]["kind"]
    _lines(reader, content, kind, source)
    if "adjustments" in content:
        _adjustments(reader, content["adjustments"], source)
    if "deduction" in content:
        _findings(reader, content["deduction"]["findings"], kind, source)
    if "inspection" in content:
        _step(reader, content["inspection"]["step"], source)
    for index, raw in enumerate(content.get("parts", ())):
        _part(reader, f"parts[{index}]", raw, content, source)
    role = content["subjects"].get("role")
    if role is not None and source.find("role", role) is None:
        reader.known("subjects.role", role, {str(one.get("key")) for one in source.every("role")}, "role")
    _grades(reader, content["grades"], source)
    return reader.errors


def _lines(reader: Reader, content: Content, kind: str, source: DefinitionSource) -> None:
    for index, raw in enumerate(content.get("lines", ())):
        found = _indicator(reader, f"lines[{index}].indicator", raw["indicator"], kind, source)
        if found is not None:
            _points(reader, f"lines[{index}]", raw, found)
        if "target" in raw:
            _target(reader, f"lines[{index}].target", raw["target"], kind, source)
    for index, raw in enumerate(content.get("also", ())):
        _indicator(reader, f"also[{index}].indicator", raw["indicator"], kind, source)


def grade_problems(items: Collection[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name why catalogue items make no scale of grades: each needs ``data.from`` from 0 to 100, all differ, and the least is 0."""
    bounds = []
    for item in items:
        bound = item.get("data", {}).get("from")
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 <= bound <= 100:
            yield "grade_bound", {"code": item["code"]}
        else:
            bounds.append(bound)
    if len(set(bounds)) < len(bounds):
        yield "grades_overlap", {}
    if not bounds or min(bounds) != 0:
        yield "grades_hole", {"least": min(bounds, default="-")}


def _found(source: DefinitionSource, kind: str, key: Any) -> Content | None:
    return source.find(kind, key) if isinstance(key, str) else None


def _rules(content: Content) -> Iterator[tuple[str, Tree]]:
    for key, raw in content.get("exemptions", {}).items():
        yield from _tree(f"exemptions.{key}.when", raw["when"])
    for name, raw in content["indicators"].items():
        for part in ("filter", "value", *(() if raw["of"] == "ratio" else ("numerator",))):
            if part in raw:
                yield from _tree(f"indicators.{name}.{part}", raw[part])


def _tree(path: str, given: Any) -> Iterator[tuple[str, Tree]]:
    try:
        yield path, parse(given) if isinstance(given, str) else given
    except RuleError:
        return  # told by the compiler


def _facts(workflow: Content) -> set[str]:
    steps = workflow.get("transitions", {}).values()
    return {name for raw in steps for part in (raw, *raw.get("ways", ())) for name in part.get("set", {})}


def _workflow_names(reader: Reader, path: str, tree: Tree, workflow: Content) -> None:
    counts = {*workflow.get("counts", {}), *(f"late_{limit}" for limit in workflow.get("limits", {}))}
    for name in sorted(reads(tree)):
        head, _, tail = name.removeprefix("case.").partition(".")
        if head == "counts":
            reader.known(path, tail, counts, "count")
        elif head == "facts":
            reader.known(path, tail.partition(".")[0], _facts(workflow), "fact")
    for name, value in _compared(tree):
        part = _LITERALS.get(name.removeprefix("case."))
        if part is not None and value:
            reader.known(path, value, workflow.get(part, {}), name)


def _compared(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield each name with the text that it is compared with."""
    if isinstance(tree, list):
        for part in tree:
            yield from _compared(part)
    if not isinstance(tree, dict):
        return
    for operator, arguments in tree.items():
        if operator in {"==", "!=", "in"} and isinstance(arguments, list) and len(arguments) == 2:
            yield from _pairs(arguments[0], arguments[1])
            yield from _pairs(arguments[1], arguments[0])
        yield from _compared(arguments)


def _pairs(one: Tree, other: Tree) -> Iterator[tuple[str, str]]:
    if isinstance(one, dict) and isinstance(one.get("var"), str):
        yield from ((one["var"], value) for value in (other if isinstance(other, list) else [other]) if isinstance(value, str))


def _record_names(reader: Reader, content: Content, source: DefinitionSource) -> None:
    fields = _ledger_fields(source, content.get("ledger"))
    if fields is None:
        return
    for name, raw in content["indicators"].items():
        if "on" in raw:
            reader.known(f"indicators.{name}.on", raw["on"], fields, "field")
        for index, person in enumerate(raw.get("person", ())):
            reader.known(f"indicators.{name}.person[{index}]", person, fields, "field")
    for path, tree in _rules(content):
        for read in sorted(reads(tree) - NAMES["record"].keys()):
            reader.known(path, read.partition(".")[0], fields, "field")


def _ledger_fields(source: DefinitionSource, key: Any) -> set[str] | None:
    ledger = _found(source, "ledger", key)
    form = _found(source, "form", ledger["form"]) if ledger is not None else None
    if form is None or any("include" in field for field in form.get("fields", ())):
        return None  # what a group brings along is known only when the form is compiled
    return {str(field.get("id")) for field in form.get("fields", ())}


def _indicator(reader: Reader, path: str, key: str, kind: str, source: DefinitionSource) -> Mapping[str, Any] | None:
    file_key, name = split_key(key)
    file = source.find("indicator", file_key)
    if file is None or not isinstance(file.get("indicators"), Mapping):
        return None  # told as a missing reference, or where the other file stands
    if not reader.known(path, name, file["indicators"], f"indicator of {file_key}"):
        return None
    if file.get("grain") not in SUBJECT_GRAINS[kind]:
        reader.error(path, "wrong_grain", grain=file.get("grain"), kind=kind)
        return None
    found: Mapping[str, Any] = file["indicators"][name]
    return found


def _points(reader: Reader, path: str, raw: Mapping[str, Any], indicator: Mapping[str, Any]) -> None:
    kind = next((name for name in _POINTS_OF if name in raw["points"]), None)
    if kind is not None and indicator.get("of") not in _POINTS_OF[kind]:
        reader.error(f"{path}.points.{kind}", "points_do_not_fit", points=kind, of=indicator.get("of"))
    if "per_grid" in raw and indicator.get("of") != "count":
        reader.error(f"{path}.per_grid", "per_grid_of_count", of=indicator.get("of"))


def _target(reader: Reader, path: str, raw: Mapping[str, Any], kind: str, source: DefinitionSource) -> None:
    """Rows of targets say for which period they are and, where the row itself does not, for whom."""
    fields = _ledger_fields(source, raw["ledger"])
    if fields is None:
        return
    reader.known(f"{path}.value", raw["value"], fields, "field")
    for needed in ("period", *(() if kind in {"grid", "department"} else ("subject",))):
        if needed not in fields:
            reader.error(f"{path}.ledger", "ledger_needs_field", ledger=raw["ledger"], name=needed)


def _adjustments(reader: Reader, raw: Mapping[str, Any], source: DefinitionSource) -> None:
    fields = _ledger_fields(source, raw["ledger"])
    for name in ("points", "at") if fields is not None else ():
        reader.known(f"adjustments.{name}", raw[name], fields or (), "field")


def _findings(reader: Reader, key: str, kind: str, source: DefinitionSource) -> None:
    found = _indicator(reader, "deduction.findings", key, kind, source)
    file = source.find("indicator", split_key(key)[0])
    if found is not None and file is not None and (found.get("of") != "count" or file.get("grain") != "case"):
        reader.error("deduction.findings", "findings_are_cases", grain=file.get("grain"), of=found.get("of"))


def _step(reader: Reader, step: Mapping[str, Any], source: DefinitionSource) -> None:
    workflow = source.find("workflow", step["workflow"])
    if workflow is not None:
        reader.known("inspection.step.verb", step["verb"], workflow.get("transitions", {}), "transition")
        for index, state in enumerate(step.get("only_in", ())):
            reader.known(f"inspection.step.only_in[{index}]", state, workflow.get("states", {}), "state")


def _part(reader: Reader, path: str, raw: Mapping[str, Any], content: Content, source: DefinitionSource) -> None:
    other = source.find("scorecard", raw["scorecard"])
    if other is None or not isinstance(other.get("subjects"), Mapping):
        return
    wanted = raw.get("of", content["subjects"]["kind"])
    if other["subjects"].get("kind") != wanted:
        reader.error(
            f"{path}.scorecard", "part_of_other_subjects", name=raw["scorecard"], kind=other["subjects"].get("kind"), wanted=wanted
        )
    if raw["scorecard"] != content["key"] and content["key"] in _reached(raw["scorecard"], source, set()):
        reader.error(f"{path}.scorecard", "part_of_itself", name=raw["scorecard"])


def _reached(key: str, source: DefinitionSource, seen: set[str]) -> set[str]:
    """Name every card that a card is made of, however far down."""
    card = source.find("scorecard", key)
    for raw in card.get("parts", ()) if card is not None else ():
        part = raw.get("scorecard")
        if isinstance(part, str) and part not in seen:
            seen.add(part)
            _reached(part, source, seen)
    return seen


def _grades(reader: Reader, key: str, source: DefinitionSource) -> None:
    catalogue = source.find("catalogue", key)
    if catalogue is not None and isinstance(catalogue.get("items"), list):
        for problem, params in grade_problems(catalogue["items"]):
            reader.error("grades", problem, name=key, **params)
