"""Numbers for Prometheus, summed over all processes of this machine.

Each process counts in a file of its own in `PROMETHEUS_MULTIPROC_DIR`, which the supervisor
sets and empties at start; without it (a test, a single process) counts stay in memory.
Labels are route templates, never addresses: their number is bounded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from core.health.service import Backlog
    from core.health.types import Report

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})

REQUESTS = Counter("wangge_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("wangge_http_request_seconds", "Time to answer.", ["route"], buckets=_BUCKETS)
CLAIMED = Counter("wangge_work_claimed", "Outbox messages and timers that workers ran.", ["source"])


def observe(method: str, route: str, status: int, started: float) -> None:
    """Count one answered request that `started` (perf_counter) some time ago."""
    answered, seconds = _meters(method if method in _METHODS else "other", route, status)
    answered.inc()
    seconds.observe(perf_counter() - started)


@cache
def _meters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Keep the meters of a label set at hand; there are as many as routes, methods and statuses."""
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(route)


class InstallationCollector(Collector):
    """Gauges read when asked for: they are the installation's, not one process's."""

    def __init__(self, look: Callable[[], tuple[Report, Backlog | None]]) -> None:
        self._look = look

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the condition of each part, what stands in the outbox and how far facts are behind."""
        report, backlog = self._look()
        parts = GaugeMetricFamily("wangge_well", "1 when the part is well.", labels=["part"])
        for check in report.checks:
            parts.add_metric([check.name], float(check.condition == "well"))
        yield parts
        if backlog is not None:
            yield GaugeMetricFamily("wangge_outbox_due", "Messages due and not delivered.", value=backlog.due)
            yield GaugeMetricFamily("wangge_outbox_delay_seconds", "Delay of the oldest of them.", value=backlog.oldest_seconds)
            yield GaugeMetricFamily("wangge_outbox_dead", "Messages given up.", value=backlog.dead)
            yield GaugeMetricFamily("wangge_facts_lag_seconds", "How far scores' facts are behind the record.", value=backlog.facts_seconds)


def exposition(look: Callable[[], tuple[Report, Backlog | None]]) -> bytes:
    """Write everything in Prometheus' text format."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        counted = generate_latest(registry)
    else:
        counted = generate_latest(REGISTRY)
    gauges = CollectorRegistry()
    gauges.register(InstallationCollector(look))
    return counted + generate_latest(gauges)
