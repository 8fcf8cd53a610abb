"""The table of the newest whole report, for the terminal and for the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path("bench/results")
GOALS = {
    "create": "ratio >= 0.30", "move": "ratio >= 0.30", "newest": "ratio >= 0.5", "newest_growth": "ratio <= 1.3", "component": "ratio >= 0.5",
    "locate": "ratio <= 1.5", "import": "ratio <= 6", "timers": "ratio <= 5", "memory": "pss_mb <= 600", "history": "seconds <= 120",
    "facts_cost": "ratio >= 0.90", "facts_rebuild": "seconds <= 120", "scoreboard": "ratio <= 2",
}  # fmt: skip

SINCE = {"facts_cost": "2026-11-24", "facts_rebuild": "2026-11-24", "scoreboard": "2026-11-24"}
"""Works that reports made before that day could not measure; such a report is whole without them."""


def rows(report: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Give for each measured work: its name, our figure, the floor, the ratio and the goal."""
    found = []
    for name, goal in GOALS.items():
        one = report.get(name)
        if one:
            ours = one.get("rate", one.get("seconds", one.get("pss_mb", "")))
            floor = one.get("floor", one.get("floor_seconds", ""))
            found.append((name, str(ours), str(floor), str(one.get("ratio", "")), goal))
    return found


def newest() -> str:
    """Give the newest report in which everything was measured, as Markdown; or say that there is none yet."""
    for file in sorted(RESULTS.glob("*.json"), reverse=True):
        report = json.loads(file.read_text("utf-8"))
        if {name for name in GOALS if SINCE.get(name, "") <= report["at"]} <= report.keys():
            head = f"Measured at {report['at'][:16]} UTC on {report['machine']}, {report['cases']:,} cases."
            lines = ["| work | ours | floor | ratio | goal |", "|---|---|---|---|---|"]
            lines += ["| " + " | ".join(row) + " |" for row in rows(report)]
            return head + "\n\n" + "\n".join(lines)
    return "No whole report has been kept yet."
