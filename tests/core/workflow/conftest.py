"""The town of the journeys, where cases are real."""

from __future__ import annotations

from tests.journeys.conftest import later, town, village

__all__ = ["later", "town", "village"]
