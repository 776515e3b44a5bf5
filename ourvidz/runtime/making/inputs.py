"""Fetches the files that a request brings along, and lets nobody name somebody else's."""

from __future__ import annotations

from pathlib import Path

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.inputs import is_url
from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, Storage
from ourvidz.plugins.init_images.header import read_header
from ourvidz.runtime.making.fetching import Internet
from ourvidz.spec.job_type import Input, JobType


class InputRefused(RequestInvalid):
    """An input is missing, not taken, not there, or somebody else's."""

    code = "input_refused"


def check_inputs(job_type: JobType, request: Envelope, *, urls: bool) -> None:
    """Raises InputRefused for an input that is missing, not taken, or somebody else's.

    ``urls``: whether inputs may be named by URL, as ``ourvidz.yaml`` says.
    """
    missing = [name for name in job_type.required_inputs if name not in request.inputs]
    if missing:
        raise InputRefused(f"inputs: {job_type.id} needs {', '.join(missing)}")
    for name in request.inputs:
        if name not in job_type.inputs:
            raise InputRefused(f"inputs.{name}: {job_type.id} does not take it")
        if not is_url(request.inputs[name]):
            _owned_key(request, name)
        elif not urls:
            raise InputRefused(
                f"inputs.{name}: found a URL, expected a storage key; `input_urls: true` in ourvidz.yaml "
                "allows URLs"
            )


def fetch_inputs(
    storage: Storage,
    job_type: JobType,
    request: Envelope,
    folder: Path,
    *,
    urls: bool,
    internet: Internet = Internet(),  # noqa: B008  immutable
) -> dict[Input, Path]:
    """Read every input of a request into ``folder``; each is a picture that the job type's rules allow.

    What is looked at here is a picture's header: reviewers, and whatever they open it with, never see
    a file that is none or is too large. Raises InputRefused, InputInvalid, StorageUnavailable, and for
    URLs UrlRefused and InputUnavailable.
    """
    check_inputs(job_type, request, urls=urls)
    files: dict[Input, Path] = {}
    for name in request.inputs:
        rules = job_type.picture_rules
        place, limit = request.inputs[name], rules.max_size + 1
        if is_url(place):
            data = internet.fetch(place, limit=limit, name=f"inputs.{name}")
        else:
            # Any object of the user's may be named, such as a long video.
            data = _read(storage, _owned_key(request, name), name, limit=limit)
        read_header(f"inputs.{name}", data, rules)
        files[name] = folder / name
        files[name].write_bytes(data)
    return files


def _owned_key(request: Envelope, name: Input) -> ObjectKey:
    """The input's place; its first folder is its owner, who must be the one who asks."""
    key = ObjectKey.parse(request.inputs[name])
    if not key.path.startswith(f"{request.user_id}/"):
        raise InputRefused(f"inputs.{name}: {key} does not belong to the user of this job")
    return key


def _read(storage: Storage, key: ObjectKey, name: Input, *, limit: int) -> bytes:
    try:
        return storage.read(key, limit=limit)
    except ObjectNotFound:
        raise InputRefused(f"inputs.{name}: there is no object {key}") from None
