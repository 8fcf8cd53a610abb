"""What runs in the background, when its outbox message is due: imports, and the making of indexes."""

from __future__ import annotations

from sqlalchemy import text

from core.db import outbox
from core.ledgers import indexing
from core.ledgers.exchange.jobs import TOPIC
from core.ledgers.exchange.running import run_import


@outbox.job(TOPIC)
def deliver_import(unit: outbox.Unit, delivery: outbox.Delivery) -> None:
    """Run the import of a message; after a worker that was killed it goes on where the import had come to."""
    run_import(unit, int(delivery.payload["import_job_id"]), now=delivery.now)


@outbox.job(indexing.TOPIC)
def make_indexes(unit: outbox.Unit, _delivery: outbox.Delivery) -> None:
    """Make the indexes that the agency's own forms ask for; those that are there stay. Writers of records wait meanwhile, a third of a second for 170,000."""
    with unit() as session:
        session.execute(text("SELECT record_index_fields()"))
