"""Checks within one job type that hold for every family."""

from __future__ import annotations

from collections.abc import Iterator

from ourvidz.spec.job_type import JobType, Override, Scalar
from ourvidz.spec.problems import Finding
from ourvidz.spec.wording import one_of, show

_VIDEO_FIELDS = ("duration", "frames", "fps")


def check_consistency(job_type: JobType) -> Iterator[Finding]:
    """Find fields of one job type that contradict each other."""
    yield from _check_length(job_type)
    yield from _check_strength(job_type)
    yield from _check_init_image(job_type)
    for name, bounds in job_type.params.items():
        yield from _check_bounds(name, bounds, getattr(job_type, name, None))


def _check_length(job_type: JobType) -> Iterator[Finding]:
    if job_type.content_type == "video":
        if job_type.duration is None and job_type.frames is None:
            yield Finding(("duration",), "length_missing", "a video without a length", "a duration or frames")
        return
    for name in _VIDEO_FIELDS:
        value = getattr(job_type, name)
        if value is not None:
            yield Finding((name,), "video_only", f"{value:g} in an image", "none; only a video has it")


def _check_strength(job_type: JobType) -> Iterator[Finding]:
    strength, steps = job_type.strength, job_type.steps
    if "init_image" not in job_type.inputs:
        expected = "requires: init_image_upload, or accepts: init_image, or no strength"
        for path, given in (
            (("strength",), strength),
            (("params", "strength"), job_type.params.get("strength")),
        ):
            if given is not None:
                yield Finding(path, "strength_without_image", "a strength without an init image", expected)
    elif strength is not None and int(steps * strength) < 1:
        found = f"{strength:g}, which leaves none of {steps} steps"
        yield Finding(("strength",), "no_steps_left", found, "a strength or steps of which one is left")


def _check_init_image(job_type: JobType) -> Iterator[Finding]:
    if job_type.init_image is not None and "init_image" not in job_type.inputs:
        found = "rules for an init image that no request can bring along"
        expected = "requires: init_image_upload, or accepts: init_image, or no init_image"
        yield Finding(("init_image",), "init_image_unused", found, expected)


def _check_bounds(name: str, bounds: Override, own: object) -> Iterator[Finding]:
    path = ("params", name)
    low, high = bounds.min, bounds.max
    if bounds.choices and (low is not None or high is not None):
        yield Finding(path, "bad_bounds", "choices and a range", "one of the two")
    elif low is not None and high is not None and low > high:
        yield Finding((*path, "max"), "bad_bounds", f"{high:g}", f"at least the min, {low:g}")
    elif own is not None and not _allows(bounds, own):
        expected = (
            one_of([show(choice) for choice in bounds.choices])
            if bounds.choices
            else f"a range that has {name}'s own value {show(own)} in it"
        )
        found = f"bounds that leave out {name}: {show(own)}"
        yield Finding(path, "own_value_out_of_bounds", found, expected)


def _allows(bounds: Override, own: object) -> bool:
    if bounds.choices:
        return any(_is_same(choice, own) for choice in bounds.choices)
    if isinstance(own, bool) or not isinstance(own, int | float):
        return bounds.min is None and bounds.max is None
    return (bounds.min is None or own >= bounds.min) and (bounds.max is None or own <= bounds.max)


def _is_same(choice: Scalar, own: object) -> bool:
    return choice == own or choice == str(own)
