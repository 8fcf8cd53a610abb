"""The table in the documentation is of a whole report, never of a part."""

from __future__ import annotations

import json
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

# The bench is no part of the installed packages: it is found beside them.
_spec = spec_from_file_location("bench_report", Path(__file__).parents[3] / "bench" / "report.py")
assert _spec is not None
assert _spec.loader is not None
report = module_from_spec(_spec)
_spec.loader.exec_module(report)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def written(folder: Path, name: str, rate: int, *, without: str = "") -> None:
    found = {key: {"rate": rate, "floor": 2, "ratio": rate / 2} for key in report.GOALS if key != without}
    head = {"at": "2026-11-23T10:00:00+00:00", "machine": "two cores", "cases": 1000000}
    (folder / name).write_text(json.dumps(head | found), "utf-8")


def test_without_a_whole_report_it_says_so(results: Path) -> None:
    written(results, "20260101-000000.json", 1, without="timers")
    assert report.newest() == "No whole report has been kept yet."


def test_newest_whole_report_is_shown(results: Path) -> None:
    written(results, "20260101-000000.json", 1)
    written(results, "20260102-000000.json", 3)
    written(results, "20260103-000000.json", 5, without="history")
    table = report.newest()
    assert "| timers | 3 | 2 | 1.5 | ratio <= 5 |" in table
    assert "1,000,000 cases" in table


def test_report_from_before_a_work_was_measured_is_whole_without_it(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(results, "20260101-000000.json", 1, without="timers")
    monkeypatch.setattr(report, "SINCE", {"timers": "2026-11-24"})
    assert "| create | 1 |" in report.newest()
    monkeypatch.setattr(report, "SINCE", {"timers": "2026-11-23"})
    assert report.newest() == "No whole report has been kept yet."
