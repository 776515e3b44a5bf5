"""What every model family asks of a job type: that it uses all of it, and that the checkpoint can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from ourvidz.plugins.family import GenerationParameters
from ourvidz.plugins.parameters import REQUEST_FIELDS, spec_parameters
from ourvidz.spec.expectations import refusal
from ourvidz.spec.identifiers import nearest
from ourvidz.spec.job_type import JobType, Override, Scalar
from ourvidz.spec.problems import Finding
from ourvidz.spec.settings import ModelEntry
from ourvidz.spec.wording import show


def check_parameters(job_type: JobType, parameters: type[GenerationParameters]) -> Iterator[Finding]:
    """Find what a family's ``parameters`` do not take: of a spec, and of what it lets a request choose.

    Every family's ``check`` begins with these findings, so that nothing in a spec is without effect
    and no request meets a bound that the family cannot serve.
    """
    yield from _unconsumed(job_type, parameters)
    taken = parameters.model_fields
    values = {name: value for name, value in spec_parameters(job_type).items() if name in taken}
    values |= {"prompt": "a lighthouse", "num_images": job_type.batch_sizes[0]}
    refused = _refusals(parameters, values)
    given = {"worker": job_type.worker, **values}
    for name, (remark, expected) in refused.items():
        found = f"{show(given.get(name, 'nothing'))}{remark}"
        yield Finding((name,), "parameter_refused", found, expected)
    for name, bounds in job_type.params.items():
        if name not in taken or name in REQUEST_FIELDS:
            continue
        for bound, value in _bound_values(bounds):
            for field, (remark, expected) in _refusals(parameters, values | {name: value}).items():
                if field not in refused:
                    found = f"{show(value)}{remark}"
                    yield Finding(("params", name, bound), "parameter_refused", found, expected)


def check_sizes(job_type: JobType, model: ModelEntry) -> Iterator[Finding]:
    """Find sizes that are none of the checkpoint's, of a spec and of what it lets a request choose."""
    sizes = [str(size) for size in model.sizes]
    if not sizes:
        return
    expected = " or ".join(sizes)
    if str(job_type.resolution) not in sizes:
        yield Finding(("resolution",), "size_unsupported", str(job_type.resolution), expected)
    chosen = job_type.params.get("resolution")
    for choice in chosen.choices if chosen else ():
        if choice not in sizes:
            yield Finding(("params", "resolution", "choices"), "size_unsupported", str(choice), expected)


def _unconsumed(job_type: JobType, parameters: type[GenerationParameters]) -> Iterator[Finding]:
    """Find what a spec sets, or lets a request choose, that the family's ``parameters`` do not have."""
    taken = parameters.model_fields
    known = "one of " + ", ".join(name for name in taken if name not in REQUEST_FIELDS)
    for name in spec_parameters(job_type):
        if name not in taken:
            found = f"what {job_type.worker} does not use"
            yield Finding((name,), "parameter_unconsumed", found, known)
    for name in job_type.params:
        if name in REQUEST_FIELDS:
            found = "what every request may choose, without bounds"
            yield Finding(("params", name), "parameter_unconsumed", found, known)
        elif name not in taken:
            found = f"what {job_type.worker} does not use"
            yield Finding(("params", name), "parameter_unconsumed", found, nearest(name, taken) or known)


def _bound_values(bounds: Override) -> Iterator[tuple[str, Scalar]]:
    for bound in ("min", "max"):
        value = getattr(bounds, bound)
        if value is not None:
            yield bound, int(value) if value == int(value) else value
    for choice in bounds.choices:
        yield "choices", choice


def _refusals(parameters: type[GenerationParameters], values: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """By field that does not take its value, ``worker`` for several together: as :func:`refusal` says it."""
    try:
        parameters.model_validate(values)
    except ValidationError as error:
        return {
            str(one["loc"][0]) if one["loc"] else "worker": refusal(parameters, one["loc"][:1], one)
            for one in error.errors(include_url=False)
        }
    return {}
