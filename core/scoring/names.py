"""The names that the rules of indicators may read, grain by grain, and what each of them is.

``core.scoring.service.naming`` gives each its column; ``docs/reference/scorecards.md`` prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PLACES = {"grid": "id of the grid that it lies in, or null", "department": "id of the department, or null"}
_LATE = "whether a department's limit ended late, or has run out by now"

NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "case": {
            "state": "the state that the case is in",
            "category": "`open` or `closed`",
            "workflow": "key of its workflow",
            "kind": "component or event",
            "class_code": "the small class",
            "condition": "the filing condition",
            "source": "where the report came from",
            "is_filed": "whether it was ever filed",
            "is_dispatched": "whether it was ever given to a department",
            "is_handled": "whether a department, or whoever reported it, has ever handled it",
            "is_done": "the same as `is_handled`",
            "is_late": _LATE,
            "is_sub_case": "whether it is part of another case",
            "seconds_to_close": "from the report to the last closing, or null",
            "reporter": "id of the user who reported it, or null",
            "assignee": "id of the person who has it, or null",
            **_PLACES,
        },
        "holding": {
            "limit": "key of the limit that the department has to keep",
            "ended_by": "the verb that last took it out of the department's hands; null while it is there",
            "is_present": "whether the case is the department's now",
            "is_done": "whether the department has handled it",
            "is_late": _LATE,
            "is_given_back": "whether it went to somebody else unhandled and in time",
            "times_done": "how often the department handled it",
            "times_given_back": "how often it gave the case back",
            "times_held_again": "how often it had the case again after it had handled it",
            "seconds_held": "how long it had the case in hand, by the clock on the wall",
            **_PLACES,
        },
        "task": {
            "limit": "key of the limit that ran",
            "verb": "the step that ended it; null while it runs",
            "state": "the state in which it ran",
            "to_state": "the state that the step led to",
            "person": "id of who ended it; while it runs, of whose it is; or null",
            "is_done": "whether it was ended",
            "is_late": "whether it was ended after it was due, or runs beyond that",
            "is_superseded": "whether it gave the case to a department and a later step gave it to another",
            "seconds_taken": "how long it ran, or null",
            **_PLACES,
        },
        "answer": {"survey": "key of the survey", "points": "what the survey gives for the option that was chosen", **_PLACES},
        "record": {"state": "the record's state", "code": "its code", **_PLACES},
    }
)
"""Of each grain, the names that its rules may read."""

OPEN_NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "case": {"counts.": "how often something was counted; 0 when never", "facts.": "what a step of the workflow has set"},
        "holding": {"case.": "what is known of the case"},
        "task": {"case.": "what is known of the case"},
        "answer": {"data.": "what was answered to a question", "case.": "what is known of the case, where the survey asks about one"},
        "record": {"": "a field of the ledger's form, by its own name"},
    }
)
"""Of each grain, what the names begin with that the definitions around it bring."""

INSTANTS_ARE: Mapping[str, str] = MappingProxyType(
    {
        "reported": "when the case was reported",
        "filed": "when it was filed",
        "closed": "when it was closed last",
        "owed": "when it was first done, or when its limit first ran out, whichever came first",
        "given": "when the department first got the case",
        "started": "when the limit began to run",
        "ended": "when it was ended",
        "answered": "when the answer was given",
        "recorded": "when the record was made, or the day in the field that `on` names",
    }
)
"""What each instant is that can put a fact into a period."""
