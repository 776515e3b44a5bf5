"""``ourvidz submit``: put a job into the queue."""

from __future__ import annotations

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.jobs import print_status
from ourvidz.cli.output import json_option, print_json
from ourvidz.cli.progress import ProgressLine
from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.runtime.client import Client, JobStatus

Scalar = bool | int | float | str


def _settings(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Scalar]:
    """Read ``name=value`` pairs; numbers and true/false become what they look like."""
    pairs: dict[str, Scalar] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not name=value, such as steps=20", ctx, param)
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice", ctx, param)
        pairs[name] = _scalar(value)
    return pairs


def _scalar(text: str) -> Scalar:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)


@click.command("submit")
@click.argument("jobtype")
@click.option("--prompt", required=True, help="What to make.")
@click.option("--negative-prompt", help="What to keep out.")
@click.option("--seed", type=click.IntRange(min=0), help="First seed; image i is made from seed + i.")
@click.option("--images", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@click.option(
    "--set",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_settings,
    help="Choose a parameter that the job type lets a request choose, such as steps=20.",
)
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=KEY", callback=_settings, help="A file in storage."
)
@click.option("--user", default=LOCAL_USER, metavar="UUID", help="Whose job it is.")
@click.option("--priority", type=click.IntRange(-100, 100), default=0, help="Higher starts earlier.")
@click.option("--wait", is_flag=True, help="Wait until it has ended, with progress.")
@json_option
@place_options
def submit(
    place: Invocation,
    jobtype: str,
    prompt: str,
    negative_prompt: str | None,
    seed: int | None,
    images: int,
    params: dict[str, Scalar],
    inputs: dict[str, Scalar],
    user: str,
    priority: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Put a job of type JOBTYPE into its queue, and print its id.

    With --wait, exit status 1 if the job does not complete.
    """
    project = place.open()
    with Client.open(project) as client:
        job_id = client.submit(
            jobtype,
            prompt=prompt,
            negative_prompt=negative_prompt,
            seed=seed,
            num_images=images,
            params=params,
            inputs={name: str(key) for name, key in inputs.items()},
            user_id=user,
            priority=priority,
        )
        if not wait:
            print_json({"jobId": job_id}) if as_json else click.echo(job_id)
            return
        line = ProgressLine()
        status = client.wait(job_id, on_change=lambda now: _show(line, now))
        line.clear()
        print_status(project, status, as_json=as_json)
    if status.status != "completed":
        click.get_current_context().exit(1)


def _show(line: ProgressLine, status: JobStatus) -> None:
    if status.progress is not None:
        line.show(status.progress.stage, status.progress.step, status.progress.steps)
    elif status.queue_position is not None:
        line.show(f"waiting, {status.queue_position} in the queue, about {status.estimated_time:.0f} s")
