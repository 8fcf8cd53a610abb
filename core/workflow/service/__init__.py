"""The rules of cases: reporting, moving, reading, timers, history. One module a use.

What other packages ask for by a register (who may see a file, what a leaver has
in hand, whose data is kept, which deadlines follow a year, what follows the
land) is registered here.
"""

from core.workflow.service import handing_over, land, personal, reading, rework

__all__ = ["handing_over", "land", "personal", "reading", "rework"]
