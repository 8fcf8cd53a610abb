"""Fixtures for the tests of the plugins: a real PostgreSQL, two agencies, actors with just the rights a test names."""

from __future__ import annotations

pytest_plugins = ["core.testing.fixtures"]
