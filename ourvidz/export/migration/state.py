"""What the files of a migrations folder bring about: all of the catalog that a database has to know."""

from __future__ import annotations

from collections.abc import Container, Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from ourvidz.errors import OurvidzError
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.defaults import bucket_entry

#: What deployed tables allow as a quality: rows of theirs must stay as they are.
DEPLOYED_QUALITIES = ("fast", "high")


class JobTypeNotRetired(OurvidzError):
    """A job type is to be removed that still takes jobs."""

    code = "job_type_not_retired"


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobTypeState(_Recorded):
    """A job type that rows can name."""

    worker: str
    retired: bool = False


class BucketState(_Recorded):
    """A bucket; ``max_size`` is in bytes, and None where nobody gives a limit."""

    public: bool
    max_size: int | None
    file_types: tuple[str, ...]
    keeps_file_types: bool
    """Whether ``file_types`` are only what is stored there: a bucket that exists keeps its further ones."""


class State(_Recorded):
    """Mappings and tuples are sorted, so that equal states are written alike."""

    job_types: dict[str, JobTypeState] = {}
    qualities: tuple[str, ...] = ()
    buckets: dict[str, BucketState] = {}
    input_bucket: str | None = None
    readable: tuple[str, ...] = ()
    """Buckets that owners read from: those of results, and all that ever were, for what lies there."""

    @property
    def retired(self) -> tuple[str, ...]:
        return tuple(name for name, one in self.job_types.items() if one.retired)

    @cached_property
    def by_worker(self) -> Mapping[str, list[str]]:
        """Job types by the worker that makes them."""
        workers: dict[str, list[str]] = {}
        for name, one in self.job_types.items():
            workers.setdefault(one.worker, []).append(name)
        return dict(sorted(workers.items()))


def state_after(catalog: Catalog, before: State) -> State:
    """The state that the catalog asks for, after another one. Raises JobTypeNotRetired.

    Rows of planned job types cannot exist, so that these stand nowhere. What old rows and objects need
    stays from before: qualities, and buckets to read from.
    """
    met = {name: one for name, one in sorted(catalog.job_types.items()) if one.status != "planned"}
    _check_removed(before, met.keys())
    settings = catalog.settings
    has_inputs = any(one.inputs for one in met.values())
    input_bucket = settings.input_bucket if has_inputs else None
    names = {one.storage_bucket for one in met.values()} | ({input_bucket} if input_bucket else set())
    readable = {*names, *before.readable, *([before.input_bucket] if before.input_bucket else [])}
    return State(
        job_types={
            name: JobTypeState(worker=one.worker, retired=one.status == "retired")
            for name, one in met.items()
        },
        qualities=tuple(
            sorted({*DEPLOYED_QUALITIES, *before.qualities, *(one.quality_tier for one in met.values())})
        ),
        buckets={name: _bucket(catalog, name) for name in sorted(names)},
        input_bucket=input_bucket,
        readable=tuple(sorted(readable - {input_bucket})),
    )


def removed(before: State, after: State) -> tuple[str, ...]:
    """Job types that rows could name and from now on cannot."""
    return tuple(name for name in before.job_types if name not in after.job_types)


def _bucket(catalog: Catalog, name: str) -> BucketState:
    entry = catalog.buckets.get(name) or bucket_entry(catalog.settings, name)
    return BucketState(
        public=entry.privacy == "public",
        max_size=entry.max_size,
        file_types=entry.file_types,
        keeps_file_types=not bucket_entry(catalog.settings, name).file_types,
    )


def _check_removed(before: State, names: Container[str]) -> None:
    for name, one in before.job_types.items():
        if name not in names and not one.retired:
            raise JobTypeNotRetired(
                f"the job type {name}: found no file for it, or one with status: planned, and no migration "
                "that retires it; expected status: retired first. Put it back as retired, export and apply "
                "that, and remove it once its jobs have ended"
            )
