"""From a claimed job to its result: read, review, generate, check, review again, encode, store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Fallback, Result
from ourvidz.jobs.states import Reason
from ourvidz.jobs.storage import Storage
from ourvidz.jobs.wire import read_envelope
from ourvidz.plugins.device_errors import OutOfMemory, device_errors, forget_frames
from ourvidz.plugins.family import GenerationRequest, JobContext, ModelFamily, Output
from ourvidz.plugins.parameters import adopt_request, resolve_parameters
from ourvidz.plugins.reviewers import ReviewedRequest
from ourvidz.runtime.making.encoding import EncodedArtifact, encode
from ourvidz.runtime.making.inputs import fetch_inputs
from ourvidz.runtime.making.outputs import check_artifacts
from ourvidz.runtime.making.requests import check_takes_jobs, seeds
from ourvidz.runtime.making.resident_models import ResidentModels
from ourvidz.runtime.making.review import Review
from ourvidz.runtime.making.storing import ResultStore
from ourvidz.runtime.making.videos import require_encoder
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Profile

log = logging.getLogger(__name__)

T = TypeVar("T")


class MakingContext(JobContext, Protocol):
    """What the maker needs beside what the model sees."""

    def generating(self) -> AbstractContextManager[None]:
        """While this lasts, a worker that must stop at once may break off wherever it is."""
        ...


@dataclass(slots=True)
class Stopwatch:
    """Measures the stages of a job, in seconds."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 4)

    def include(self, seconds: Mapping[str, float]) -> None:
        """Take over what the model measured; of a stage of the same name, our own time stays."""
        self.seconds = {**self.seconds, **seconds, **self.seconds}


@dataclass(frozen=True, slots=True)
class Job:
    """A claim that was read, with the job type that makes it."""

    claim: Claim
    request: Envelope
    job_type: JobType
    because: Reason | None = None
    """Where a fallback makes it: why the job type that was asked for did not."""


def read_job(claim: Claim, catalog: Catalog, because: Reason | None = None) -> Job:
    """Read a claim's payload and look its job type up; ``because`` as in :class:`Job`.

    Raises EnvelopeInvalid, UnknownJobType, and JobTypeInactive.
    """
    request = read_envelope(claim.payload)
    job_type = catalog[claim.job_type]
    check_takes_jobs(job_type)
    return Job(claim, request, job_type, because)


@dataclass(frozen=True, slots=True)
class NamedProfile:
    """A profile, and what ``ourvidz.yaml`` calls it."""

    name: str
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Everything that it takes to make the jobs of one family."""

    family: ModelFamily[Any]
    models: ResidentModels
    storage: Storage
    review: Review
    profile: NamedProfile | None

    def make(self, job: Job, catalog: Catalog, context: MakingContext) -> Result:
        """Make a job and store what came out.

        Raises whatever is wrong with the request, the model, its output or the storage.
        """
        request, job_type, watch = job.request, job.job_type, Stopwatch()
        fallback = None
        if job.because is not None:
            request, dropped = adopt_request(self.family, job_type, request)
            fallback = Fallback(because=job.because, dropped=dropped)
        parameters = resolve_parameters(self.family, job_type, request)
        if self.profile is not None:
            parameters = self.family.reduce(parameters, self.profile.profile)
        if parameters.length is not None:
            require_encoder()
        reviewed = ReviewedRequest(
            job_type=job_type,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt
            if request.negative_prompt is not None
            else job_type.negative_prompt,
            inputs=fetch_inputs(
                self.storage, job_type, request, context.folder, urls=catalog.settings.input_urls
            ),
        )
        reviews = self.review.request(reviewed)
        context.step("load", 0, 0)
        name = catalog.model_name(job_type)
        with watch.stage("load"):
            model = self._in_memory(name, lambda: self.models.get(name, catalog.models[name]))
        asked = GenerationRequest(
            job_type=job_type, parameters=parameters, seeds=seeds(request), inputs=reviewed.inputs
        )
        with watch.stage("generate"), context.generating():
            output = self._in_memory(name, lambda: model.generate(asked, context))
        watch.include(output.seconds)
        with watch.stage("check"):
            check_artifacts(
                output.artifacts,
                seeds=seeds(request),
                size=parameters.resolution,
                length=parameters.length,
            )
        reviews |= self.review.output(reviewed, output.artifacts)
        context.step("encode", 0, 0)
        with watch.stage("encode"):
            encoded = _encode(job, output, context.folder)
        context.step("store", 0, 0)
        with watch.stage("store"):
            bucket = catalog.buckets[job_type.storage_bucket]
            store = ResultStore(self.storage, bucket, job_type, request, job.claim.lease)
            assets = tuple(map(store.put, encoded))
        return Result(
            job_type=request.job_type,
            effective_job_type=job_type.id,
            fallback=fallback,
            spec_digest=job_type.digest,
            submitted_digest=request.spec_digest,
            attempt=job.claim.attempt,
            assets=assets,
            parameters=dict(output.effective),
            profile=None if self.profile is None else self.profile.name,
            fingerprint=dict(model.fingerprint),
            reviews=reviews,
            seconds=watch.seconds,
            peak_memory=output.peak_memory,
        )

    def _in_memory(self, model: str, work: Callable[[], T]) -> T:
        """Let a model work, and once more if the GPU had no room. Raises OutOfMemory, DeviceLost."""
        try:
            with device_errors():
                return work()
        except OutOfMemory as error:
            log.warning("%s: %s; trying once more with everything else put out of it", model, error)
            # As long as anybody remembers the error, a log among them, so is what the model held.
            forget_frames(error)
        self.models.free_memory(model)
        with device_errors():
            return work()


def _encode(job: Job, output: Output, folder: Path) -> list[EncodedArtifact]:
    """Encode everything; each file itself says how it was made."""
    job_type = job.job_type
    known = {
        **output.effective,
        "job_type": job_type.id,
        "spec_digest": job_type.digest,
        "prompt": job.request.prompt,
    }
    return [
        encode(artifact, parameters=known, thumbnail=job_type.thumbnail, folder=folder)
        for artifact in output.artifacts
    ]
