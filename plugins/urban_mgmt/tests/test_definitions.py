"""The plugin's files: they fit their meta-schemas, name only what exists, and say what the standards say."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest

import core
from core.definitions.check import check
from core.definitions.installed import import_compilers
from core.definitions.kinds import compile_catalogue
from core.definitions.load import load_folder
from core.forms.compile import compile_form
from core.ledgers.definition import compile_ledger
from core.workflow.compiler import compile_workflow
from core.workflow.reference import page, role_table
from core.workflow.soundness import problems
from plugins.urban_mgmt import permissions, plugin

# The truth of nearly every report; whoever reports otherwise says so. No decision is made beforehand.
DEFAULTS = {("urban_mgmt.report", "source"), ("urban_mgmt.report", "kind"), ("urban_mgmt.report", "self_handled")}
NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
UNITS = {"urgent_hour", "urgent_day", "work_hour", "work_day"}
VERBS = [
    "report",
    "request_verify",
    "verify",
    "file",
    "reject",
    "dispatch",
    "accept",
    "return",
    "handle",
    "request_extension",
    "grant_extension",
    "refuse_extension",
    "request_suspend",
    "grant_suspend",
    "refuse_suspend",
    "resume",
    "request_check",
    "check_pass",
    "check_fail",
    "close",
    "force_close",
    "request_void",
    "grant_void",
    "refuse_void",
    "urge",
    "appeal",
    "grant_appeal",
    "refuse_appeal",
    "reopen",
    "mark_missed",
]


@pytest.fixture(scope="module")
def prepared():
    import_compilers()
    outcome = check([load_folder(files("plugins.urban_mgmt"), origin="urban_mgmt", prefix="urban_mgmt")])
    assert [problem.text("en") for problem in outcome.problems] == []
    return {(one.kind, one.key.removeprefix("urban_mgmt.")): one.content for one in outcome.prepared}


@pytest.fixture(scope="module")
def catalogues(prepared):
    return {key: compile_catalogue(content) for (kind, key), content in prepared.items() if kind == "catalogue"}


@pytest.fixture(scope="module")
def known(catalogues):
    """Says of the outside world that it holds what the catalogues hold, and any person, department or photo."""

    class Known:
        def exists_many(self, kind, ids, *, within=None, level=None):
            if kind != "catalogue":
                return list(ids)
            catalogue = catalogues[within.removeprefix("urban_mgmt.")]
            leaves = {item.code for item in catalogue.leaves()}
            return [code for code in ids if code in (leaves if level == "leaf" else catalogue.items)]

    return Known()


def kinds(prepared, kind):
    return {key: content for (found, key), content in prepared.items() if found == kind}


def test_manifest_names_this_folder(prepared):
    assert plugin.manifest.key == "urban_mgmt"
    assert (Path(str(plugin.manifest.definitions)) / "workflows" / "case.yaml").is_file()


def test_transitions_carry_the_standards_verbs(prepared):
    assert list(prepared["workflow", "case"]["transitions"]) == VERBS


def test_workflow_is_sound_with_the_plugins_roles(prepared):
    rights = {key: set(content["rights"]) for key, content in kinds(prepared, "role").items()}
    assert problems(compile_workflow(prepared["workflow", "case"]), rights) == []


@pytest.mark.parametrize("lost", sorted(map(str, permissions.CaseRight)))
def test_workflow_without_one_right_is_unsound(prepared, lost):
    rights = {key: set(content["rights"]) - {lost} for key, content in kinds(prepared, "role").items()}
    assert any(lost in str(error.message) for error in problems(compile_workflow(prepared["workflow", "case"]), rights))


def test_every_right_is_asked_for_and_registered(prepared):
    asked = compile_workflow(prepared["workflow", "case"]).rights()
    registered = {right.key for right in plugin.register_permissions()}
    assert asked == registered == set(permissions.CaseRight)


def test_rights_stand_in_order():
    assert sorted(permissions.CaseRight) == list(permissions.CaseRight)


def test_every_form_is_used(prepared):
    used = {raw["form"].removeprefix("urban_mgmt.") for raw in prepared["workflow", "case"]["transitions"].values()}
    used |= {content["form"].removeprefix("urban_mgmt.") for content in kinds(prepared, "ledger").values()}
    used |= {content["form"].removeprefix("urban_mgmt.") for content in kinds(prepared, "survey").values()}
    assert set(kinds(prepared, "form")) == used


def test_every_transition_has_a_form(prepared):
    assert all("form" in raw for raw in prepared["workflow", "case"]["transitions"].values())


def test_no_step_form_makes_a_decision_beforehand(prepared):
    forms = {raw["form"].removeprefix("urban_mgmt.") for raw in prepared["workflow", "case"]["transitions"].values()}
    found = {(f"urban_mgmt.{key}", one["id"]) for key in forms for one in _fields(prepared["form", key]["fields"]) if "default" in one}
    assert found == DEFAULTS


def _fields(fields):
    for one in fields:
        yield one
        yield from _fields(one.get("fields", ()))


def test_facts_that_steps_keep_are_fields_of_their_forms(prepared):
    forms = {key: {field["id"] for field in content["fields"]} for key, content in kinds(prepared, "form").items()}
    for transition in compile_workflow(prepared["workflow", "case"]).transitions.values():
        fields = forms[transition.form.removeprefix("urban_mgmt.")]
        for way in transition.ways:
            wanted = {name for names in way.sets.values() for name in names} | {name for name in way.assign.values() if name}
            wanted |= {name for guard in way.guards for name in guard.form_fields}
            wanted |= {way.sub_cases.field} if way.sub_cases else set()
            assert wanted <= fields, transition.verb


def samples(prepared, which):
    for key, content in sorted(kinds(prepared, "form").items()):
        for index, sample in enumerate(content["samples"][which]):
            yield f"{key}[{index}]", compile_form(content), sample


def test_good_samples_pass(prepared, known):
    for name, form, sample in samples(prepared, "good"):
        assert [(name, error.path, str(error.message)) for error in form.check(sample, now=NOW, context=known).errors] == []


def test_bad_samples_are_refused_at_their_field(prepared, known):
    for name, form, sample in samples(prepared, "bad"):
        assert [sample["at"]] == [error.path for error in form.check(sample["data"], now=NOW, context=known).errors], name


def test_catalogue_codes_are_the_kind_and_two_digits_a_level(catalogues):
    for key, letter, digits in (
        ("components", "c", (2, 4)),
        ("events", "e", (2, 4)),
        ("cjt214", "j", (2, 4)),
        ("filing_rules", "ce", (4, 6)),
    ):
        for item in catalogues[key].items.values():
            assert item.code[0] in letter
            assert item.code[1:].isdigit()
            assert len(item.code) - 1 == digits[item.parent is not None]
            assert item.parent is None or item.code.startswith(item.parent)


def test_cjt214_is_complete(catalogues):
    small = [item.code for item in catalogues["cjt214"].leaves()]
    classes = [code for code in catalogues["cjt214"].items if len(code) == 3]
    assert (len(small), len(classes)) == (85, 6)
    assert [sum(code.startswith(one) for code in small) for one in classes] == [38, 17, 11, 10, 3, 6]


def test_demo_takes_56_kinds_of_6_classes_that_have_a_filing_rule(catalogues):
    chosen = [item for item in catalogues["mapping"].items.values() if item.data["in_demo"]]
    assert (len(chosen), len({item.code[:3] for item in chosen})) == (56, 6)
    for item in chosen:
        assert item.code in catalogues["cjt214"]
        assert any(code in catalogues["filing_rules"] for code in item.data["classes"])
        assert item.data["departments"]


def test_mapping_leads_to_classes_that_exist(catalogues):
    for item in catalogues["mapping"].items.values():
        assert all(code in catalogues["components"] for code in item.data["classes"])
        assert item.data["basis"] == "listed" or item.data["why"]


def test_filing_rules_are_of_known_classes_with_limit_and_closing(catalogues):
    for item in catalogues["filing_rules"].leaves():
        owner = catalogues["components" if item.data["kind"] == "component" else "events"]
        assert item.parent in owner
        assert item.data["limit"]["amount"] > 0
        assert item.data["limit"]["unit"] in UNITS
        assert {"zh_CN", "en"} == set(item.data["closing"])


def test_known_limits_are_as_the_city_set_them(catalogues):
    limits = {item.code: tuple(item.data["limit"].values()) for item in catalogues["filing_rules"].leaves()}
    assert tuple(limits[f"c01010{n}"] for n in (1, 2, 3, 4)) == ((2, "urgent_hour"), (4, "work_hour"), (2, "work_day"), (5, "work_day"))
    assert limits["e011301"] == (5, "work_day")


def test_departments_named_are_departments_listed(catalogues):
    for key in ("components", "events", "mapping"):
        for item in catalogues[key].items.values():
            assert all(name in catalogues["departments"] for name in item.data.get("departments", ()))


def test_component_code_has_16_digits(prepared):
    layout = compile_ledger(prepared["ledger", "component"]).layout
    prefix = layout.prefix(agency={"county": "110101"}, fields={"kind": "j0114"}, grid_code=None)
    assert layout.code(prefix, 1) == "1101010114000001"
    assert layout.length == 16


def test_reference_page_is_up_to_date():
    here = Path(__file__).parents[3]
    assert page(here / "plugins" / "urban_mgmt") in (here / "docs" / "reference" / "workflows.md").read_text("utf-8")


def test_readme_says_who_may_do_what():
    here = Path(__file__).parents[1]
    assert role_table(here) in (here / "README.md").read_text("utf-8")


def test_roles_name_only_rights_that_exist(prepared):
    registered = set(permissions.CaseRight)
    for package in sorted(Path(core.__file__).parent.glob("*/permissions.py")):
        registered |= {right.key for right in import_module(f"core.{package.parent.name}.permissions").CATALOGUE}
    for key, content in kinds(prepared, "role").items():
        assert set(content["rights"]) <= registered, key
        assert sorted(content["rights"]) == content["rights"], key
