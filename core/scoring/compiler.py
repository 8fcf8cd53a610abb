"""Turn the files of indicators and scorecards into what is counted and scored, or say what is wrong in them, field by field.

The meta-schemas have seen to the shape. Here every name must lead somewhere,
and every rule must read what its grain has. What a file says of others is held
against them by ``core.scoring.agreement``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from core.definitions.registry import register_compiler
from core.definitions.types import Content, Reference
from core.rules import Tree
from core.scoring import agreement
from core.scoring.cards import compile_scorecard
from core.scoring.definition import INSTANTS, PERSONS, Exemption, Indicator, IndicatorFile, split_key
from core.scoring.names import NAMES, OPEN_NAMES
from core.scoring.reader import Names, Reader

CASE_NAMES = Names("case name", NAMES["case"], tuple(OPEN_NAMES["case"]))
GRAIN_NAMES: Mapping[str, Names] = MappingProxyType(
    {
        grain: CASE_NAMES
        if grain == "case"
        else Names(
            f"{grain} name",
            NAMES[grain],
            tuple(begin for begin in OPEN_NAMES[grain] if begin != "case."),
            ("case.", CASE_NAMES) if "case." in OPEN_NAMES[grain] else None,
        )
        for grain in INSTANTS
    }
)
_NEEDS = {"rate": ("numerator",), "ratio": ("numerator", "denominator"), "sum": ("value",), "mean": ("value",)}
_TAKES = {
    "count": {"filter"},
    "rate": {"filter", "numerator"},
    "ratio": {"numerator", "denominator"},
    "sum": {"filter", "value"},
    "mean": {"filter", "value"},
}


def compile_indicators(content: Content) -> IndicatorFile:
    """Compile a file of indicators; raises Invalid with the path of every wrong field."""
    reader = _Indicators(content)
    found = {name: reader.indicator(name, raw) for name, raw in content["indicators"].items()}
    reader.done()
    return IndicatorFile(content["key"], content["title"], content["grain"], MappingProxyType(found))


class _Indicators(Reader):
    """Reads one file of indicators."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self.content = content
        self.grain: str = content["grain"]
        self._source()
        self.exemptions = {key: self._exemption(key, raw) for key, raw in content.get("exemptions", {}).items()}

    def indicator(self, name: str, raw: Mapping[str, Any]) -> Indicator:
        """Read one indicator; meaningful only while nothing was found wrong."""
        path, of = f"indicators.{name}", raw["of"]
        self._shape(path, of, raw)
        ratio = of == "ratio"
        exempt = raw.get("exempt", ())
        for index, key in enumerate(exempt):
            self.known(f"{path}.exempt[{index}]", key, self.exemptions, "exemption")
        for index, person in enumerate(raw.get("person", ())):
            self._person(f"{path}.person[{index}]", person)
        file = self.content["key"]
        return Indicator(
            key=f"{file}.{name}",
            grain=self.grain,
            title=raw["title"],
            of=of,
            at=raw.get("at"),
            help=raw.get("help"),
            is_better_lower=raw.get("better") == "lower",
            filter=self._tree(f"{path}.filter", raw.get("filter")),
            numerator=None if ratio else self._tree(f"{path}.numerator", raw.get("numerator")),
            value=self._tree(f"{path}.value", raw.get("value")),
            unit=raw.get("unit"),
            persons=tuple(raw.get("person", PERSONS.get(self.grain, ()))),
            on=raw.get("on"),
            exemptions=tuple(self.exemptions[key] for key in exempt if key in self.exemptions),
            workflow=self.content.get("workflow"),
            ledger=self.content.get("ledger"),
            limit=self.content.get("limit"),
            above=f"{file}.{raw.get('numerator')}" if ratio else None,
            below=f"{file}.{raw.get('denominator')}" if ratio else None,
        )

    def _source(self) -> None:
        if self.grain == "record" and "ledger" not in self.content:
            self.error("grain", "needs_ledger")
        for name, grains in (("ledger", {"record"}), ("limit", {"holding", "task"}), ("workflow", {"case", "holding", "task", "answer"})):
            if name in self.content and self.grain not in grains:
                self.error(name, "not_of_grain", name=name, grain=self.grain)

    def _exemption(self, key: str, raw: Mapping[str, Any]) -> Exemption:
        return Exemption(key, raw["title"], self._tree(f"exemptions.{key}.when", raw["when"]), bool(raw.get("silent")))

    def _shape(self, path: str, of: str, raw: Mapping[str, Any]) -> None:
        for name in _NEEDS.get(of, ()):
            if name not in raw:
                self.error(path, "indicator_needs", of=of, name=name)
        for name in ("filter", "numerator", "denominator", "value"):
            if name in raw and name not in _TAKES[of]:
                self.error(f"{path}.{name}", "indicator_without", of=of, name=name)
        if of == "ratio":
            self._ratio(path, raw)
        elif "at" not in raw:
            self.error(path, "indicator_needs", of=of, name="at")
        else:
            self.known(f"{path}.at", raw["at"], INSTANTS[self.grain], "instant")
        if "on" in raw and self.grain != "record":
            self.error(f"{path}.on", "not_of_grain", name="on", grain=self.grain)

    def _ratio(self, path: str, raw: Mapping[str, Any]) -> None:
        counts = {key for key, other in self.content["indicators"].items() if other["of"] == "count"}
        for name in ("numerator", "denominator"):
            if isinstance(raw.get(name), str):
                self.known(f"{path}.{name}", raw[name], counts, "count")
            elif name in raw:
                self.error(f"{path}.{name}", "ratio_of_names")

    def _person(self, path: str, name: str) -> None:
        allowed = {*(("reporter", "assignee") if self.grain == "case" else ()), *PERSONS.get(self.grain, ())}
        if self.grain != "record" and not (self.grain == "case" and name.startswith("facts.")):
            self.known(path, name, allowed, "person")

    def _tree(self, path: str, given: Any) -> Tree | None:
        if given is None:
            return None
        rule = self.rule(path, given, GRAIN_NAMES[self.grain])
        return None if rule is None else rule.tree


def _indicator_references(content: Content) -> Iterator[Reference]:
    for name in ("workflow", "ledger"):
        if name in content:
            yield Reference(name, name, content[name])


def _card_references(content: Content) -> Iterator[Reference]:
    yield Reference("grades", "catalogue", content["grades"])
    for part in ("lines", "also"):
        for index, raw in enumerate(content.get(part, ())):
            yield Reference(f"{part}[{index}].indicator", "indicator", split_key(raw["indicator"])[0])
            if "target" in raw:
                yield Reference(f"{part}[{index}].target.ledger", "ledger", raw["target"]["ledger"])
    for index, raw in enumerate(content.get("parts", ())):
        yield Reference(f"parts[{index}].scorecard", "scorecard", raw["scorecard"])
    if "deduction" in content:
        yield Reference("deduction.findings", "indicator", split_key(content["deduction"]["findings"])[0])
    if "inspection" in content:
        yield Reference("inspection.step.workflow", "workflow", content["inspection"]["step"]["workflow"])
    if "adjustments" in content:
        yield Reference("adjustments.ledger", "ledger", content["adjustments"]["ledger"])
    if "ledger" in content["subjects"]:
        yield Reference("subjects.ledger", "ledger", content["subjects"]["ledger"])


register_compiler("indicator", compile_indicators, references=_indicator_references, audit=agreement.of_indicators)
register_compiler("scorecard", compile_scorecard, references=_card_references, audit=agreement.of_scorecard)
