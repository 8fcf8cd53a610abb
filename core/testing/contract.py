"""What every plugin keeps, as tests that a plugin's own tests inherit.

In ``tests/test_contract.py`` of the plugin::

    from core.testing.contract import PluginContract
    from tree_care import plugin


    class TestContract(PluginContract):
        plugin = plugin

and in ``tests/conftest.py``: ``pytest_plugins = ["core.testing.fixtures"]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Any, ClassVar

import pytest
import yaml
from sqlalchemy import Engine, text

from core import parts
from core.app import create_app
from core.authz import Actor, known_rights
from core.calendar import Calendar
from core.db import migrate
from core.db.base import AgencyOwned, Base
from core.db.engine import Database
from core.definitions.check import check
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.forms.compile import compile_form
from core.forms.samples import sample_failures
from core.grid.service import succession
from core.lib.text import LOCALES
from core.pluginmanager import PluginManifest, Plugins, fitness
from core.settings import Settings
from core.testing.people import browser_of, make_person
from core.testing.source import Source
from core.workflow import engine
from core.workflow.compiler import compile_workflow
from core.workflow.types import CaseSnapshot, Refused

NOON = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)
RIGHT = re.compile(r"[a-z][a-z0-9_]*:[a-z][a-z0-9_]*:[a-z][a-z0-9_]*")
OF_A_PERSON = re.compile(r"(^|_)(name|phone|mobile|email|address|id_card|birthday|contact)(_|$)")


class PluginContract:
    """Inherit from it and set ``plugin`` to the module that holds the manifest; every test is then one promise."""

    plugin: ClassVar[Any]
    tries_samples: ClassVar[bool] = True
    """False when samples need a filled catalogue or ledger to be judged: then try them in a test of your own."""

    # --- what the tests read ----------------------------------------------------

    @cached_property
    def manifest(self) -> PluginManifest:
        """The manifest."""
        found: PluginManifest = self.plugin.manifest
        return found

    @cached_property
    def source(self) -> Source:
        """The plugin's Python."""
        return Source(self.plugin.__name__.rpartition(".")[0])

    @cached_property
    def definitions(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Every definition by kind and key, the plugin's alone."""
        parts.load()
        library = load_folder(FORMS / "library", origin="library", prefix="library", within="library/")
        outcome = check([library, load_folder(self.manifest.definitions, origin=self.manifest.key, prefix=self.manifest.key)])
        assert [problem.text("en") for problem in outcome.problems] == []
        return {(one.kind, one.key): one.content for one in outcome.prepared if one.key.startswith(f"{self.manifest.key}.")}

    @cached_property
    def rights(self) -> list[Any]:
        """The rights that the plugin registers."""
        return list(self.plugin.register_permissions()) if hasattr(self.plugin, "register_permissions") else []

    @cached_property
    def routes(self) -> list[Any]:
        """The groups of routes that the plugin registers."""
        return list(self.plugin.register_routes()) if hasattr(self.plugin, "register_routes") else []

    @cached_property
    def models(self) -> list[Any]:
        """The plugin's mapped classes."""
        return [one.class_ for one in Base.registry.mappers if one.class_.__module__.startswith(f"{self.source.package}.")]

    # --- manifest and hooks -----------------------------------------------------

    def test_manifest_and_hooks_fit_this_release(self) -> None:
        """The plugin loads: key, range of versions, hooks marked and with arguments that exist."""
        found = Plugins()
        found.register(self.manifest.key, self.plugin)
        assert found.failed == []

    def test_plugin_is_titled_in_both_languages(self) -> None:
        """Title and description are there for every reader."""
        assert _lacking(self.manifest.title) == []
        assert _lacking(self.manifest.description or dict.fromkeys(LOCALES, "-")) == []

    def test_watches_are_states_of_its_workflows(self) -> None:
        """A state that no case can enter would never be told."""
        for key, states in self.manifest.watches.items():
            assert set(states) <= set(self.definitions["workflow", key]["states"]), key
        assert not self.manifest.watches or hasattr(self.plugin, "case_moved")

    # --- definitions ------------------------------------------------------------

    def test_definition_files_are_sound(self) -> None:
        """They fit their meta-schemas, name only what exists, and no workflow can get stuck."""
        assert self.definitions or not any(path.suffix == ".yaml" for path in Path(str(self.manifest.definitions)).glob("*/*"))

    def test_samples_of_forms_do_what_they_say(self) -> None:
        """Good ones pass, bad ones are refused at their field; every form has both."""
        forms = {key: content for (kind, key), content in self.definitions.items() if kind == "form"}
        assert [key for key, content in forms.items() if not content.get("samples", {}).get("good")] == []
        assert [key for key, content in forms.items() if not content.get("samples", {}).get("bad")] == []
        if self.tries_samples:
            wrong = {key: list(sample_failures(compile_form(content), now=NOON)) for key, content in forms.items()}
            assert {key: failures for key, failures in wrong.items() if failures} == {}

    def test_words_of_definitions_are_in_both_languages(self) -> None:
        """Every title, label, option, message and notice."""
        lacking = {name: [path for path, words in _titles(content) if _lacking(words)] for name, content in self.definitions.items()}
        assert {name: paths for name, paths in lacking.items() if paths} == {}

    def test_steps_that_a_workflow_does_not_have_are_refused(self) -> None:
        """In every state, every verb that does not start there, whoever takes it."""
        everybody = Actor(1, 1, "agency", "system", (), NOON, is_system=True)
        for content in (content for (kind, _), content in self.definitions.items() if kind == "workflow"):
            workflow = compile_workflow(content)
            for state in workflow.states:
                for verb in workflow.transitions.keys() - workflow.verbs_from[state]:
                    with pytest.raises(Refused):
                        engine.move(workflow, CaseSnapshot(id=1, state=state), verb, everybody, {}, now=NOON, calendar=Calendar())

    # --- rights -----------------------------------------------------------------

    def test_rights_are_its_own_named_and_titled(self) -> None:
        """``plugin:resource:action``, each once, with two different titles to read."""
        assert fitness.rights_misfit(self.manifest.key, self.rights) is None
        assert [right.key for right in self.rights if not RIGHT.fullmatch(str(right.key)) or _lacking(right.title)] == []
        for locale in LOCALES:
            titles = [right.title[locale] for right in self.rights]
            assert len(titles) == len(set(titles)), sorted(titles)

    def test_rights_of_definitions_exist(self) -> None:
        """What a role bundles and a workflow asks for is registered by the base or by the plugin."""
        parts.load()
        known = {*known_rights(), *(str(right.key) for right in self.rights)}
        asked = {right for content in self.definitions.values() for right in _rights_in(content)}
        assert asked - known == set()

    def test_every_right_of_its_own_is_held_by_a_role(self) -> None:
        """A right that no role of the plugin bundles is a door that nobody can open."""
        roles = [content for (kind, _), content in self.definitions.items() if kind == "role"]
        held = {right for content in roles for right in content["rights"]}
        assert {str(right.key) for right in self.rights} - held == set()

    # --- routes -----------------------------------------------------------------

    def test_routes_are_its_own_and_described(self) -> None:
        """Under ``/<key>``, closed with the plugin, each view with a sentence for the document."""
        assert fitness.routes_misfit(self.manifest.key, self.routes, ()) is None
        routes = [route for group in self.routes for route in group.all]
        assert [route.path for route in routes if not route.view.__doc__ or not route.answers] == []
        assert [route.path for route in routes if route.public] == []

    def test_routes_answer_404_while_the_plugin_is_off(self, request: pytest.FixtureRequest) -> None:
        """For an agency that has not switched it on nothing of it is there."""
        routes = [route for group in self.routes for route in group.all]
        if not routes:
            return
        database: Database = request.getfixturevalue("database")
        settings: Settings = request.getfixturevalue("settings")
        agency, _ = request.getfixturevalue("agencies")
        browser = browser_of(create_app(settings, database), make_person(database, agency, [str(right.key) for right in self.rights]))
        answers = {route.name: browser.send(route.method, re.sub("<[^>]+>", "1", route.path)).status_code for route in routes}
        assert answers == dict.fromkeys(answers, 404)

    # --- land -------------------------------------------------------------------

    def test_followers_of_the_land_are_its_own(self) -> None:
        """Whatever of it follows a split or merge of grids bears its key, so that it can fail by itself."""
        prefix = f"{self.source.package}."
        own = [follower.name for follower in succession.registered() if f"{follower.follow.__module__}.".startswith(prefix)]
        assert [name for name in own if not name.startswith(f"{self.manifest.key}.")] == []

    # --- tables -----------------------------------------------------------------

    def test_tables_belong_to_agencies_and_say_what_they_keep(self) -> None:
        """Prefixed, secured by row, pointing into their own agency alone, and telling why they know a person."""
        assert not self.models or self.manifest.migrations is not None
        for model in self.models:
            table = model.__table__
            assert issubclass(model, AgencyOwned), model
            assert table.name.startswith(f"{self.manifest.key}_"), table.name
            assert model.__doc__, model
            assert model.__config_scope__ in {"config", "business", "log", "runtime"}, model
            owned = [key for key in table.foreign_key_constraints if "agency_id" in key.referred_table.primary_key.columns]
            assert [str(key.columns) for key in owned if "agency_id" not in key.columns] == [], model
            silent = [one.name for one in table.columns if OF_A_PERSON.search(one.name) and "personal_data" not in one.info]
            assert silent == [], f"{table.name}: say info={{'personal_data': {{why, kept, erased}}}}"

    def test_migrations_make_the_tables_secure_them_and_take_them_away(self, request: pytest.FixtureRequest) -> None:
        """Up equals the models, with row-level security in force; down leaves nothing; up again works."""
        if self.manifest.migrations is None:
            assert self.models == []
            return
        engine = request.getfixturevalue("owner_engine")
        component = migrate.plugin_component(self.manifest.key, Path(str(self.manifest.migrations)))
        names = [model.__tablename__ for model in self.models]
        for _ in range(2):
            migrate.upgrade(engine, [component])
            try:
                assert migrate.differences(engine, component) == []
                assert _relations(engine, names, "NOT (relrowsecurity AND relforcerowsecurity)") == []
            finally:
                migrate.downgrade(engine, component)
            assert _relations(engine, names, "relkind = 'r'") == []

    # --- Python -----------------------------------------------------------------

    def test_core_is_reached_through_its_api_alone(self) -> None:
        """What is not in ``core.api`` may change in any release; other plugins may not be there at all."""
        stray = [(place, module) for place, module in self.source.imports() if not self._may_import(module)]
        assert stray == []

    def _may_import(self, module: str) -> bool:
        first = module.partition(".")[0]
        if first == "core":
            return module == "core.api" or module.startswith("core.api.")
        if first == "plugins":
            return module.startswith(f"{self.source.package}.") or module == f"plugins.{self.source.package.rpartition('.')[2]}"
        return first not in {"flask_appbuilder", "celery"}

    def test_messages_are_complete(self) -> None:
        """Every message that is asked for stands in ``messages.yaml``, in both languages, with the same parameters; none is left over."""
        name = self.source.package.removeprefix("plugins.")
        file = files(self.source.package) / "messages.yaml"
        said: dict[str, dict[str, str]] = yaml.safe_load(file.read_text("utf-8")) if file.is_file() else {}
        asked = [(place, key, given) for place, key, given in self.source.messages() if key.rpartition(".")[0] == name]
        assert [(place, key) for place, key, _ in asked if key.rpartition(".")[2] not in said] == []
        assert [key for key, words in said.items() if _lacking(words) or len({frozenset(_names(one)) for one in words.values()}) > 1] == []
        short = [(place, key) for place, key, given in asked if given is not None and _names(said[key.rpartition(".")[2]]["en"]) - given]
        assert short == []
        words = self.source.words()
        assert [key for key in said if f"{name}.{key}" not in words and key not in words] == []


def _relations(engine: Engine, names: list[str], condition: str) -> list[str]:
    with engine.connect() as connection:
        found = connection.scalars(text(f"SELECT relname FROM pg_class WHERE relname = ANY(:names) AND {condition}"), {"names": names})  # noqa: S608  # written here, above
        return list(found)


def _lacking(words: Mapping[str, str]) -> list[str]:
    return [locale for locale in LOCALES if not str(words.get(locale, "")).strip()]


def _names(sentence: str) -> set[str]:
    return {name.partition(".")[0] for _, name, _, _ in Formatter().parse(sentence) if name}


def _titles(content: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    if isinstance(content, Mapping):
        if set(content) & set(LOCALES):
            yield path, content
            return
        for key, inner in content.items():
            yield from _titles(inner, f"{path}.{key}")
    elif isinstance(content, list):
        for number, inner in enumerate(content):
            yield from _titles(inner, f"{path}[{number}]")


def _rights_in(content: Any, key: str = "") -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, inner in content.items():
            yield from _rights_in(inner, name)
    elif isinstance(content, list):
        for inner in content:
            yield from _rights_in(inner, key)
    elif isinstance(content, str) and key in {"right", "rights"} and RIGHT.fullmatch(content):
        yield content
