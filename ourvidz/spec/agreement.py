"""Checks between job types: of ids, fallbacks, queues and buckets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ourvidz.spec.defaults import MIME_TYPES, bucket_entry, queue_entry
from ourvidz.spec.job_type import JobType
from ourvidz.spec.loading import Declaration, SettingsFile
from ourvidz.spec.problems import FieldPath, Finding, Problem
from ourvidz.spec.wording import one_of_known

#: Job types that could be read, by id, and where they are declared.
Declared = Mapping[str, tuple[Declaration, JobType]]


def check_ids(declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """No two job types have one id."""
    first: dict[str, Declaration] = {}
    for one in declarations:
        other = first.setdefault(one.id, one)
        if other is not one:
            where = f"{other.where}"
            yield one.document.problem(
                one.path,
                "duplicate_id",
                f"the job type {one.id} a second time",
                f"another id; the first is in {where}",
                position=one.position,
            )


def check_fallbacks(declared: Declared, known: Iterable[str]) -> Iterator[Problem]:
    """Fallbacks exist, end, take jobs, and make as many of the same kind out of the same inputs.

    ``known`` are all ids, also of job types with problems of their own.
    """
    ids = set(known)
    for declaration, job_type in declared.values():
        name = job_type.fallback
        if name is None:
            continue
        if name not in ids:
            expected = one_of_known("the id of a job type", name, ids)
            yield declaration.problem(("fallback",), "unknown_fallback", name, expected)
        elif name in declared:
            for finding in _check_fallback(job_type, declared[name][1], declared):
                yield declaration.problem(finding.field, finding.code, finding.found, finding.expected)


def _check_fallback(job_type: JobType, fallback: JobType, declared: Declared) -> Iterator[Finding]:
    path: FieldPath = ("fallback",)
    loop = _loop(job_type, declared)
    if loop:
        yield Finding(path, "fallback_loop", " → ".join(loop), "fallbacks that come to an end")
    if fallback.content_type != job_type.content_type:
        found = f"{fallback.id}, which makes {fallback.content_type}s"
        yield Finding(path, "fallback_content_type", found, f"one that makes {job_type.content_type}s")
    if job_type.takes_jobs and not fallback.takes_jobs:
        found = f"{fallback.id}, which is {fallback.status}"
        yield Finding(path, "fallback_takes_no_jobs", found, "an active job type")
    missing = set(fallback.required_inputs) - set(job_type.required_inputs)
    if missing:
        found = f"{fallback.id}, which requires an {', '.join(sorted(missing))}"
        yield Finding(path, "fallback_needs_input", found, f"one that needs no more than {job_type.id}")
    lacking = [size for size in job_type.batch_sizes if size not in fallback.batch_sizes]
    if lacking and fallback.content_type == job_type.content_type:
        found = f"{fallback.id}, which offers no batch of {' or '.join(map(str, lacking))}"
        wanted = f"one with every batch of {job_type.id}: {', '.join(map(str, job_type.batch_sizes))}"
        yield Finding(path, "fallback_lacks_batch", found, wanted)


def _loop(start: JobType, declared: Declared) -> list[str]:
    """The ids from ``start`` back to ``start``, or nothing."""
    chain = [start.id]
    while (name := declared[chain[-1]][1].fallback) in declared and name is not None:
        chain.append(name)
        if name == start.id:
            return chain
        if name in chain[:-1]:
            return []
    return []


def check_queues(declared: Declared, settings_file: SettingsFile) -> Iterator[Problem]:
    """One worker serves a queue, and an older queue is drained by one queue and filled by no job type."""
    first: dict[str, JobType] = {}
    for declaration, job_type in declared.values():
        other = first.setdefault(job_type.queue, job_type)
        if other.family != job_type.family:
            found = f"{job_type.queue}, which is {other.worker}'s queue of {other.id}"
            yield declaration.problem(
                ("queue",), "queue_of_two_workers", found, f"a queue of {job_type.worker}'s own"
            )
    drained: dict[str, str] = {}
    for name in sorted(first):
        replaced = queue_entry(settings_file.settings, name).replaces
        if replaced is None:
            continue
        if replaced in first:
            found = f"{replaced}, which {name} replaces"
            declaration = declared[first[replaced].id][0]
            yield declaration.problem(
                ("queue",), "queue_replaced", found, f"{name}, or a {name} that replaces none"
            )
        if drained.setdefault(replaced, name) != name:
            found = f"{replaced}, which {drained[replaced]} replaces as well"
            yield settings_file.document.problem(
                ("queues", name, "replaces"), "queue_replaced", found, "another queue, or no such line"
            )


def check_buckets(declared: Declared, settings_file: SettingsFile) -> Iterator[Problem]:
    """A bucket takes what its job types make: the types that it lists, or else those of the first.

    None is the bucket of users' own pictures, which whoever may upload can write to.
    """
    first: dict[str, JobType] = {}
    for declaration, job_type in declared.values():
        bucket = job_type.storage_bucket
        takes = bucket_entry(settings_file.settings, bucket).file_types
        makes = MIME_TYPES[job_type.content_type]
        other = first.setdefault(bucket, job_type)
        if bucket == settings_file.settings.input_bucket:
            found = f"{bucket}, which users put their own pictures into"
            expected = "a bucket for results, or another input_bucket in ourvidz.yaml"
            yield declaration.problem(("storage_bucket",), "bucket_of_inputs", found, expected)
        elif takes and makes not in takes:
            found = f"{bucket}, which takes {', '.join(takes)} and no {makes}"
            expected = f"a bucket for {job_type.content_type}s, or {makes} in the bucket's file_types"
            yield declaration.problem(("storage_bucket",), "bucket_conflict", found, expected)
        elif not takes and other.content_type != job_type.content_type:
            found = f"{bucket}, in which {other.id} stores {other.content_type}s"
            expected = f"a bucket for {job_type.content_type}s, or file_types for {bucket} in ourvidz.yaml"
            yield declaration.problem(("storage_bucket",), "bucket_conflict", found, expected)
