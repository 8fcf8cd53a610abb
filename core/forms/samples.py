"""Samples of a form: those its file carries, and one that is generated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from core.forms.compile import CompiledForm
from core.forms.describe import example


def generated_sample(form: CompiledForm) -> dict[str, Any]:
    """Make a submission with an example in every field; a form with conditions or checks may need samples of its own."""
    return example(form.definition)


def sample_failures(form: CompiledForm, *, now: datetime) -> Iterator[str]:
    """Yield what is wrong with the samples that the form carries.

    A good one has to pass the JSON Schema and the check; a bad one has to be
    refused with an error at the path it names.
    """
    validator = Draft202012Validator(form.json_schema())
    for number, data in enumerate(form.samples.get("good", ())):
        for schema_error in validator.iter_errors(data):
            yield f"good[{number}]: JSON Schema: {schema_error.json_path}: {schema_error.message[:200]}"
        for error in form.check(data, now=now).errors:
            yield f"good[{number}]: {error.path}: {error.message.text('en')}"
    for number, sample in enumerate(form.samples.get("bad", ())):
        paths = {error.path for error in form.check(sample["data"], now=now).errors}
        if sample["at"] not in paths:
            yield f"bad[{number}]: no error at {sample['at']!r}, only at {sorted(paths)}"
