"""The two bodies that deployed callback functions read, made from our event, field by field.

What becomes of each field is data beside the code that makes the body: the documentation prints it,
and a test compares the two. A field that a body cannot say is lost, and the documentation says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from ourvidz.jobs import deployed
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.results import Asset
from ourvidz.jobs.states import JobState

#: The key of the latest body's metadata under which everything is said that has no place of its own.
OURS = "ourvidz"

_ASSETS = "result.assets[]."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body says a field of our event."""

    into: str
    """Empty: nowhere."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackShape:
    """One generation of callback functions."""

    name: str
    make: Callable[[JobEvent], dict[str, Any]]
    places: Mapping[str, Place]
    """Fields that have a place of their own; ``result.assets[].path`` is a field of every asset."""
    elsewhere: Callable[[str], Place]
    """Where all other fields are said."""

    def body(self, event: JobEvent) -> dict[str, Any] | None:
        """What the function is sent; None if this is nothing that it could be told.

        Of a running job it hears that it runs, and of no progress: without a sequence, one that
        came late would undo what came after.
        """
        return None if event.progress is not None else self.make(event)

    def place(self, field: str) -> Place:
        """Where a field of our event is said, by its name of :func:`event_fields`."""
        return self.places.get(field) or self.elsewhere(field)


def event_fields(model: type[BaseModel] = JobEvent, prefix: str = "") -> Iterator[str]:
    """The names of all fields of our event, those inside of others as ``result.assets[].path``."""
    for name, field in model.model_fields.items():
        inner = _model_in(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            many = "[]" if get_origin(field.annotation) is tuple else ""
            yield from event_fields(inner, f"{prefix}{name}{many}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


#: Deployed tables know no other states.
_STATUS: Mapping[JobState, JobState] = MappingProxyType({"cancelled": "failed"})

_STATUS_NOTE = "cancelled becomes failed: deployed tables know no such state"
_MESSAGE_NOTE = "of a cancelled job: that it was cancelled"
_NO_PROGRESS = "the function is told that a job runs, not how far it is"


def _message(event: JobEvent) -> str | None:
    if event.status == "cancelled":
        return "cancelled by its user"
    return event.error.message if event.error else None


def _july_2025(event: JobEvent) -> dict[str, Any]:
    body: dict[str, Any] = {"jobId": event.job_id, "status": _STATUS.get(event.status, event.status)}
    if event.result is not None:
        paths = [asset.path for asset in event.result.assets]
        body |= {"filePath": paths[0]} if len(paths) == 1 else {"imageUrls": paths}
    if (message := _message(event)) is not None:
        body["errorMessage"] = message
    return body


def _latest(event: JobEvent) -> dict[str, Any]:
    said: dict[str, Any] = {
        "job_id": True,
        "status": True,
        "metadata": True,
        "progress": True,
        "result": {"assets"},
    }
    ours = event.model_dump(mode="json", exclude=said, exclude_none=True)
    return {
        "job_id": event.job_id,
        "status": _STATUS.get(event.status, event.status),
        "assets": [_latest_asset(asset) for asset in event.result.assets] if event.result else [],
        "error_message": _message(event),
        "metadata": {**event.metadata, OURS: ours},
    }


def _latest_asset(asset: Asset) -> dict[str, Any]:
    return {
        "type": asset.type,
        "url": asset.path,
        "thumbnail_url": asset.thumbnail and asset.thumbnail.path,
        "metadata": asset.model_dump(mode="json", exclude={"type", "path"}, exclude_none=True),
    }


def _lost(field: str) -> Place:
    return Place("", _NO_PROGRESS if field.startswith("progress.") else "")


def _in_metadata(field: str) -> Place:
    if field.startswith("progress."):
        return Place("", _NO_PROGRESS)
    if field.startswith(_ASSETS):
        return Place(f"assets[].metadata.{field.removeprefix(_ASSETS)}")
    return Place(f"metadata.{OURS}.{field}")


JULY_2025 = CallbackShape(
    name=deployed.JULY_2025.name,
    make=_july_2025,
    places=MappingProxyType(
        {
            "job_id": Place("jobId"),
            "sequence": Place("", "the function must take events as they come"),
            "status": Place("status", _STATUS_NOTE),
            "effective_job_type": Place("", "with on_failure: fallback, the bucket cannot be found by it"),
            "error.message": Place("errorMessage", _MESSAGE_NOTE),
            "result.assets[].bucket": Place("", "the function finds it by the job's type"),
            "result.assets[].path": Place(
                "filePath or imageUrls[]", "filePath of one file, imageUrls of several; without the bucket"
            ),
        }
    ),
    elsewhere=_lost,
)

LATEST = CallbackShape(
    name=deployed.LATEST.name,
    make=_latest,
    places=MappingProxyType(
        {
            "job_id": Place("job_id"),
            "status": Place("status", _STATUS_NOTE),
            "error.message": Place("error_message", _MESSAGE_NOTE),
            "metadata": Place("metadata", f"beside the key {OURS}, which is ours"),
            "result.assets[].type": Place("assets[].type"),
            "result.assets[].path": Place("assets[].url", "without the bucket"),
            "result.assets[].thumbnail.path": Place("assets[].thumbnail_url", "without the bucket"),
        }
    ),
    elsewhere=_in_metadata,
)

SHAPES = MappingProxyType({shape.name: shape for shape in (JULY_2025, LATEST)})
