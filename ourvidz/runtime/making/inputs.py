"""Fetches the files that a request brings along, and lets nobody name somebody else's."""

from __future__ import annotations

from pathlib import Path

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.storage import ObjectKey, ObjectNotFound, Storage
from ourvidz.spec.job_type import Input, JobType


class InputRefused(RequestInvalid):
    """An input is missing, not taken, not there, or somebody else's."""

    code = "input_refused"


def check_inputs(job_type: JobType, request: Envelope) -> None:
    """Raises InputRefused for an input that is missing, not taken, or somebody else's."""
    missing = [name for name in job_type.required_inputs if name not in request.inputs]
    if missing:
        raise InputRefused(f"inputs: {job_type.id} needs {', '.join(missing)}")
    for name in request.inputs:
        if name not in (*job_type.required_inputs, *job_type.accepts):
            raise InputRefused(f"inputs.{name}: {job_type.id} does not take it")
        _owned_key(request, name)


def fetch_inputs(storage: Storage, job_type: JobType, request: Envelope, folder: Path) -> dict[Input, Path]:
    """Read every input of a request into ``folder``. Raises InputRefused, StorageUnavailable."""
    check_inputs(job_type, request)
    return {name: _fetch(storage, _owned_key(request, name), name, folder) for name in request.inputs}


def _owned_key(request: Envelope, name: Input) -> ObjectKey:
    """The input's place; its first folder is its owner, who must be the one who asks."""
    key = ObjectKey.parse(request.inputs[name])
    if not key.path.startswith(f"{request.user_id}/"):
        raise InputRefused(f"inputs.{name}: {key} does not belong to the user of this job")
    return key


def _fetch(storage: Storage, key: ObjectKey, name: Input, folder: Path) -> Path:
    file = folder / name
    try:
        file.write_bytes(storage.read(key))
    except ObjectNotFound:
        raise InputRefused(f"inputs.{name}: there is no object {key}") from None
    return file
