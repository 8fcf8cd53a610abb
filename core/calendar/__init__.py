"""Time limits: office hours, holidays, and deadlines in the four units of the field.

Plain Python: it knows neither database nor clock; whoever calls says when it is.
"""

from __future__ import annotations

from core.calendar.limits import Basis, Deadline, Pause, deadline, elapsed, remaining, shifted
from core.calendar.office import Calendar, Holidays, OfficeHours
from core.calendar.units import Unit

__all__ = [
    "Basis",
    "Calendar",
    "Deadline",
    "Holidays",
    "OfficeHours",
    "Pause",
    "Unit",
    "deadline",
    "elapsed",
    "remaining",
    "shifted",
]
