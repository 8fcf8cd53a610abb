"""What every plugin keeps; its own rules are in the other files."""

from __future__ import annotations

from core.testing.contract import PluginContract
from plugins.urban_mgmt import plugin


class TestContract(PluginContract):
    plugin = plugin
    tries_samples = False  # they name classes of the catalogues; test_definitions.py tries them with these at hand
