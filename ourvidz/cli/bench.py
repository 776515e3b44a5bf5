"""``ourvidz bench``: measure job types."""

from __future__ import annotations

from collections.abc import Sequence

import click
from pydantic import TypeAdapter, ValidationError

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_facts, print_json, print_table
from ourvidz.cli.progress import ProgressLine
from ourvidz.runtime.bench.measurements import Measurement, report, stages_in, three_digits
from ourvidz.runtime.bench.measuring import measure
from ourvidz.runtime.bench.plan import RANDOM, Plan
from ourvidz.runtime.worker import find_profile
from ourvidz.spec.settings import Device


def _device(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        TypeAdapter(Device | None).validate_python(value)
    except ValidationError:
        raise click.BadParameter(f"found {value!r}, expected cuda, cuda:1, mps or cpu", ctx, param) from None
    return value


@click.command("bench")
@click.option("--jobtype", "ids", required=True, multiple=True, metavar="ID", help="What to measure.")
@click.option(
    "--weights",
    metavar="random|PATH",
    help="random: the published model, untrained; or a checkpoint; default: the job type's own.",
)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True, help="Jobs that count.")
@click.option("--warmup", type=click.IntRange(min=0), default=1, show_default=True, help="Jobs before them.")
@click.option(
    "--images", type=click.IntRange(min=1), help="Of each job; default: the fewest that its type makes."
)
@click.option("--profile", metavar="NAME", help="A profile of ourvidz.yaml; default: none.")
@click.option(
    "--device", metavar="NAME", callback=_device, help="Such as cuda:1 or cpu; default: the worker's."
)
@json_option
@place_options
def bench(
    place: Invocation,
    ids: tuple[str, ...],
    weights: str | None,
    runs: int,
    warmup: int,
    images: int | None,
    profile: str | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Measure job types.

    Makes jobs as a worker does, without a queue and on a storage of its own, and prints the median
    time of each stage and the peak memory. With --weights random no checkpoint is needed: time and
    memory are those of the published model, the pictures are noise. When a job fails, those before it
    are told all the same.
    """
    project = place.open()
    plan = Plan(
        weights=weights,
        runs=runs,
        warm_up=warmup,
        images=images,
        profile=find_profile(project, profile),
        device=device,
    )
    measurements: list[Measurement] = []
    line = ProgressLine()
    try:
        for one in measure(project, ids, plan, line.show):
            measurements.append(one)  # noqa: PERF402  nobody promises that extend keeps those before an error
    finally:
        line.clear()
        # Those of one model were measured together, whatever stood between them.
        measurements.sort(key=lambda one: ids.index(one.last.job_type))
        # What was measured before something went wrong took its time as well.
        if measurements and as_json:
            print_json(report(measurements))
        elif measurements:
            _print(measurements)


def _print(measurements: Sequence[Measurement]) -> None:
    medians = [one.medians for one in measurements]
    stages = stages_in(medians)
    rows = [
        [
            one.last.job_type,
            _made(one),
            _seconds(one.load_seconds),
            *(_seconds(median.get(stage)) for stage in stages),
            _seconds(median["total"]),
            None if one.peak_memory is None else f"{one.peak_memory / 2**30:.1f} GiB",
        ]
        for one, median in zip(measurements, medians, strict=True)
    ]
    print_table(["job type", "made", "load", *stages, "total", "peak memory"], rows)
    click.echo()
    print_facts(list(dict.fromkeys((one.model, _conditions(one)) for one in measurements)))


def _made(one: Measurement) -> str:
    """What every run made, as the parameters that were really used say."""
    made, count = one.last.parameters, len(one.last.assets)
    frames = f", {made['frames']} frames" if one.last.assets[0].type == "video" else ""
    return f"{f'{count} x ' if count > 1 else ''}{made['resolution']}{frames}, {made['steps']} steps"


def _conditions(one: Measurement) -> str:
    """What the times depend on beside the job type, as far as the family's fingerprint says so."""
    known = one.last.fingerprint
    libraries = known.get("libraries")
    versions = (
        [f"{name} {version}" for name, version in libraries.items()] if isinstance(libraries, dict) else []
    )
    weights = "random weights" if one.weights == RANDOM else one.weights
    return ", ".join(
        str(part) for part in (weights, known.get("device"), known.get("precision"), *versions) if part
    )


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{three_digits(value)} s"
