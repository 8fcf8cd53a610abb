"""The workspace's own checks: types, lint and unit tests, with the Node that built it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_workspace_passes_its_own_checks() -> None:
    # As the build does: the machine's npm, or the one of the Python wheel beside our interpreter.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    npm = shutil.which("npm", path=path)
    assert npm, "no npm: run `make assets` first"
    done = subprocess.run(
        [npm, "run", "check", "--silent"], cwd=FRONTEND, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
