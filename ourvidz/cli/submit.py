"""``ourvidz submit``: put a job into the queue."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.jobs import status_facts, status_json
from ourvidz.cli.output import about, json_option, print_facts, print_json
from ourvidz.cli.progress import ProgressLine
from ourvidz.errors import OurvidzError
from ourvidz.jobs.envelope import LOCAL_USER
from ourvidz.runtime.client import Client, JobStatus

Scalar = bool | int | float | str

_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]+)?(e[+-]?[0-9]{1,3})?", re.IGNORECASE)


class StoppedWaiting(OurvidzError):
    """Whoever waited for a job does so no longer; the job goes on."""

    code = "stopped_waiting"
    exit_status = 130


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read ``name=value`` pairs."""
    pairs: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"found {text!r}, expected {param.metavar}", ctx, param)
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice", ctx, param)
        pairs[name] = value
    return pairs


def _scalar(text: str) -> Scalar:
    """Take numbers and true or false as JSON writes them for what they are, all else for a text."""
    if text in ("true", "false"):
        return text == "true"
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    return float(text) if match[1] or match[2] else int(text)


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
    callback=_pairs,
    help="Choose a parameter that the job type lets a request choose, such as steps=20.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=KEY",
    callback=_pairs,
    help="A file in storage, such as init_image=BUCKET/PATH.",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    help="The init image, a PNG, JPEG or WebP on this machine; it is put into storage.",
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
    params: dict[str, str],
    inputs: dict[str, str],
    image: Path | None,
    user: str,
    priority: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Put a job into its queue.

    Prints its id. With --wait, waits until the job has ended and shows it; exit status 1 if it did
    not complete. Ctrl-C stops the waiting, not the job.
    """
    project = place.open()
    with Client.open(project) as client:
        job_id = client.submit(
            jobtype,
            prompt=prompt,
            negative_prompt=negative_prompt,
            seed=seed,
            num_images=images,
            params={name: _scalar(text) for name, text in params.items()},
            inputs=inputs,
            image=image,
            user_id=user,
            priority=priority,
        )
        if not wait:
            print_json({"jobId": job_id}) if as_json else click.echo(job_id)
            return
        if not as_json:
            print_facts([("job", job_id)])
        status = _wait(client, job_id)
    if as_json:
        print_json(status_json(project, status))
    else:
        print_facts(status_facts(project, status))
    if status.status != "completed":
        click.get_current_context().exit(1)


def _wait(client: Client, job_id: str) -> JobStatus:
    line = ProgressLine()
    try:
        return client.wait(job_id, on_change=lambda now: _show(line, now))
    except KeyboardInterrupt:
        raise StoppedWaiting(
            f"no longer waiting for {job_id}, which goes on; "
            f"ourvidz status {job_id} shows it, ourvidz cancel {job_id} stops it"
        ) from None
    finally:
        line.clear()


def _show(line: ProgressLine, status: JobStatus) -> None:
    if status.progress is not None:
        line.show(status.progress.stage, status.progress.step, status.progress.steps)
    elif status.queue_position is not None:
        place = "next" if status.queue_position == 1 else f"number {status.queue_position}"
        line.show(f"waiting, {place} in the queue, done in {about(status.estimated_time)}")
    else:
        line.show(status.status)
