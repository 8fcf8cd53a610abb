"""Fixtures of every tier: a migrated PostgreSQL once a run, a database for each module, each test rolled back."""

from __future__ import annotations

pytest_plugins = ["core.testing.fixtures", "tests.journeys.town"]
