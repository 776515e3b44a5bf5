"""From a spec and a request to the parameters of one generation. Nothing is ignored or clamped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from ourvidz.errors import RequestInvalid
from ourvidz.plugins.family import GenerationParameters, ModelFamily, P
from ourvidz.spec.expectations import refusal
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import GENERATION_FIELDS, JobType, Override
from ourvidz.spec.units import Resolution
from ourvidz.spec.wording import show

if TYPE_CHECKING:
    from ourvidz.jobs.envelope import Envelope

#: Texts of users, which no message repeats.
PROMPTS = ("prompt", "negative_prompt")

#: What every request may say, whatever the job type's ``params`` allow.
REQUEST_FIELDS = (*PROMPTS, "num_images")


class ParameterRefused(RequestInvalid):
    """A request wants a parameter that the job type or the family does not let it have."""

    code = "parameter_refused"


def spec_parameters(job_type: JobType) -> dict[str, Any]:
    """The generation parameters that a spec sets, by field name; the family must consume each of them."""
    values = {name: getattr(job_type, name) for name in GENERATION_FIELDS}
    return {name: value for name, value in values.items() if value is not None and value != ()}


def resolve_parameters(family: ModelFamily[P], job_type: JobType, request: Envelope) -> P:
    """Merge a spec with what a request may override, and validate it as the family's parameters.

    A spec's strength counts for requests with an init image; without one all steps are run. Raises
    ParameterRefused for an override that the spec does not allow or that is out of bounds, for a
    strength or an init image without the other, and for any value that the family does not take.
    """
    values = spec_parameters(job_type)
    for name, value in request.params.items():
        values[name] = _override(job_type, name, value, values.get(name))
    if "strength" in family.parameters.model_fields:
        _settle_strength(job_type, request, values)
    if request.negative_prompt is not None:
        values["negative_prompt"] = request.negative_prompt
    if request.num_images not in job_type.batch_sizes:
        allowed = ", ".join(map(str, job_type.batch_sizes))
        raise ParameterRefused(
            f"num_images: {request.num_images} is not offered by {job_type.id}, expected one of {allowed}"
        )
    parameters = validate_parameters(
        family.parameters, values | {"prompt": request.prompt, "num_images": request.num_images}
    )
    _check_content(job_type, parameters)
    return parameters


def adopt_request(
    family: ModelFamily[P], job_type: JobType, request: Envelope
) -> tuple[Envelope, dict[str, JsonValue]]:
    """What a fallback job type takes of a request that was made for another one, and what it drops.

    Inputs that it does not offer are left out, and overrides that it does not offer, that are out of its
    bounds, or that its family does not take.
    """
    params = {k: v for k, v in request.params.items() if _takes(family, job_type, request, k, v)}
    inputs = {k: v for k, v in request.inputs.items() if k in job_type.inputs}
    dropped: dict[str, JsonValue] = {
        name: value
        for asked, kept in ((request.params, params), (request.inputs, inputs))
        for name, value in asked.items()
        if name not in kept
    }
    return request.model_copy(update={"params": params, "inputs": inputs}), dropped


def validate_parameters(model: type[P], values: dict[str, Any]) -> P:
    """Raises ParameterRefused naming every field that ``model`` does not take, and why."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ParameterRefused(
            "; ".join(_describe(model, one) for one in error.errors(include_url=False))
        ) from None


def _check_content(job_type: JobType, parameters: GenerationParameters) -> None:
    """Raises ParameterRefused for a video that comes out as a picture, and the other way round."""
    length = parameters.length
    if length is None and job_type.content_type == "video":
        raise ParameterRefused(f"{job_type.id} makes videos, and so short a one is a picture; ask for more")
    if length is not None and job_type.content_type == "image":
        raise ParameterRefused(f"{job_type.id} makes images, and {length.frames} frames are a video")


def _takes(family: ModelFamily[P], job_type: JobType, request: Envelope, name: str, value: object) -> bool:
    """Whether one override can be had of a job type, whatever the request says beside it."""
    values = spec_parameters(job_type)
    try:
        values[name] = _override(job_type, name, value, values.get(name))
        validate_parameters(family.parameters, values | {"prompt": request.prompt})
    except ParameterRefused:
        return False
    return True


def _override(job_type: JobType, name: str, value: object, own: object) -> object:
    if own is not None and _repeats(own, value):
        return own
    allowed = job_type.params.get(name)
    if allowed is None:
        meant = nearest(name, job_type.params)
        known = ", ".join(job_type.params) or "none"
        hint = f"did you mean {meant}?" if meant else f"{job_type.id} lets a request choose: {known}"
        raise ParameterRefused(f"{name}: a request may not choose it; {hint}")
    if not _within(allowed, value):
        raise ParameterRefused(f"{name}: {show(value)} is out of bounds, expected {describe(allowed)}")
    return value


def _repeats(own: object, value: object) -> bool:
    """Whether a request says what the spec says anyway. JSON's true is not 1."""
    written = str(own) if isinstance(own, Resolution) else own
    return value == written and isinstance(value, bool) == isinstance(written, bool)


def _settle_strength(job_type: JobType, request: Envelope, values: dict[str, Any]) -> None:
    if "init_image" in request.inputs:
        if "init_image" in job_type.inputs and values.get("strength") is None:
            raise ParameterRefused(
                f"strength: nothing says how much of the init image is repainted, and {job_type.id} leaves "
                "it to the request"
            )
    elif "strength" in request.params:
        raise ParameterRefused(
            "strength: it says how much of an init image is repainted, and this request has none; "
            "add one, or leave the strength out"
        )
    else:
        values.pop("strength", None)


def _within(bounds: Override, value: object) -> bool:
    if bounds.choices and value not in bounds.choices:
        return False
    if bounds.min is None and bounds.max is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    above = bounds.min is None or value >= bounds.min
    return above and (bounds.max is None or value <= bounds.max)


def describe(bounds: Override) -> str:
    """Bounds in words: ``a number from 1 to 30``, ``one of euler, ddim``."""
    if bounds.choices:
        return "one of " + ", ".join(map(str, bounds.choices))
    if bounds.min is not None and bounds.max is not None:
        return f"a number from {bounds.min:g} to {bounds.max:g}"
    if bounds.min is not None:
        return f"a number of at least {bounds.min:g}"
    return "any value" if bounds.max is None else f"a number of at most {bounds.max:g}"


def _describe(model: type[GenerationParameters], error: Any) -> str:
    """One of pydantic's errors in words. A message goes into logs, where users' prompts do not belong."""
    path = error["loc"]
    field = ".".join(map(str, path)) or "request"
    if error["type"] == "extra_forbidden":
        return f"{field}: this model does not take it; it takes {', '.join(model.model_fields)}"
    remark, wanted = refusal(model, path[:1], error)
    found = show(error["input"])
    if error["type"] == "missing":
        found = "nothing"
    elif not path:
        found = "values that do not go together"
    elif path[0] in PROMPTS and isinstance(error["input"], str):
        found = f"a text of {len(error['input'])} characters"
    return f"{field}: found {found}{remark}" + (f", expected {wanted}" if wanted else "")
