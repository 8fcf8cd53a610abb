"""Scores: counting facts, scoring subjects, opening the list behind a number. One module a use.

What other packages call is named here.
"""

from core.scoring.service import personal  # noqa: F401  # what is kept of people is registered with it
from core.scoring.service.drilling import facts_behind
from core.scoring.service.publishing import publish
from core.scoring.service.revising import differences, propose_revision, publish_revision
from core.scoring.service.scoreboard import scoreboard
from core.scoring.service.sources import NOW, Source

__all__ = ["NOW", "Source", "differences", "facts_behind", "propose_revision", "publish", "publish_revision", "scoreboard"]
