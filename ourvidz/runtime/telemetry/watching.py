"""Puts a worker's metrics and the server that tells them together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ourvidz.project import Project
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.client_libraries import client_needed
from ourvidz.runtime.telemetry.server import Answers, HealthServer

if TYPE_CHECKING:
    from ourvidz.runtime.telemetry.metrics import Metrics


@contextmanager
def serving_health(host: str, port: int, project: Project, plugin: str) -> Iterator[Metrics]:
    """Answer at an address as long as the context lasts; the worker's observer is what it gives.

    Raises ClientMissing, HealthAddressUnusable, and FamilyUnknown.
    """
    with client_needed("metrics"):
        from ourvidz.runtime.telemetry.metrics import Metrics
    metrics = Metrics(project.family(plugin).name, project.catalog, lambda: open_queue(project))
    with HealthServer(host, port, Answers(lambda: metrics.is_ready, metrics.text)):
        yield metrics
