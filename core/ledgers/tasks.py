"""What runs in the background: imports, when their outbox message is due."""

from __future__ import annotations

from core.db import outbox
from core.ledgers.exchange.jobs import TOPIC
from core.ledgers.exchange.running import run_import


@outbox.job(TOPIC)
def deliver_import(unit: outbox.Unit, delivery: outbox.Delivery) -> None:
    """Run the import of a message; after a worker that was killed it goes on where the import had come to."""
    run_import(unit, int(delivery.payload["import_job_id"]), now=delivery.now)
