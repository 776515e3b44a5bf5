"""What whoever wants pictures does: submit, ask, wait, cancel."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import LOCAL_USER, EnvelopeInvalid
from ourvidz.jobs.estimates import remaining_seconds
from ourvidz.jobs.events import Progress
from ourvidz.jobs.queue import JobNotFound, JobRecord, Queue, QueueDepth, QueueUnavailable
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import FINAL, Failure, JobState, Wire
from ourvidz.jobs.stops import StoppedJobType
from ourvidz.jobs.storage import ObjectKey
from ourvidz.jobs.wire import make_envelope, read_envelope
from ourvidz.plugins.parameters import resolve_parameters
from ourvidz.project import Project
from ourvidz.runtime.backends import open_queue
from ourvidz.runtime.making.inputs import InputRefused, check_inputs
from ourvidz.runtime.making.requests import check_takes_jobs, seeds
from ourvidz.runtime.own_pictures import OwnPicture

#: How often a waiting client looks, in seconds.
LOOK_INTERVAL = 0.1

#: How many of the newest dead letters are looked through for a job that the queue does not know.
LETTERS_SEARCHED = 1000


class JobStatus(Wire):
    """A job as a frontend shows it: the plan's JobStatus and what became of the job."""

    job_id: str = Field(serialization_alias="jobId")
    job_type: str = Field(serialization_alias="jobType")
    effective_job_type: str = Field(serialization_alias="effectiveJobType")
    status: JobState
    estimated_time: float = Field(serialization_alias="estimatedTime", description="Seconds until done.")
    queue_position: int | None = Field(
        serialization_alias="queuePosition", description="1: next to start; None if it does not wait."
    )
    worker_type: str | None = Field(
        serialization_alias="workerType", description="None if its job type is not in the catalog any more."
    )
    attempt: int
    submitted_at: float = Field(serialization_alias="submittedAt", description="Seconds since the epoch.")
    started_at: float | None = Field(serialization_alias="startedAt")
    finished_at: float | None = Field(serialization_alias="finishedAt")
    progress: Progress | None = Field(description="None if it does not run.")
    result: Result | None
    error: Failure | None
    stopped_on: tuple[str, ...] = Field(
        serialization_alias="stoppedOn",
        description="Workers that take no jobs of its type for a while, where it waits.",
    )

    def as_json(self) -> dict[str, Any]:
        """As JSON, under the plan's names; what there is none of is left out."""
        values = self.model_dump(mode="json", by_alias=True)
        return {name: value for name, value in values.items() if value is not None and value != []}


class Client:
    """Talks to the queue of a project. Get one from :meth:`open`."""

    def __init__(self, project: Project, queue: Queue) -> None:
        self.project = project
        self.queue = queue

    @classmethod
    @contextmanager
    def open(cls, project: Project) -> Iterator[Client]:
        """Connect to the project's queue. Raises BackendUnknown, QueueUnavailable."""
        queue = open_queue(project)
        try:
            yield cls(project, queue)
        finally:
            queue.close()

    def submit(
        self,
        job_type: str,
        *,
        prompt: str,
        negative_prompt: str | None = None,
        seed: int | None = None,
        num_images: int = 1,
        params: Mapping[str, bool | int | float | str] | None = None,
        inputs: Mapping[str, str] | None = None,
        image: Path | str | None = None,
        user_id: str = LOCAL_USER,
        priority: int = 0,
        metadata: Mapping[str, JsonValue] | None = None,
    ) -> str:
        """Put a job into its queue and return its id; on return it is durable.

        ``image`` is a picture on this machine: it is put into storage as the input init_image. What
        the job type or its family does not take is refused here, before anything is stored or queued.
        Raises UnknownJobType, RequestInvalid and its kin, QueueUnavailable, and with an image
        StorageUnavailable and StorageRefused.
        """
        spec = self.project.catalog[job_type]
        check_takes_jobs(spec)
        if image is not None and "init_image" in (inputs or {}):
            raise InputRefused("inputs.init_image: found a storage key and an image, expected one of the two")
        picture = None if image is None else OwnPicture.read(Path(image), spec)
        values = {
            "job_id": str(uuid.uuid4()),
            "job_type": job_type,
            "user_id": user_id,
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "seed": seed,
            "num_images": num_images,
            "params": dict(params or {}),
            "inputs": dict(inputs or {}),
            "spec_digest": spec.digest,
            "priority": priority,
            "submitted_at": datetime.now(UTC),
            "metadata": dict(metadata or {}),
        }
        with _refusing():
            envelope = make_envelope(values)
        if picture is not None:
            key = picture.place(self.project, envelope)
            envelope = envelope.model_copy(update={"inputs": {**envelope.inputs, "init_image": str(key)}})
        resolve_parameters(self.project.family(spec.family), spec, envelope)
        seeds(envelope)
        check_inputs(spec, envelope, urls=self.project.settings.input_urls)
        payload = envelope.to_payload()
        with _refusing():
            # As the queue will read it: whoever holds an id must have a job.
            read_envelope(payload)
        if picture is None:
            self.queue.push(spec.queue, payload)
        else:
            picture.put(self.project, key)
            with _keeping(key):
                self.queue.push(spec.queue, payload)
        return envelope.job_id

    def status(self, job_id: str) -> JobStatus:
        """Look a job up. Raises JobNotFound, naming the dead letter if the payload never became a job."""
        try:
            return self._statuses([self.queue.job(job_id)])[0]
        except JobNotFound as error:
            letters = self.queue.dead_letters.list(limit=LETTERS_SEARCHED)
            mine = next((one for one in letters if one.job_id == job_id), None)
            if mine is None:
                raise
            hint = f"its payload is dead letter {mine.id}, see `ourvidz dead-letters show {mine.id}`"
            raise JobNotFound(f"{error}; {hint}: {mine.failure.message}") from None

    def jobs(
        self,
        *,
        state: JobState | None = None,
        queue: str | None = None,
        job_type: str | None = None,
        limit: int = 50,
    ) -> list[JobStatus]:
        """The newest jobs first."""
        found = self.queue.jobs(state=state, queue=queue, job_type=job_type, limit=limit)
        return self._statuses(found)

    def depths(self) -> list[QueueDepth]:
        """Every queue of the catalog, and those that hold jobs beside."""
        held = {depth.queue: depth for depth in self.queue.depths()}
        empty = {
            name: QueueDepth(queue=name, waiting={}, delayed=0, processing=0, oldest_seconds=None)
            for name in self.project.catalog.queues
        }
        return [depth for _, depth in sorted((empty | held).items())]

    def wait(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        on_change: Callable[[JobStatus], None] = lambda _: None,
    ) -> JobStatus:
        """Block until a job has ended, telling every change. Raises JobNotFound, and TimeoutError."""
        deadline = None if timeout is None else time.monotonic() + timeout
        seen: JobStatus | None = None
        while True:
            status = self.status(job_id)
            if status != seen:
                on_change(status)
                seen = status
            if status.status in FINAL:
                return status
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"job {job_id} is still {status.status} after {timeout:g} s")
            time.sleep(LOOK_INTERVAL)

    def _statuses(self, jobs: Sequence[JobRecord]) -> list[JobStatus]:
        stops = self.queue.stops.list() if any(job.state == "queued" for job in jobs) else []
        return [self._status(job, stops) for job in jobs]

    def _status(self, job: JobRecord, stops: Sequence[StoppedJobType]) -> JobStatus:
        catalog = self.project.catalog
        spec = catalog.job_types.get(job.effective_job_type)
        ahead = self.queue.ahead(job.job_id) if job.state == "queued" else None
        return JobStatus(
            job_id=job.job_id,
            job_type=job.job_type,
            effective_job_type=job.effective_job_type,
            status=job.state,
            estimated_time=round(remaining_seconds(self.queue, catalog, job, ahead), 1),
            queue_position=None if ahead is None else sum(ahead.values()) + 1,
            worker_type=spec.worker if spec else None,
            attempt=job.attempt,
            submitted_at=job.submitted_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            progress=job.progress if job.state == "processing" else None,
            result=job.result,
            error=job.error,
            stopped_on=tuple(
                one.worker
                for one in stops
                if job.state == "queued" and one.job_type == job.effective_job_type
            ),
        )


@contextmanager
def _refusing() -> Iterator[None]:
    """What is no envelope is a request that cannot be served. Raises RequestInvalid."""
    try:
        yield
    except EnvelopeInvalid as error:
        raise RequestInvalid(str(error)) from None


@contextmanager
def _keeping(key: ObjectKey) -> Iterator[None]:
    """Say where the picture is if the job did not reach the queue, or nobody knows whether it did.

    It is not deleted: a job that did reach the queue needs it. Raises QueueUnavailable.
    """
    try:
        yield
    except QueueUnavailable as error:
        raise QueueUnavailable(
            f"{error}; the picture stays in storage, so submit again with the input init_image={key} "
            "in place of the image"
        ) from error
