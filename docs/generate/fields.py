"""Tables of the fields of everything that is read from YAML or crosses the wire, from its model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from ourvidz.jobs.envelope import Envelope
from ourvidz.jobs.events import JobEvent, Progress
from ourvidz.jobs.requests import ASKED_AND_ANSWERED, FieldProblem, JobRequest
from ourvidz.jobs.results import Asset, Fallback, Result, StoredFile
from ourvidz.jobs.signing import DownloadRequest, SignedUrl, UploadRequest
from ourvidz.jobs.states import Failure, Reason
from ourvidz.jobs.wire import EXPECTED
from ourvidz.spec.expectations import expectation
from ourvidz.spec.identifiers import IDENTIFIER_RULE
from ourvidz.spec.job_type import Display, InitImage, JobType, Limits, Lora, Override, Vram
from ourvidz.spec.problems import FieldPath
from ourvidz.spec.settings import (
    Backends,
    BreakerEntry,
    BucketEntry,
    CallbackEntry,
    EnvironmentEntry,
    ModelEntry,
    Profile,
    QueueEntry,
    Review,
    Settings,
    UpEntry,
    WorkerEntry,
)

from .tables import code, table

#: Every model that has a table. Where a field holds another one of them, it links to the heading of its name.
MODELS: tuple[type[BaseModel], ...] = (
    *(JobType, Override, Display, InitImage, Lora, Limits, Vram),
    *(Settings, ModelEntry, QueueEntry, BucketEntry, WorkerEntry, Profile, Backends, CallbackEntry, Review),
    *(BreakerEntry, UpEntry, EnvironmentEntry),
    *(Envelope, JobEvent, Progress, Failure, Reason, Result, Fallback, Asset, StoredFile),
    *(UploadRequest, DownloadRequest, SignedUrl),
    *ASKED_AND_ANSWERED,
    FieldProblem,
)


def parts() -> dict[str, str]:
    return {f"fields of {model.__name__}": _fields(model) for model in MODELS}


def _fields(model: type[BaseModel]) -> str:
    schema = model.model_json_schema()
    required = schema.get("required", ())
    defaults = model.model_construct().model_dump(mode="json", by_alias=True)
    rows = []
    for name, field in schema["properties"].items():
        if "description" not in field:
            raise ValueError(f"{model.__name__}.{name} has no description")
        default = "required" if name in required else _default(defaults[name])
        rows.append((code(name), _takes(model, name, field), default, field["description"]))
    return table(("field", "takes", "default", "meaning"), rows)


def _default(value: Any) -> str:
    """A default as YAML and JSON have it; nothing for one that is no value."""
    if value is None or value == "" or isinstance(value, list | dict):
        return ""
    return code(value if isinstance(value, str) else json.dumps(value))


def _takes(model: type[BaseModel], name: str, field: dict[str, Any]) -> str:
    """What a field takes, in the words of the messages that refuse everything else."""
    if model is Envelope or (model is JobRequest and field.get("type") == "object"):
        return EXPECTED[name]
    inner = next((one for one in MODELS if one.__name__ in _references(field)), None)
    link = f"[{inner.__name__}](#{inner.__name__.lower()})" if inner else ""
    many, path = _repeated(field)
    if many:
        return f"{many} {link or _in_words(model, (name, *path))}"
    return link or _in_words(model, (name,))


def _in_words(model: type[BaseModel], path: FieldPath) -> str:
    return expectation(model, path).replace(IDENTIFIER_RULE, "a name") or "anything"


def _repeated(field: dict[str, Any]) -> tuple[str, FieldPath]:
    """How a list or mapping begins in words, and the path of one of its entries."""
    if field.get("type") == "array":
        return "a list of:", (0,)
    entries = field.get("additionalProperties") or field.get("patternProperties")
    return ("by name:", ("name",)) if entries and field.get("type") == "object" else ("", ())


def _references(node: Any) -> Iterator[str]:
    """The names of all models that a schema refers to."""
    if isinstance(node, list):
        for one in node:
            yield from _references(one)
    elif isinstance(node, dict):
        for key, one in node.items():
            if key == "$ref":
                yield one.rpartition("/")[2]
            else:
                yield from _references(one)
