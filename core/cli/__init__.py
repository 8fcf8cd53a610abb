"""The command line `wangge`: one table of commands, each loaded only when it is called.

A command lives with the package that it is about; this package holds those that are
about the installation as a whole. One broken part breaks its own commands only.
"""

from __future__ import annotations

from core.cli.main import cli, main

__all__ = ["cli", "main"]
