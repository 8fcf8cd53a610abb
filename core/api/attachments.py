"""Attachments for plugins."""

from core.attachments.service import Taken, keep
from core.attachments.store import Store

__all__ = ["Store", "Taken", "keep"]
