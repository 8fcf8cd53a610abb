"""Turn a survey's file into a ``Survey``, or say what is wrong in it, field by field.

What the file alone shows is found by compiling it; what its form, its
workflow and its register must have is found by the audit, with those at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from string import Formatter
from typing import Any

from core.definitions.registry import register_compiler
from core.definitions.types import Content, DefinitionSource, Reference
from core.feedback.definition import (
    ANSWER,
    AUTOMATIC,
    CASE_NAMES,
    CLOSED_FIELDS,
    WORDS,
    After,
    Frame,
    Points,
    Reopen,
    Sample,
    Survey,
)
from core.lib.errors import FieldError, Invalid
from core.lib.text import msg
from core.rules import CompiledRule, RuleError, compile_rule, parse

_TEXT_NAMES = frozenset({"number", "link"})


def compile_survey(content: Content) -> Survey:
    """Compile checked content; raises Invalid with the path of every wrong field."""
    reader = _Reader(content)
    survey = reader.survey()
    if reader.errors:
        raise Invalid.many(reader.errors)
    return survey


def references(content: Content) -> Iterator[Reference]:
    """Name the form, the workflow and the register that must be there."""
    yield Reference("form", "form", content["form"])
    if "after" in content:
        yield Reference("after.workflow", "workflow", content["after"]["workflow"])
    frame = content.get("sample", {}).get("frame")
    if frame:
        yield Reference("sample.frame.ledger", "ledger", frame["ledger"])


def audit(content: Content, source: DefinitionSource) -> list[FieldError]:
    """Name every place where the survey does not fit its form, its workflow or its register."""
    form = source.find("form", content["form"])
    workflow = source.find("workflow", content["after"]["workflow"]) if "after" in content else None
    frame = content.get("sample", {}).get("frame")
    assert form is not None  # references were found before
    errors = [*_form_errors(content, form)]
    if workflow is not None:
        errors += _workflow_errors(content, workflow, source)
    if frame:
        ledger = source.find("ledger", frame["ledger"]) or {}
        errors += _phone_errors("sample.frame.phone", frame["phone"], [source.find("form", str(ledger.get("form")))])
    return errors


class _Reader:
    """Reads one file; keeps what it has found wrong."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.errors: list[FieldError] = []

    def survey(self) -> Survey:
        """Read everything; meaningful only while ``errors`` is empty."""
        content = self.content
        if "after" not in content and "sample" not in content:
            self._error("", "no_occasion")
        if "reopen" in content and "after" not in content:
            self._error("reopen", "reopen_without_case")
        return Survey(
            key=content["key"],
            title=content["title"],
            form=content["form"],
            points=self._points(content["points"]),
            after=self._after(content["after"]) if "after" in content else None,
            sample=self._sample(content["sample"]) if "sample" in content else None,
            reopen=self._reopen(content["reopen"]) if "reopen" in content else None,
        )

    def _error(self, path: str, key: str, **params: object) -> None:
        self.errors.append(FieldError(path, msg(f"feedback.{key}", **params)))

    def _points(self, raw: Mapping[str, Any]) -> Points:
        # By way of text, so that 33.3 is just that.
        return Points(raw["field"], {option: Decimal(str(points)) for option, points in raw["options"].items()})

    def _after(self, raw: Mapping[str, Any]) -> After:
        to = raw["to"]
        if not to:
            self._error("after.to", "nobody_to_ask")
        for locale, text in raw["text"].items():
            self._placeholders(f"after.text.{locale}", text, _TEXT_NAMES, needed="link")
        return After(
            workflow=raw["workflow"],
            states=frozenset(raw["states"]),
            when=self._rule("after.when", raw["when"], frozenset(CASE_NAMES)) if "when" in raw else None,
            personal=to.get("personal"),
            to_reporter="account" in to,
            valid_days=raw["valid_days"],
            text=raw["text"],
        )

    def _sample(self, raw: Mapping[str, Any]) -> Sample:
        codes = raw.get("codes", raw["wanted"])
        if codes < raw["wanted"]:
            self._error("sample.codes", "too_few_codes", wanted=raw["wanted"])
        if raw.get("at_least", 1) > raw["wanted"]:
            self._error("sample.at_least", "more_than_wanted", wanted=raw["wanted"])
        frame = raw.get("frame")
        return Sample(
            level=raw["level"],
            wanted=raw["wanted"],
            codes=codes,
            at_least=raw.get("at_least", 1),
            frame=Frame(frame["ledger"], frame["phone"]) if frame else None,
        )

    def _reopen(self, raw: Mapping[str, Any]) -> Reopen:
        for field, title in raw.get("form", {}).items():
            for locale, text in title.items():
                self._placeholders(f"reopen.form.{field}.{locale}", text, None)
        return Reopen(
            when=self._rule("reopen.when", raw["when"], frozenset(CASE_NAMES) | {ANSWER}),
            verb=raw["verb"],
            form=raw.get("form", {}),
            within_days=raw["within_days"],
            at_most=raw["at_most"],
            decides=raw["decides"],
        )

    def _rule(self, path: str, value: Any, names: Collection[str]) -> CompiledRule:
        try:
            rule = compile_rule(parse(value) if isinstance(value, str) else value)
        except RuleError as error:
            self.errors.append(FieldError(path, error.message))
            return compile_rule(False)
        for name in sorted(rule.reads):
            if name.partition(".")[0] not in names:
                self._error(path, "unknown_name", name=name, known=", ".join(sorted(names)))
        if rule.needs_today:
            self._error(path, "needs_today")
        return rule

    def _placeholders(self, path: str, text: str, known: Collection[str] | None, *, needed: str | None = None) -> None:
        names = placeholders(text)
        if names is None:
            self._error(path, "broken_text")
            return
        allowed = known if known is not None else {name for name in names if name.startswith(f"{ANSWER}.")}
        for name in sorted(names.difference(allowed)):
            self._error(path, "unknown_placeholder", name=name, known=", ".join(sorted(known)) if known else f"{ANSWER}.<field>")
        if needed and needed not in names:
            self._error(path, "text_without_link")


def placeholders(text: str) -> set[str] | None:
    """Name what stands in braces in ``text``; None when its braces do not match or say more than a name."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return None
    if any(spec or conversion for _, _, spec, conversion in parts):
        return None
    return {name for _, name, _, _ in parts if name is not None}


def _form_errors(content: Content, form: Content) -> Iterator[FieldError]:
    fields = {one["id"]: one for one in form["fields"]}
    for name, one in fields.items():
        if one["type"] not in CLOSED_FIELDS | WORDS:
            yield FieldError(
                "form", msg("feedback.field_not_public", field=name, type=one["type"], known=", ".join(sorted(CLOSED_FIELDS | WORDS)))
            )
        elif one["type"] in WORDS and not one.get("personal"):
            yield FieldError("form", msg("feedback.words_not_personal", field=name))
    chosen = fields.get(content["points"]["field"])
    if chosen is None or chosen["type"] != "choice" or chosen.get("required") is not True or chosen.get("personal"):
        yield FieldError("points.field", msg("feedback.points_need_choice", field=content["points"]["field"]))
    else:
        yield from _option_errors({one["value"] for one in chosen["options"]}, content["points"]["options"])
    open_fields = {name for name, one in fields.items() if not one.get("personal")}
    yield from _answer_errors(content, open_fields)


def _option_errors(options: set[str], points: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in sorted(options - points.keys()):
        yield FieldError("points.options", msg("feedback.option_without_points", option=name))
    for name in sorted(points.keys() - options):
        yield FieldError(f"points.options.{name}", msg("feedback.unknown_option", option=name, known=", ".join(sorted(options))))


def _answer_errors(content: Content, open_fields: set[str]) -> Iterator[FieldError]:
    """Tell where the reopening reads a field that is not there, or one whose words must stay out of the case's record."""
    reopen = content.get("reopen")
    if not reopen:
        return
    rule = reopen["when"]
    read = {"reopen.when": compile_rule(parse(rule) if isinstance(rule, str) else rule).reads}
    for field, title in reopen.get("form", {}).items():
        for locale, text in title.items():
            read[f"reopen.form.{field}.{locale}"] = frozenset(placeholders(text) or ())
    for path, names in read.items():
        for name in sorted(name for name in names if name.partition(".")[0] == ANSWER):
            if name.partition(".")[2] not in open_fields:
                yield FieldError(
                    path, msg("feedback.unknown_name", name=name, known=", ".join(f"{ANSWER}.{one}" for one in sorted(open_fields)))
                )


def _workflow_errors(content: Content, workflow: Content, source: DefinitionSource) -> Iterator[FieldError]:
    after, reopen = content["after"], content.get("reopen")
    closed = {key for key, state in workflow["states"].items() if state.get("category") == "closed"}
    for index, state in enumerate(after["states"]):
        if state not in closed:
            yield FieldError(f"after.states[{index}]", msg("feedback.not_a_closed_state", state=state, known=", ".join(sorted(closed))))
    if "personal" in after["to"]:
        forms = [source.find("form", step["form"]) for step in workflow["transitions"].values() if step.get("form")]
        yield from _phone_errors("after.to.personal", after["to"]["personal"], forms)
    if reopen:
        yield from _reopening_errors(reopen, after["states"], workflow, source)


def _phone_errors(path: str, field: str, forms: Collection[Content | None]) -> Iterator[FieldError]:
    personal = {one["id"] for form in forms if form for one in form["fields"] if one.get("personal")}
    if field not in personal:
        yield FieldError(path, msg("feedback.not_a_personal_field", field=field, known=", ".join(sorted(personal))))


def _reopening_errors(
    reopen: Mapping[str, Any], states: Collection[str], workflow: Content, source: DefinitionSource
) -> Iterator[FieldError]:
    step = workflow["transitions"].get(reopen["verb"])
    if step is None:
        yield FieldError("reopen.verb", msg("feedback.unknown_verb", verb=reopen["verb"], known=", ".join(workflow["transitions"])))
        return
    starts = {state for way in step.get("ways", [step]) for state in _starts(way.get("from", ()), workflow)}
    for state in sorted(set(states) - starts):
        yield FieldError("reopen.verb", msg("feedback.verb_does_not_start", verb=reopen["verb"], state=state))
    form = source.find("form", step["form"]) if step.get("form") else None
    known = {one["id"] for one in form["fields"]} if form else set()
    for field in reopen.get("form", {}):
        if field not in known:
            yield FieldError(f"reopen.form.{field}", msg("feedback.unknown_field", field=field, known=", ".join(sorted(known))))
    parties = workflow.get("parties", {})
    if reopen["decides"] != AUTOMATIC and reopen["decides"] not in parties:
        yield FieldError("reopen.decides", msg("feedback.unknown_party", party=reopen["decides"], known=", ".join([AUTOMATIC, *parties])))


def _starts(states: str | Collection[str], workflow: Content) -> Iterator[str]:
    if isinstance(states, str):
        yield from (key for key, state in workflow["states"].items() if state.get("category", "open") == states)
    else:
        yield from states


register_compiler("survey", compile_survey, references=references, audit=audit)
