"""Reading one scorecard: its subjects, and what its method is made of.

Weights must make 100 and tables have neither hole nor overlap by their very
form: bounds rise strictly, and exactly one end is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from core.definitions.types import Content
from core.scoring.definition import (
    HUNDRED,
    Adjustments,
    Beside,
    CardPart,
    Deduction,
    Inspection,
    InspectionGroup,
    InspectionItem,
    Line,
    Multiplier,
    Points,
    Scorecard,
    Step,
    Steps,
    Subjects,
    Target,
    Veto,
    exact,
)
from core.scoring.names import NAMES, OPEN_NAMES
from core.scoring.reader import Names, Reader

_PARTS_OF = {"weighted": "lines", "composite": "parts", "deduction": "deduction", "inspection": "inspection"}
_SUBJECT_FIELDS = {
    "grid": {"scheme", "levels", "group_by"},
    "department": {"kinds", "group_by"},
    "team": {"team_kind"},
    "person": {"role", "teams", "with_whole"},
    "record": {"ledger"},
    "post": {"with_whole"},
    "agency": set[str](),
}
_GROUPS = {"grid": "level", "department": "department_kind"}
_FINDING = Names("finding", NAMES["case"], (*OPEN_NAMES["case"], "item."))
_FORM = Names("inspection name", (), ("form.",))
_SAME = frozenset({"class_code", "condition", "department", "grid", "kind", "reporter", "source"})


def compile_scorecard(content: Content) -> Scorecard:
    """Compile a scorecard; raises Invalid with the path of every wrong field."""
    reader = _Cards(content)
    card = reader.card()
    reader.done()
    return card


class _Cards(Reader):
    """Reads one scorecard."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self.content = content

    def card(self) -> Scorecard:
        """Read everything; meaningful only while nothing was found wrong."""
        content, method = self.content, self.content["method"]
        self._method(method)
        lines = tuple(self._line(f"lines[{index}]", raw) for index, raw in enumerate(content.get("lines", ())))
        also = tuple(Beside(raw["key"], raw["indicator"]) for raw in content.get("also", ()))
        self.once("lines", [line.key for line in lines])
        self.once("also", [line.key for line in also])
        for index, one in enumerate(also):
            if one.key in {line.key for line in lines}:
                self.error(f"also[{index}].key", "key_twice", name=one.key)
        self._sum("lines", [line.weight for line in lines])
        volume = content.get("minimum_volume", {})
        if volume:
            self.known("minimum_volume.line", volume["line"], {line.key for line in lines}, "line")
        return Scorecard(
            key=content["key"],
            title=content["title"],
            subjects=self._subjects(content["subjects"]),
            periods=tuple(content["periods"]),
            grades=content["grades"],
            method=method,
            decimals=content.get("decimals", 2),
            lines=lines,
            also=also,
            parts=self._parts(content.get("parts", ())),
            deduction=self._deduction(content["deduction"]) if "deduction" in content else None,
            inspection=self._inspection(content["inspection"]) if "inspection" in content else None,
            adjustments=self._adjustments(content["adjustments"]) if "adjustments" in content else None,
            volume_line=volume.get("line"),
            least_volume=volume.get("at_least", 0),
        )

    def _method(self, method: str) -> None:
        needed = _PARTS_OF[method]
        if not self.content.get(needed):
            self.error(needed, "method_needs", method=method, name=needed)
        for other in {*_PARTS_OF.values(), "minimum_volume"} - {needed}:
            if other in self.content and (other, method) != ("minimum_volume", "weighted"):
                self.error(other, "method_without", method=method, name=other)
        if "adjustments" in self.content and method in {"composite", "inspection"}:
            self.error("adjustments", "method_without", method=method, name="adjustments")
        kind = self.content["subjects"]["kind"]
        if "adjustments" in self.content and kind not in {"grid", "department"}:
            self.error("adjustments", "not_of_subjects", name="adjustments", kind=kind)

    def _subjects(self, raw: Mapping[str, Any]) -> Subjects:
        kind = raw["kind"]
        for name in raw:
            if name != "kind" and name not in _SUBJECT_FIELDS[kind]:
                self.error(f"subjects.{name}", "not_of_subjects", name=name, kind=kind)
        if "group_by" in raw and raw["group_by"] != _GROUPS.get(kind):
            self.error("subjects.group_by", "not_of_subjects", name=raw["group_by"], kind=kind)
        if kind == "grid" and not raw.get("levels"):
            self.error("subjects", "subjects_need", kind=kind, name="levels")
        if kind == "record" and "ledger" not in raw:
            self.error("subjects", "subjects_need", kind=kind, name="ledger")
        return Subjects(
            kind=kind,
            scheme=raw.get("scheme"),
            levels=tuple(raw.get("levels", ())),
            kinds=tuple(raw.get("kinds", ())),
            group_by=raw.get("group_by"),
            role=raw.get("role"),
            team_kind=raw.get("team_kind"),
            teams=raw.get("teams"),
            ledger=raw.get("ledger"),
            with_whole=bool(raw.get("with_whole")),
        )

    # -- weighted ---------------------------------------------------------------

    def _line(self, path: str, raw: Mapping[str, Any]) -> Line:
        if "per_grid" in raw and self.content["subjects"]["kind"] != "grid":
            self.error(f"{path}.per_grid", "not_of_subjects", name="per_grid", kind=self.content["subjects"]["kind"])
        points = self._points(f"{path}.points", raw["points"])
        if (points.kind == "attainment") != ("target" in raw):
            self.error(path, "attainment_needs_target")
        target = None
        if "target" in raw:
            where = self.rule(f"{path}.target.where", raw["target"]["where"]) if "where" in raw["target"] else None
            target = Target(raw["target"]["ledger"], raw["target"]["value"], None if where is None else where.tree)
        return Line(
            key=raw["key"],
            title=raw.get("title"),
            indicator=raw["indicator"],
            weight=exact(raw["weight"]),
            points=points,
            per_grid=raw.get("per_grid"),
            target=target,
            empty=raw.get("empty", "shared"),
            nature=raw.get("nature"),
        )

    def _sum(self, path: str, weights: Sequence[Fraction]) -> None:
        whole = sum(weights, Fraction(0))
        if weights and whole != HUNDRED:
            self.error(path, "weights_sum", sum=float(whole))

    def _points(self, path: str, raw: Mapping[str, Any]) -> Points:
        ways = [name for name in ("rate", "value", "attainment", "steps") if name in raw]
        if len(ways) != 1:
            self.error(path, "one_way_of_points", found=", ".join(ways) or "-")
            return Points("rate")
        (kind,) = ways
        if "groups" in raw and (kind != "steps" or not self.content["subjects"].get("group_by")):
            self.error(f"{path}.groups", "groups_without")
        most = exact(raw["at_most"]) if "at_most" in raw else HUNDRED
        if kind != "steps":
            return Points(kind, exact(raw[kind]), most)
        groups = {name: self._steps(f"{path}.groups.{name}", part) for name, part in raw.get("groups", {}).items()}
        return Points(kind, steps=self._steps(f"{path}.steps", raw["steps"]), groups=MappingProxyType(groups))

    def _steps(self, path: str, raw: Sequence[Mapping[str, Any]]) -> Steps:
        from_below = any("from" in part for part in raw)
        bound, open_at = ("from", 0) if from_below else ("up_to", len(raw) - 1)
        for index, part in enumerate(raw):
            where = f"{path}[{index}]"
            if "from" in part and "up_to" in part:
                self.error(where, "steps_mixed")
            elif index == open_at and bound in part:
                self.error(where, "steps_closed", bound=bound)
            elif index != open_at and bound not in part:
                self.error(where, "steps_hole", bound=bound)
        bounds = [(index, part[bound]) for index, part in enumerate(raw) if bound in part]
        for (_, before), (index, after) in pairwise(bounds):
            if after <= before:
                self.error(f"{path}[{index}].{bound}", "steps_overlap", before=before, after=after)
        return Steps(tuple(Step(exact(part[bound]) if bound in part else None, exact(part["points"])) for part in raw), from_below)

    # -- composite ----------------------------------------------------------------

    def _parts(self, raw: Sequence[Mapping[str, Any]]) -> tuple[CardPart, ...]:
        parts = tuple(
            CardPart(
                part["key"],
                part.get("title"),
                part["scorecard"],
                exact(part["weight"]) if "weight" in part else None,
                part.get("of"),
                MappingProxyType({name: exact(weight) for name, weight in part.get("by_team_role", {}).items()}),
                bool(part.get("rest")),
            )
            for part in raw
        )
        self.once("parts", [part.key for part in parts])
        resting = [index for index, part in enumerate(parts) if part.takes_rest]
        for index, part in enumerate(parts):
            if part.takes_rest == (part.weight is not None):
                self.error(f"parts[{index}].weight", "weight_or_rest")
            if part.scorecard == self.content["key"]:
                self.error(f"parts[{index}].scorecard", "part_of_itself", name=part.scorecard)
            self._part_of(f"parts[{index}]", part)
        if len(resting) > 1:
            self.error(f"parts[{resting[1]}].rest", "one_rest")
        self._part_weights(parts, rest=bool(resting))
        return parts

    def _part_of(self, path: str, part: CardPart) -> None:
        kind = self.content["subjects"]["kind"]
        if part.of is not None and kind != "person":
            self.error(f"{path}.of", "not_of_subjects", name=part.of, kind=kind)
        if part.by_team_role and not self.content["subjects"].get("teams"):
            self.error(f"{path}.by_team_role", "subjects_need", kind=kind, name="teams")

    def _part_weights(self, parts: Sequence[CardPart], *, rest: bool) -> None:
        whole = sum((part.weight or Fraction(0) for part in parts), Fraction(0))
        most = sum((max([part.weight or Fraction(0), *part.by_team_role.values()]) for part in parts), Fraction(0))
        if parts and ((not rest and (whole != HUNDRED or most != HUNDRED)) or most > HUNDRED):
            self.error("parts", "weights_sum", sum=float(most if rest else whole))

    # -- deduction ----------------------------------------------------------------

    def _deduction(self, raw: Mapping[str, Any]) -> Deduction:
        points = self.rule("deduction.points", raw["points"], _FINDING)
        multipliers = tuple(self._multiplier(f"deduction.times[{index}]", part) for index, part in enumerate(raw.get("times", ())))
        self.once("deduction.times", [one.key for one in multipliers])
        start, floor = exact(raw["start"]), exact(raw.get("floor", 0))
        if not 0 <= floor <= start <= HUNDRED:
            self.error("deduction.start", "deduction_start", start=float(start), floor=float(floor))
        most, larger = raw.get("at_most", {}), raw.get("larger", {})
        if most:
            self.known("deduction.at_most.per", most["per"], _SAME, "name")
        if larger and self.content["subjects"]["kind"] != "grid":
            self.error("deduction.larger", "not_of_subjects", name="larger", kind=self.content["subjects"]["kind"])
        elif larger:
            self.known("deduction.larger.level", larger["level"], self.content["subjects"].get("levels", ()), "level")
        return Deduction(
            start=start,
            floor=floor,
            findings=raw["findings"],
            points=None if points is None else points.tree,
            multipliers=multipliers,
            combine=raw.get("combine", "multiply"),
            most_per=most.get("per"),
            most_points=exact(most["points"]) if most else None,
            vetoes=self._vetoes("deduction.veto", raw.get("veto", ()), _FINDING),
            larger_level=larger.get("level"),
            larger_take=larger.get("take", "mean"),
        )

    def _multiplier(self, path: str, raw: Mapping[str, Any]) -> Multiplier:
        if ("when" in raw) == ("repeat" in raw):
            self.error(path, "when_or_repeat")
        rule = self.rule(f"{path}.when", raw["when"], _FINDING) if "when" in raw else None
        repeat = raw.get("repeat", {})
        for index, name in enumerate(repeat.get("same", ())):
            self.known(f"{path}.repeat.same[{index}]", name, _SAME, "name")
        same = tuple(repeat.get("same", ()))
        return Multiplier(raw["key"], raw["title"], exact(raw["by"]), None if rule is None else rule.tree, same, repeat.get("from", 2))

    def _vetoes(self, path: str, raw: Sequence[Mapping[str, Any]], names: Names) -> tuple[Veto, ...]:
        found = []
        for index, part in enumerate(raw):
            if ("result" in part) == ("at_most" in part):
                self.error(f"{path}[{index}]", "result_or_at_most")
            rule = self.rule(f"{path}[{index}].when", part["when"], names)
            if rule is not None:
                limits = [exact(part[name]) if name in part else None for name in ("result", "at_most")]
                found.append(Veto(part["key"], part["title"], rule.tree, rule, *limits))
        self.once(path, [part["key"] for part in raw])
        return tuple(found)

    # -- inspection -----------------------------------------------------------------

    def _inspection(self, raw: Mapping[str, Any]) -> Inspection:
        if self.content["subjects"]["kind"] != "record":
            self.error("inspection", "not_of_subjects", name="inspection", kind=self.content["subjects"]["kind"])
        groups = tuple(self._group(f"inspection.groups[{index}]", part) for index, part in enumerate(raw["groups"]))
        self.once("inspection.groups", [group.key for group in groups])
        whole = sum((group.points for group in groups), Fraction(0))
        if whole != HUNDRED:
            self.error("inspection.groups", "groups_sum", sum=float(whole))
        step = raw["step"]
        vetoes = self._vetoes("inspection.veto", raw.get("veto", ()), _FORM)
        return Inspection(step["workflow"], step["verb"], tuple(step.get("only_in", ())), groups, vetoes)

    def _group(self, path: str, raw: Mapping[str, Any]) -> InspectionGroup:
        items = tuple(self._item(f"{path}.items[{index}]", part) for index, part in enumerate(raw["items"]))
        self.once(f"{path}.items", [item.key for item in items])
        points, whole = exact(raw["points"]), sum((item.points for item in items), Fraction(0))
        if whole != points:
            self.error(f"{path}.items", "items_sum", sum=float(whole), points=float(points))
        return InspectionGroup(raw["key"], raw["title"], points, items)

    def _item(self, path: str, raw: Mapping[str, Any]) -> InspectionItem:
        if ("when" in raw) == ("share" in raw):
            self.error(path, "when_or_share")
        when = self.rule(f"{path}.when", raw["when"], _FORM) if "when" in raw else None
        share = self.rule(f"{path}.share", raw["share"], _FORM) if "share" in raw else None
        return InspectionItem(raw["key"], raw["title"], exact(raw["points"]), when, share)

    def _adjustments(self, raw: Mapping[str, Any]) -> Adjustments:
        least, most = (exact(number) for number in raw["between"]) if "between" in raw else (None, None)
        if least is not None and most is not None and least > most:
            self.error("adjustments.between", "bounds_reversed", least=float(least), most=float(most))
        return Adjustments(raw["ledger"], raw["points"], raw["at"], least, most)
