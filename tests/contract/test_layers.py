"""Every import contract is seen to break: a copy of the code with one forbidden import added fails the linter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contract.source import ROOT

SEEDS = {
    "core-below-plugins": {"core/lib/seed.py": "import plugins.urban_mgmt"},
    "independent-plugins": {
        "plugins/other/__init__.py": '"""Another."""',
        "plugins/other/plugin.py": "import plugins.urban_mgmt.duties",
    },
    "core-layers": {"core/grid/seed.py": "import core.workflow.models"},
    "inner-layers": {"core/workflow/types.py": "import core.workflow.models"},
    "plugins-see-the-api": {"plugins/urban_mgmt/seed.py": "import core.workflow.models"},
    "rules-without-http": {"core/grid/service/seed.py": "import flask"},
    "plain-python": {"core/workflow/engine.py": "import sqlalchemy"},
    "no-cycles": {"core/grid/types.py": "import core.grid.service"},
}
NEW_PACKAGE = {"core/newcomer/__init__.py": '"""A package without a place."""'}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for root in ("core", "plugins"):
        shutil.copytree(ROOT / root, folder / root, ignore=shutil.ignore_patterns("static", "__pycache__", "node_modules", "data"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo", "--contract", contract]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def seeded(folder: Path, files: dict[str, str], contract: str) -> subprocess.CompletedProcess[str]:
    """Lint the copy with lines added to files, and put it back."""
    before = {name: (folder / name).read_text("utf-8") if (folder / name).exists() else None for name in files}
    try:
        for name, line in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"{before[name] or ''}\n{line}\n", "utf-8")
        return lint(folder, contract)
    finally:
        for name, text in before.items():
            if text is None:
                (folder / name).unlink()
            else:
                (folder / name).write_text(text, "utf-8")


def test_every_contract_has_its_seed() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    assert set(SEEDS) == {contract["id"] for contract in contracts}
    assert not any("ignore_imports" in contract for contract in contracts)


@pytest.mark.parametrize("contract", sorted(SEEDS))
def test_contract_holds_and_breaks_by_one_import(copy: Path, contract: str) -> None:
    clean = lint(copy, contract)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    broken = seeded(copy, SEEDS[contract], contract)
    assert broken.returncode == 1
    assert "1 broken" in broken.stdout, broken.stdout + broken.stderr


def test_new_package_must_find_its_place(copy: Path) -> None:
    broken = seeded(copy, NEW_PACKAGE, "core-layers")
    assert broken.returncode == 1
    assert "newcomer" in broken.stdout + broken.stderr
