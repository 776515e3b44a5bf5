"""Bodies that are almost right, and what Python says of them: the validators in TypeScript must say the same.

Left out is what JavaScript cannot tell: ``1.0`` from ``1``, and whole numbers beyond 2^53.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

from hypothesis import assume
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from ourvidz.errors import OurvidzError
from ourvidz.jobs.envelope import MAX_SEED
from ourvidz.jobs.events import JobEvent
from ourvidz.jobs.requests import CancelRequest, JobRequest
from ourvidz.jobs.signing import DownloadRequest, UploadRequest
from ourvidz.jobs.states import Failure, Reason
from ourvidz.jobs.strict_json import MAX_DEPTH, NotJson, parse_json
from ourvidz.jobs.wire import make_envelope, read_envelope
from ourvidz.plugins.family import GenerationParameters, ModelFamily, VideoLength
from ourvidz.plugins.parameters import resolve_parameters
from ourvidz.runtime.making.inputs import check_inputs
from ourvidz.runtime.making.requests import check_takes_jobs, seeds
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.consistency import check_consistency
from ourvidz.spec.identifiers import Identifier
from ourvidz.spec.job_type import JobType, Lora
from tests.conformance.jobs import FULL_RESULT, SUBMITTED, USER, envelope, job_id

Body = dict[str, Any]


def nested(levels: int) -> Any:
    """A list within a list, so many times."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


_COMPLETED = JobEvent(
    job_id=job_id(1), sequence=1, status="completed", at=SUBMITTED, user_id=USER, result=FULL_RESULT
)
_FAILED = JobEvent(
    job_id=job_id(1),
    sequence=1_999_999,
    status="failed",
    at=datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC),
    started_at=SUBMITTED,
    error=Failure(code="output_invalid", message="black", before=Reason(code="late", message="")),
)

#: One right body, or several, of each kind.
RIGHT: dict[str, tuple[Body, ...]] = {
    "Envelope": (
        json.loads(envelope(1).to_payload()),
        json.loads(envelope(2).to_payload())
        | {"seed": 7, "params": {"steps": 20}, "metadata": {"a": [1, None]}},
    ),
    "JobEvent": tuple(json.loads(one.model_dump_json()) for one in (_COMPLETED, _FAILED)),
    "UploadRequest": (
        json.loads(
            UploadRequest(
                job_id=job_id(0), token=3, key=f"a/{USER}/b.png", content_type="image/png", size=7
            ).model_dump_json()
        ),
    ),
    "DownloadRequest": ({"key": f"init_images/{USER}/a.png"},),
    "CancelRequest": ({"job_id": job_id(1)},),
}

_PARAMS: list[Any] = [{"steps": None}, {"Steps": 1}, {"__proto__": 1}, {"a": True}, []]
_ERRORS: list[Any] = [{"code": "Out Of Memory", "message": ""}, {"code": "a"}, []]

#: Bodies that are right or wrong for a reason worth naming, of each kind: fields to change.
NAMED: dict[str, tuple[Body, ...]] = {
    "Envelope": (
        *({"version": one} for one in (2, True, "1", None)),
        *({"job_id": one} for one in ("7", job_id(1).replace("-", ""), job_id(1).upper(), f"{job_id(1)}\n")),
        *({"job_type": one} for one in ("SDXL", "a\n", "a" * 63, "a" * 64, "constructor", "__proto__")),
        *(
            {"prompt": one}
            for one in ("", "x" * 10_000, "x" * 10_001, "🍑" * 10_000, "🍑" * 10_001, "\ud800")
        ),
        *({"seed": one} for one in (-1, 1.5, MAX_SEED, "0x10", "", str(MAX_SEED), str(MAX_SEED + 1), "007")),
        *({"num_images": one} for one in (0, 1, 16, 17, "1", True)),
        *({"params": one} for one in _PARAMS),
        *(
            {"inputs": {"init_image": one}}
            for one in (
                "a/b",
                "a/.b",
                "a/../b",
                "a",
                "a/" + "b" * 129,
                "a" + "/b" * 512,
                "a/b" + "/c" * 512,
                "http://example.org/a",
                "https://example.org/a?b=~",
                'https://example.org/"',
                "https://example.org/#a",
                "https://user@example.org/",
                "https://",
            )
        ),
        {"inputs": {"picture": "a/b"}},
        *(
            {"submitted_at": one}
            for one in (
                "2025-02-30T00:00:00Z",
                "2024-02-29T00:00:00Z",
                "2025-02-29T00:00:00Z",
                "2025-04-31T00:00:00Z",
                "2025-07-01T24:00:00Z",
                "2025-07-01T12:00:60Z",
                "2025-07-01T12:00:00",
                "2025-07-01T12:00:00.123456789Z",
                "2025-07-01T12:00:00+23:59",
                "2025-07-01T12:00Z",
                "1999-12-31T23:59:59Z",
                "2999-12-31T23:59:59-12:00",
                1751371200,
            )
        ),
        *(
            {"metadata": metadata}
            for metadata in (nested(MAX_DEPTH - 1), {"a": nested(MAX_DEPTH - 2)}, {"\ud800": 1})
        ),
        *({"metadata": {"a": one}} for one in (nested(MAX_DEPTH - 1), 10**18, 10**19, 1e22, 1e300)),
        {"metadata": {"__proto__": {}, "constructor": None}},
        {"surprise": 1},
    ),
    "JobEvent": (
        *({"version": one} for one in (1, 2, True)),
        *({"sequence": one} for one in (0, 1, MAX_SEED, "1", 1.5, True)),
        *({"at": one} for one in ("2026-02-29T00:00:00Z", "yesterday", 5, None)),
        *({"error": one} for one in _ERRORS),
        {"result": {}},
        {"result": None},
        {"progress": {"stage": "denoise", "step": -1, "steps": 2}},
        {"progress": {"stage": "denoise", "step": 0, "steps": 0}},
        {"job_type": "whatever it says"},
    ),
    "UploadRequest": (
        *({"operation": one} for one in ("upload", "download")),
        *({"token": one} for one in (0, 1, "3", True)),
        *({"content_type": one} for one in ("", "x" * 100, "x" * 101)),
    ),
    "DownloadRequest": ({"operation": "upload"}, {"key": "a/b"}, {"key": "A/b"}, {"token": 1}),
    "CancelRequest": ({"job_id": "1"}, {"job_id": job_id(1).upper()}, {"user_id": USER}),
}

_ODD: list[Any] = [
    None,
    True,
    False,
    *(-1, 0, 1, 1.5, 3, 17, 1000, 1e-7, 10**19),
    *("", "x", "sdxl", "\0", "\ud800", "\u2028", "1", "2025-07-01T12:00:00Z"),
    *([], [1], {}, {"": {}}, {"a": None}),
]


@st.composite
def _changed(draw: st.DrawFn, body: Any) -> Any:
    """A body of which one part, at whatever depth, is another one, is missing, or has something beside it."""
    if not (isinstance(body, dict | list) and body and draw(st.integers(0, 4))):
        return copy.deepcopy(draw(st.sampled_from(_ODD)))
    changed = copy.deepcopy(body)
    at = draw(st.sampled_from(list(changed) if isinstance(changed, dict) else range(len(changed))))
    if isinstance(changed, dict) and draw(st.integers(0, 5)) == 0:
        changed.pop(at)
    elif isinstance(changed, dict) and draw(st.integers(0, 5)) == 0:
        changed[draw(st.sampled_from(["surprise", "__proto__", "toString", ""]))] = 1
    else:
        changed[at] = draw(_changed(changed[at]))
    return changed


def changed_bodies(kind: str) -> st.SearchStrategy[Any]:
    """Bodies of a kind with a change or two."""
    return st.sampled_from(RIGHT[kind]).flatmap(_changed).flatmap(lambda one: st.just(one) | _changed(one))


def accepts(kind: str, body: Any) -> bool:
    """What Python says of a body, read from the bytes that a producer would send."""
    payload = json.dumps(body).encode()
    if kind == "Envelope":
        # A text in a list is JSON in JSON to those who read it, and nothing that a producer should send.
        return isinstance(body, dict) and _passes(lambda: read_envelope(payload))
    model = {
        one.__name__: one for one in (JobEvent, UploadRequest, DownloadRequest, CancelRequest, JobRequest)
    }[kind]
    return _reads(model, payload) is not None


def _reads(model: type[BaseModel], payload: bytes) -> BaseModel | None:
    try:
        if parse_json(payload).problem is None:
            return model.model_validate_json(payload, strict=True)
    except (NotJson, ValidationError):
        pass
    return None


def _passes(check: Callable[[], object]) -> bool:
    try:
        check()
    except OurvidzError:
        return False
    return True


class AnyParameters(GenerationParameters):
    """Takes whatever a spec can say, so that no family's own rule is in play."""

    strength: float | None = Field(default=None, gt=0.0, le=1.0)
    duration: float | None = Field(default=None, gt=0.0)
    frames: int | None = Field(default=None, ge=1)
    fps: int | None = Field(default=None, ge=1, le=120)
    scheduler: Identifier | None = None
    flow_shift: float | None = Field(default=None, gt=0.0)
    loras: tuple[Lora, ...] = ()
    style: bool | float | str | None = None

    @property
    def length(self) -> VideoLength | None:
        return VideoLength(81, 16) if self.duration or self.frames else None


class AnyFamily:
    """The one thing that is asked of a family here."""

    parameters = AnyParameters


def takes(catalog: Catalog, body: Any) -> bool:
    """Whether a request gets past everything that Python checks before a model family has its say."""
    request = _reads(JobRequest, json.dumps(body).encode())
    if not isinstance(request, JobRequest) or request.job_type not in catalog.job_types:
        return False
    spec = catalog.job_types[request.job_type]
    values = json.loads(request.model_dump_json(exclude={"idempotency_key"}))
    made = make_envelope(values | {"job_id": job_id(1), "user_id": USER, "submitted_at": SUBMITTED})
    family = cast("ModelFamily[AnyParameters]", AnyFamily())

    def check() -> None:
        check_takes_jobs(spec)
        resolve_parameters(family, spec, made)
        seeds(made)
        check_inputs(spec, made, urls=catalog.settings.input_urls)

    return _passes(check)


_VALUES: dict[str, list[Any]] = {
    "steps": [1, 15, 20, 21, 1000, 1001, 0, 10.5, "15", True],
    "guidance": [0, 1, 6, 6.5, 50, 50.5, -1, "6", False],
    "strength": [0.75, 0.1, 0, 1, 1.5, "0.75"],
    "duration": [5, 0, 4.5, "5s"],
    "frames": [81, 0, 80.5, "81"],
    "fps": [16, 121, 0],
    "scheduler": ["euler", "ddim", "Euler", 1],
    "resolution": ["1024x1024", "512x768", "1024", "01x1", 1024],
    "flow_shift": [3, 0, 0.5],
    "style": ["ink", "oil", 1, True, 2.5, None],
    "deterministic": [True, False, 1],
    "negative_prompt": ["blurry", "", 1],
    "loras": [[], "a"],
    "constructor": [1],
}

_RULES: dict[str, list[Body]] = {
    "steps": [{"min": 1, "max": 20}, {"min": 10.5}, {"choices": [15, 20]}, {}],
    "guidance": [{"min": 1.0, "max": 12.0}, {"max": 8}, {"choices": [6.0, 6.5]}],
    "scheduler": [{"choices": ["euler", "ddim"]}, {}],
    "resolution": [{"choices": ["1024x1024", "512x768"]}, {}],
    "flow_shift": [{"min": 1}],
    "style": [{"choices": ["ink", 1]}, {"choices": [True]}, {"min": 0, "max": 2}, {}],
}

_PLACES = [f"init_images/{USER}/a.png", "https://example.org/a.png", f"init_images/{USER}/../a", 7]


@st.composite
def job_types(draw: st.DrawFn, id: str) -> JobType:
    """A job type with bounds and inputs of every kind, as its own checks let it pass."""
    is_video = draw(st.booleans())
    inputs = draw(st.sampled_from(["none", "required", "accepted", "frames"]))
    names = draw(st.lists(st.sampled_from([*_RULES]), unique=True, max_size=4))
    params = {name: draw(st.sampled_from(_RULES[name])) for name in names}
    fields: Body = {"params": params, "batch": draw(st.sampled_from([[], [1], [2, 4], [1, 16]]))}
    if is_video:
        params |= draw(st.sampled_from([{}, {"frames": {"min": 5, "max": 97}}, {"duration": {"max": 6}}]))
        fields |= {"content_type": "video", "duration": "5s"}
    if inputs == "required":
        fields |= {"requires": "init_image_upload"}
    elif inputs != "none":
        fields |= {"accepts": ["init_image"] if inputs == "accepted" else ["first_frame", "last_frame"]}
    if inputs in ("required", "accepted"):
        params |= draw(st.sampled_from([{}, {"strength": {"min": 0.1, "max": 1.0}}]))
        fields |= draw(st.sampled_from([{}, {"strength": 0.75}]))
    if params.get("flow_shift") is None and draw(st.booleans()):
        fields |= {"negative_prompt": "blurry", "scheduler": "euler"}
    ordinary = {
        "id": id,
        "worker": "ANY",
        "queue": "any_queue",
        "content_type": "image",
        "resolution": "1024x1024",
        "steps": 15,
        "guidance": 6.0,
        "expected_time": "5s",
        "storage_bucket": "any",
        "quality_tier": "fast",
        "status": draw(st.sampled_from(["active", "active", "active", "retired", "planned"])),
    }
    made = JobType.model_validate(ordinary | fields)
    assume(not list(check_consistency(made)))
    return made


@st.composite
def requests(draw: st.DrawFn, ids: list[str]) -> Any:
    """A request for one of these job types, or almost."""
    body: Body = {
        "job_type": draw(st.sampled_from([*ids, *ids, *ids, "nothing", "constructor", "__proto__", "X"])),
        "prompt": draw(st.sampled_from(["a harbour", "a harbour", "a harbour", "", "\ud800"])),
    }
    names = draw(st.lists(st.sampled_from([*_VALUES]), unique=True, max_size=2))
    optional = {
        "params": st.fixed_dictionaries({name: st.sampled_from(_VALUES[name]) for name in names}),
        "num_images": st.sampled_from([1, 1, 2, 3, 4, 16, 17]),
        "inputs": st.dictionaries(
            st.sampled_from(["init_image", "init_image", "init_image", "first_frame", "picture"]),
            st.sampled_from([*_PLACES, _PLACES[0], _PLACES[0]]),
            max_size=2,
        ),
        "seed": st.sampled_from([0, 7, None, MAX_SEED, MAX_SEED - 15, -1, "7"]),
        "negative_prompt": st.sampled_from([None, "", "blurry", 1]),
        "metadata": st.sampled_from([{}, {"project": [1]}, []]),
        "idempotency_key": st.sampled_from([None, "a-1", "", "a b", "x" * 65]),
        "bucket": st.just("sdxl_fast"),
    }
    for name, strategy in optional.items():
        if draw(st.integers(0, 9)) < (1 if name in ("bucket", "metadata", "idempotency_key") else 4):
            body[name] = draw(strategy)
    return body


def named_bodies() -> Iterator[tuple[str, Any]]:
    """Every right body, every named change of it, and each without one of its fields."""
    for kind, bodies in RIGHT.items():
        for body in bodies:
            yield kind, body
            for name in body:
                yield kind, {key: value for key, value in body.items() if key != name}
            for change in NAMED[kind]:
                yield kind, body | change
