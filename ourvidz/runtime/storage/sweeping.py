"""Finds and deletes what claims have stored that did not win: nothing refers to it any more."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from ourvidz.jobs.queue import JobNotFound, JobRecord, Queue
from ourvidz.jobs.states import FINAL
from ourvidz.jobs.storage import ObjectKey, ResultName, Storage
from ourvidz.spec.catalog import Catalog


def losers(storage: Storage, queue: Queue, catalog: Catalog) -> Iterator[ObjectKey]:
    """Objects of claims that did not win, in the buckets of all job types.

    Only an object that a claim has named counts, and only if its job has ended: a job that waits or
    runs may still refer to it, and one that the queue does not know may have completed long ago. Of
    each job the objects are listed before the job is looked at. So what a retry, which may begin at any
    moment, stores afterwards is not among them. Raises StorageUnavailable, QueueUnavailable.
    """
    for bucket in sorted({one.storage_bucket for one in catalog.job_types.values()}):
        named = ((key, name) for key in storage.list(bucket) if (name := ResultName.of(key)) is not None)
        for (user_id, job_id), group in groupby(named, key=lambda one: (one[1].user_id, one[1].job_id)):
            keys = [key for key, _ in group]
            try:
                job = queue.job(job_id)
            except JobNotFound:
                continue
            if job.user_id == user_id and job.state in FINAL:
                yield from sorted(set(keys) - _kept(job))


def sweep(storage: Storage, queue: Queue, catalog: Catalog) -> Iterator[ObjectKey]:
    """Delete :func:`losers`; gives each after it has gone. Raises as that does."""
    for key in losers(storage, queue, catalog):
        storage.delete(key)
        yield key


def _kept(job: JobRecord) -> set[ObjectKey]:
    """What a job's result refers to; nothing, if it has none."""
    assets = job.result.assets if job.result is not None else ()
    files = [file for asset in assets for file in (asset, asset.thumbnail) if file is not None]
    return {ObjectKey(file.bucket, file.path) for file in files}
