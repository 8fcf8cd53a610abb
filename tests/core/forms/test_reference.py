"""The reference page is the one that the field types give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core.forms import reference
from core.forms.fields import FIELD_TYPES

ROOT = Path(__file__).parents[3]


def test_reference_page_is_up_to_date():
    command = [sys.executable, "-m", "cogapp", "--check", "-I", str(ROOT), "docs/reference/form-fields.md"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "run cog -r -I . docs/reference/form-fields.md: " + done.stdout + done.stderr


def test_every_type_and_key_is_on_the_page():
    page = (ROOT / "docs/reference/form-fields.md").read_text("utf-8")
    for name, kind in FIELD_TYPES.items():
        assert f"### `{name}`" in page
        assert all(f"`{option.name}`" in page for option in kind.options)
    assert reference.limits() in page
