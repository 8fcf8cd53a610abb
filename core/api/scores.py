"""Scores for plugins: letting the facts of an agency catch up with its record, and publishing a period; for demos and installers."""

from core.facts.service import catch_up as follow_record
from core.scoring.service import publish as publish_scores

__all__ = ["follow_record", "publish_scores"]
