"""What a plugin proves of its definition files with one call."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

from core.definitions.check import check
from core.definitions.installed import import_compilers
from core.definitions.load import load_folder
from core.definitions.metaschema import FORMS
from core.forms.compile import compile_form
from core.forms.samples import sample_failures

_NOW = datetime(2026, 3, 18, 4, 0, tzinfo=UTC)


def check_folder(package: str, *, key: str, samples: bool = True) -> set[tuple[str, str]]:
    """Check the definition files of a plugin's package and try the samples of its forms.

    Samples that must be refused for what stands in a catalogue or a ledger need one: try those yourself and say `samples=False`.

    Returns (kind, key) of each definition; raises AssertionError that names file, line and field of every problem.
    """
    import_compilers()
    library = load_folder(FORMS / "library", origin="library", prefix="library")
    outcome = check([library, load_folder(files(package), origin=key, prefix=key)])
    problems = [problem.text("en") for problem in outcome.problems]
    assert not problems, "\n".join(problems)
    found = {(one.kind, one.key): one.content for one in outcome.prepared}
    for (kind, name), content in found.items():
        if samples and kind == "form":
            wrong = list(sample_failures(compile_form(content), now=_NOW))
            assert not wrong, f"{name}: {wrong}"
    return {one for one in found if one[1].startswith(f"{key}.")}
