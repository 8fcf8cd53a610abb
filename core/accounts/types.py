"""Words that several modules of this package share."""

from __future__ import annotations

SCOPES = ("agency", "grid", "department")
"""At what an assignment of a role is made."""
