"""Every hook there is. A plugin is a module with some of these functions marked ``@hookimpl``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from ourvidz.jobs.callback import Callback
    from ourvidz.jobs.events import JobEvent
    from ourvidz.jobs.queue import Queue
    from ourvidz.jobs.storage import Storage
    from ourvidz.plugins.backends import Backend
    from ourvidz.plugins.exporters import Exporter
    from ourvidz.plugins.family import ModelFamily
    from ourvidz.plugins.reviewers import OutputReviewer, RequestReviewer
    from ourvidz.plugins.worker_events import WorkerEvent
    from ourvidz.spec.job_type import JobType
    from ourvidz.spec.problems import Finding
    from ourvidz.spec.settings import Settings

hookspec = pluggy.HookspecMarker("ourvidz")
hookimpl = pluggy.HookimplMarker("ourvidz")


@hookspec
def ourvidz_model_families() -> Sequence[ModelFamily[Any]]:
    """Offer model families."""
    raise NotImplementedError


@hookspec
def ourvidz_queues() -> Sequence[Backend[Queue]]:
    """Offer queue backends by URL scheme."""
    raise NotImplementedError


@hookspec
def ourvidz_storages() -> Sequence[Backend[Storage]]:
    """Offer storage backends by URL scheme."""
    raise NotImplementedError


@hookspec
def ourvidz_callbacks() -> Sequence[Backend[Callback]]:
    """Offer callback backends by URL scheme."""
    raise NotImplementedError


@hookspec
def ourvidz_exporters() -> Sequence[Exporter]:
    """Offer generated files."""
    raise NotImplementedError


@hookspec
def ourvidz_commands() -> Sequence[click.Command]:
    """Add commands to the command line."""
    raise NotImplementedError


@hookspec
def ourvidz_request_reviewers(settings: Settings, root: Path) -> Sequence[RequestReviewer]:
    """Offer reviewers that look at every request before generation.

    ``root`` is the project's folder: relative paths in the settings start there. A reviewer that
    lacks something raises NotReady, and no worker starts.
    """
    raise NotImplementedError


@hookspec
def ourvidz_output_reviewers(settings: Settings, root: Path) -> Sequence[OutputReviewer]:
    """Offer reviewers that look at every output before upload; as for those of requests."""
    raise NotImplementedError


@hookspec
def ourvidz_check_job_type(job_type: JobType) -> Iterable[Finding]:
    """Complain about a job type, whatever its family."""
    raise NotImplementedError


@hookspec
def ourvidz_worker_event(event: WorkerEvent) -> None:
    """Learn that a worker started, loaded a model, became idle, stopped or resumed a job type, or stopped."""


@hookspec
def ourvidz_job_event(event: JobEvent) -> None:
    """Learn what became of a job, when the event of its end has been delivered; at least once for each."""
