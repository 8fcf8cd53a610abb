"""The town of the journeys, where cases are real."""

from __future__ import annotations

import pytest

from core.db.engine import Database
from tests.journeys.town import Town


@pytest.fixture(scope="module")
def database(town: Town) -> Database:
    """Give whatever asks for a database the town's."""
    return town.database
