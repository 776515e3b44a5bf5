"""The jobs that are measured: one prompt, different seeds, and a picture where one is needed."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, datetime

from ourvidz.jobs.envelope import LOCAL_USER, Envelope
from ourvidz.jobs.queue import Claim, Lease
from ourvidz.jobs.storage import ObjectKey, Storage
from ourvidz.plugins.parameters import ParameterRefused, resolve_parameters
from ourvidz.project import Project
from ourvidz.runtime.making.inputs import check_inputs
from ourvidz.runtime.making.requests import check_takes_jobs
from ourvidz.spec.job_type import JobType
from ourvidz.spec.units import Resolution

#: Text encoders read every short prompt at one length, so that one is as good as another.
PROMPT = "a lighthouse on a cliff at sunset, golden light, calm sea"


def check_job(project: Project, job_type: JobType, *, images: int) -> None:
    """Raises JobTypeInactive, and RequestInvalid and its kin for what a client would refuse."""
    check_takes_jobs(job_type)
    if images not in job_type.batch_sizes:
        sizes = ", ".join(map(str, job_type.batch_sizes))
        raise ParameterRefused(f"{job_type.id}: found {images} images a job, expected one of {sizes}")
    request = _request(project, job_type, images=images, seed=0)
    resolve_parameters(project.family(job_type.family), job_type, request)
    check_inputs(job_type, request, urls=False)


def write_claim(project: Project, job_type: JobType, storage: Storage, *, images: int, seed: int) -> Claim:
    """What a worker would have taken off the queue, its inputs already in storage."""
    request = _request(project, job_type, images=images, seed=seed)
    for key in request.inputs.values():
        storage.put(ObjectKey.parse(key), _picture(job_type.resolution), content_type="image/png")
    return Claim(
        lease=Lease(job_id=request.job_id, token=1),
        queue=job_type.queue,
        job_type=job_type.id,
        rerouted=False,
        attempt=1,
        payload=request.to_payload(),
    )


def _request(project: Project, job_type: JobType, *, images: int, seed: int) -> Envelope:
    job_id = str(uuid.uuid4())
    folder = f"{project.settings.input_bucket}/{LOCAL_USER}"
    return Envelope(
        job_id=job_id,
        job_type=job_type.id,
        user_id=LOCAL_USER,
        prompt=PROMPT,
        seed=seed,
        num_images=images,
        inputs={name: f"{folder}/{job_id}-{name}.png" for name in job_type.required_inputs},
        spec_digest=job_type.digest,
        submitted_at=datetime.now(UTC),
    )


def _picture(size: Resolution) -> bytes:
    """A PNG with another gradient in each colour."""
    from PIL import Image

    across, around = Image.linear_gradient("L"), Image.radial_gradient("L")
    picture = Image.merge("RGB", (across, around, across.rotate(90)))
    file = io.BytesIO()
    picture.resize((size.width, size.height)).save(file, "PNG")
    return file.getvalue()
