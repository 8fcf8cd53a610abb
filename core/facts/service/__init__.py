"""Facts: keeping them beside the record, rebuilding them, proving them. One module a use.

What other packages call is named here.
"""

from core.facts.service.deriving import derive_cases
from core.facts.service.following import Position, catch_up, follow_once, listen
from core.facts.service.reading import known_until

__all__ = ["Position", "catch_up", "derive_cases", "follow_once", "known_until", "listen"]
