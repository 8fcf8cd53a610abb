"""Scores over HTTP: boards as they stand, and what was published of them."""

from core.scoring.views import boards, publications
from core.scoring.views.group import routes

__all__ = ["boards", "publications", "routes"]
