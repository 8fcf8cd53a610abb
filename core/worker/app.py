"""The Celery application: broker, rules of delivery, schedule and the three tasks.

The beat imports this module too and must stay small: whatever touches tables is
imported when a task runs, in the worker.
"""

from __future__ import annotations

import gc
import os
import socket
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_init, worker_process_init

from core.settings import Settings
from core.worker import broker

NUDGE_SECONDS = 2.0
_STALE_SECONDS = 30.0


def _configured(settings: Settings) -> Celery:
    made = Celery("wangge")
    made.conf.update(
        broker_url=settings.broker_url or f"{broker.SCHEME}://localhost",
        broker_transport_options={} if settings.broker_url else broker.options(settings.var / "broker"),
        broker_connection_retry_on_startup=True,
        # Only JSON is read: a message must never be able to name a class.
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_default_queue="wangge",
        # A worker killed in the middle: PostgreSQL rolls back and the row is due again.
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        # Remote control and events would need a broadcast channel that nobody here uses.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_max_memory_per_child=400_000,
        timezone="UTC",
        enable_utc=True,
        beat_schedule={
            "nudge": {"task": "wangge.nudge", "schedule": NUDGE_SECONDS, "options": {"expires": NUDGE_SECONDS * 2}},
            "housekeep": {"task": "wangge.housekeep", "schedule": crontab(minute="17"), "options": {"expires": 3600}},
        },
        # The schedule is the code's alone; a schedule file could be left broken by a kill.
        beat_scheduler="celery.beat:Scheduler",
    )
    return made


settings = Settings.from_env()
app = _configured(settings)


@app.task(name="wangge.nudge")  # type: ignore[untyped-decorator]
def nudge() -> None:
    """Say that a worker lives, and send one task to each agency where something is due."""
    from core.lib import clock  # noqa: PLC0415 - see the module's docstring
    from core.worker import due  # noqa: PLC0415

    now = clock.now()
    due.report_alive(due.database(settings), name=worker_name(), now=now)
    for source, agency_id in due.find(due.database(settings), now=now):
        app.send_task("wangge.work_off", args=[source, agency_id], expires=_STALE_SECONDS)


@app.task(name="wangge.work_off")  # type: ignore[untyped-decorator]
def work_off(source: str, agency_id: int) -> int:
    """Run what is due in one agency."""
    from core.lib import clock  # noqa: PLC0415 - see the module's docstring
    from core.worker import due  # noqa: PLC0415

    return due.work_off(due.database(settings), source, agency_id, now=clock.now())


@app.task(name="wangge.housekeep")  # type: ignore[untyped-decorator]
def housekeep() -> int:
    """Throw away what has had its time."""
    from core.lib import clock  # noqa: PLC0415 - see the module's docstring
    from core.worker import due, housekeeping  # noqa: PLC0415

    return housekeeping.housekeep(due.database(settings), logs=settings.var / "log", now=clock.now())


def worker_name() -> str:
    """Name the process group of this worker in the health report."""
    return os.environ.get("WANGGE_WORKER_NAME") or f"worker@{socket.gethostname()}"


@worker_init.connect  # type: ignore[untyped-decorator]
def _load_everything(**_signal: Any) -> None:
    # Before the pool forks, so that its processes share the pages.
    from core.worker import due  # noqa: PLC0415 - see the module's docstring

    due.load()
    gc.collect()
    gc.freeze()  # A collection in a pool process would write to every shared page.


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _die_with_the_worker(**_signal: Any) -> None:
    import signal  # noqa: PLC0415 - only pool processes need it

    from core.lib.lifeline import die_with_parent  # noqa: PLC0415

    die_with_parent(signal.SIGKILL)
