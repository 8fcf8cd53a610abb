"""The background worker: a Celery application whose messages are only nudges.

What is to be done stands in PostgreSQL (outbox rows, timers). A nudge makes a worker look; a
lost one is followed by the next within seconds, so any broker will do, and by default it
is a folder. Tasks are thin: they find what is due and run it, each agency for itself.
"""

from __future__ import annotations

from core.worker.app import app

__all__ = ["app"]
