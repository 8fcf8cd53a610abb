"""Facts: keeping them beside the record, rebuilding them, proving them. One module a use.

What other packages call is named here.
"""

from core.facts.service.deriving import derive_cases
from core.facts.service.following import Listener, Position, catch_up, everybody_listens, follow_once, listen
from core.facts.service.reading import Status, known_until, longest_lag, status, trouble
from core.facts.service.rebuilding import check, rebuild

__all__ = [
    "Listener",
    "Position",
    "Status",
    "catch_up",
    "check",
    "derive_cases",
    "everybody_listens",
    "follow_once",
    "known_until",
    "listen",
    "longest_lag",
    "rebuild",
    "status",
    "trouble",
]
