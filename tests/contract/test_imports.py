"""Every module can be imported first and alone, and no import warns."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.contract.source import ROOT, files, module_name

# What others wrote is loaded once, with its own warnings, before each module of ours is tried in a fork of that process.
TRY = """
import importlib, os, sys, warnings
for name in ("flask", "flask_appbuilder", "sqlalchemy.orm", "marshmallow", "celery", "shapely", "numpy", "pyproj", "alembic", "click", "apispec",
             "flask_appbuilder.security.sqla.models", "flask_appbuilder.security.sqla.manager", "jsonschema", "openpyxl", "xlsxwriter", "fsspec", "PIL.Image"):
    importlib.import_module(name)
warnings.simplefilter("error")
failed = []
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    failed += [name] if os.waitpid(child, 0)[1] else []
sys.exit(bool(failed))
"""
# A process of its own whose import is its start.
ENTRIES = {"core.__main__", "core.supervisor.__main__"}
NAMES = [name for path in files() if (name := module_name(path)) not in ENTRIES]
PARTS = 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_module_can_be_imported_alone_without_a_warning(part: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRY, *NAMES[part::PARTS]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


def test_engines_load_no_framework() -> None:
    """What is plain Python by its imports is so at run time too."""
    plain = (
        "core.rules.evaluate, core.calendar, core.workflow.engine, core.workflow.soundness, core.grid.tree, core.hookspecs, core.lib.errors"
    )
    code = f"import {plain}, sys; print(sorted({{'flask', 'sqlalchemy', 'celery', 'marshmallow'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
