"""The documents are true as far as a test can see: links lead somewhere, commands and routes exist, and the code's own words are up to date."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
import yaml

from core import parts
from core.cli.main import cli
from core.definitions.load import load_text
from core.definitions.types import Problem
from tests.contract.source import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
REQUEST = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[^\s`'\"]*)")
WORKPLACE = re.compile(r"/work/|/tmp/", re.IGNORECASE)


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    return FENCE.sub("", text_of(page))


@cache
def anchors(page: Path) -> set[str]:
    """The names under which the headings of a page can be linked to, as the usual viewers make them."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "").lower(), flags=re.UNICODE).strip().replace(" ", "-") for head in heads}


# --- links ----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_index_names_every_page() -> None:
    index = ROOT / "docs/README.md"
    named = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(text_of(index)) if "://" not in target}
    pages = {page for page in ROOT.glob("docs/**/*.md") if page != index and page.parent.name != "decisions"}
    assert {name_of(page) for page in pages - named} == set()


def test_how_tos_are_short() -> None:
    """A how-to is a screen or little more; what is longer explains, and belongs elsewhere."""
    long = {page.name: len(text_of(page).splitlines()) for page in ROOT.glob("docs/how-to/*.md")}
    assert {name: lines for name, lines in long.items() if lines > 100} == {}


# --- commands -------------------------------------------------------------------


def commands() -> Iterator[tuple[str, str]]:
    """Every `wangge …` and `make …` that a page shows, with the page."""
    for page in PAGES:
        if page.name == "cli.md":
            continue  # printed by the commands themselves
        shown = [line for _, language, block in FENCE.findall(text_of(page)) if language in {"", "sh"} for line in block.splitlines()]
        shown += CODE.findall(prose(page))
        for line in shown:
            words = line.strip().removeprefix(".venv/bin/").removeprefix("@")
            if words.startswith(("wangge ", "make ")):
                yield name_of(page), words.split("#")[0].strip()


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_every_command_exists(page: str, command: str) -> None:
    assert page
    words = shlex.split(command)
    if words[0] == "make":
        assert targets() >= {word for word in words[1:] if "=" not in word}
    else:
        find(words[1:])


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))


def find(words: list[str]) -> None:
    """Follow the words through the commands; every option must be one of the command that is reached."""
    command: click.Command = cli
    context = click.Context(cli, info_name="wangge")
    rest = list(words)
    while rest and isinstance(command, click.Group) and not rest[0].startswith("--"):
        found = [command.get_command(context, name.strip("…,.")) for name in rest.pop(0).split("|")]  # `db upgrade|pending` names two
        assert all(found), words
        assert found[0] is not None
        command = found[0]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "--json"}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known, words


# --- routes ---------------------------------------------------------------------


def requests() -> Iterator[tuple[str, str, str]]:
    for page in PAGES:
        if page.name != "http.md":
            for method, path in REQUEST.findall(text_of(page)):
                yield name_of(page), method, path.partition("?")[0].rstrip(".,;:)")


@cache
def routes() -> set[tuple[str, tuple[str, ...]]]:
    parts.load()
    return {(route.method, tuple(route.path.strip("/").split("/"))) for group in parts.routes() for route in group.all}


@pytest.mark.parametrize(("page", "method", "path"), sorted(set(requests())))
def test_every_request_has_a_route(page: str, method: str, path: str) -> None:
    asked = path.removeprefix("/api/v1").strip("/").split("/")
    outside = {"metrics", "openapi.json", "street_trees.tree"}  # not of the API, or of the tutorial's own plugin
    fits = any(
        method == known
        and len(asked) == len(steps)
        and all(step.startswith("<") or step == word for step, word in zip(steps, asked, strict=True))
        for known, steps in routes()
    )
    assert fits or set(asked) & outside, page


# --- definitions ----------------------------------------------------------------


def snippets() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        yield from ((name_of(page), block) for _, language, block in FENCE.findall(text_of(page)) if language == "yaml")


@pytest.mark.parametrize(("page", "block"), sorted(set(snippets())))
def test_every_piece_of_a_definition_can_be_read(page: str, block: str) -> None:
    lines = block.splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    pieces = "\n".join(line[indent:] for line in lines)
    # A table of alternatives shows one key again and again.
    every = pieces.splitlines() if len({line.split(":")[0] for line in pieces.splitlines()}) == 1 else [pieces]
    for piece in every:
        assert not isinstance(load_text(piece, kind="form", file="piece.yaml"), Problem), page


# --- what the code prints -------------------------------------------------------


@pytest.mark.slow
def test_what_the_code_prints_is_up_to_date() -> None:
    """The same as `make check` does at its end; `make docs` writes it again."""
    printed = [str(page) for page in PAGES if "[[[cog" in text_of(page)]
    assert len(printed) >= 10
    done = subprocess.run([sys.executable, "-m", "cogapp", "--check", *printed], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hooks_before_a_commit_are_the_tools_of_make_check() -> None:
    made = text_of(ROOT / "Makefile").replace("$(BIN)/", "")
    asked = yaml.safe_load(text_of(ROOT / ".pre-commit-config.yaml"))["repos"]
    assert [repository["repo"] for repository in asked] == ["local"]
    entries = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in asked[0]["hooks"]]
    tools = [entry for entry in entries if not entry.startswith("pytest")]
    assert len(tools) == 5
    assert [tool for tool in tools if f"\t{tool}\n" not in made] == []
    assert [name for name in entries if name.startswith("pytest")] == [f"pytest -q -m '' {Path(__file__).relative_to(ROOT)}"]


def test_no_page_speaks_of_where_it_was_written() -> None:
    assert [name_of(page) for page in PAGES if WORKPLACE.search(text_of(page))] == []


def test_glossary_pairs_every_verb_and_state_of_the_loop() -> None:
    glossary = text_of(ROOT / "docs/glossary.md")
    for word in ("网格", "立案", "派遣", "督办", "核实", "核查", "挂账", "回退", "返工", "台账", "部件", "事件", "双轴", "紧急工作时"):
        assert word in glossary
