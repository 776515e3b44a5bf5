"""Where a person finds what a job left behind."""

from __future__ import annotations

from ourvidz.jobs.callback import Callback
from ourvidz.jobs.results import Result
from ourvidz.jobs.storage import ObjectKey, Storage
from ourvidz.project import Project
from ourvidz.runtime.backends import open_callback, open_storage


def project_places(project: Project, job_id: str, result: Result | None) -> list[str]:
    """The same as :func:`result_places`, for whoever holds no open backends."""
    storage, callback = open_storage(project), open_callback(project)
    try:
        return result_places(storage, callback, job_id, result)
    finally:
        storage.close()
        callback.close()


def result_places(storage: Storage, callback: Callback, job_id: str, result: Result | None) -> list[str]:
    """Paths or URLs of every image or video, its thumbnail, and the job's record."""
    places = []
    for asset in result.assets if result else ():
        files = (asset,) if asset.thumbnail is None else (asset, asset.thumbnail)
        places += [storage.locate(ObjectKey(file.bucket, file.path)) for file in files]
    record = callback.locate(job_id)
    return places if record is None else [*places, record]
