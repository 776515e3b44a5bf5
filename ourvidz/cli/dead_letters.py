"""``ourvidz dead-letters``: what could not be read, or ended its worker again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, print_json, print_table
from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.runtime.client import Client
from ourvidz.spec.units import parse_seconds


@click.group("dead-letters", invoke_without_command=True)
@click.option("--queue", metavar="NAME", help="Only letters of this queue.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@place_options
def dead_letters(place: Invocation, queue: str | None, limit: int, as_json: bool) -> None:
    """Show and revive what could not run. Without a subcommand: list, newest first."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    with Client.open(place.open()) as client:
        letters = client.queue.dead_letters.list(queue=queue, limit=limit)
    if as_json:
        print_json([_as_json(letter) for letter in letters])
        return
    print_table(
        ("id", "queue", "job", "died", "attempt", "code", "why"),
        [
            (one.id, one.queue, one.job_id, _time(one), one.attempt, one.failure.code, one.failure.message)
            for one in letters
        ],
        empty="there are no dead letters",
    )


@dead_letters.command("show")
@click.argument("id", type=int)
@json_option
@place_options
def show_letter(place: Invocation, id: int, as_json: bool) -> None:
    """Show one dead letter with its payload."""
    with Client.open(place.open()) as client:
        letter = client.queue.dead_letters.get(id)
    if as_json:
        print_json(_as_json(letter))
        return
    for name, value in _as_json(letter).items():
        click.echo(f"{name:<10}{'-' if value is None else value}")


@dead_letters.command("retry")
@click.argument("id", type=int)
@json_option
@place_options
def retry_letter(place: Invocation, id: int, as_json: bool) -> None:
    """Push a dead letter's payload onto its queue again."""
    with Client.open(place.open()) as client:
        client.queue.dead_letters.retry(id)
    if as_json:
        print_json({"id": id, "status": "queued"})
    else:
        click.echo(f"dead letter {id} is queued again")


@dead_letters.command("purge")
@click.option("--older-than", default="720h", show_default=True, metavar="TIME", help="Such as 24h or 90s.")
@json_option
@place_options
def purge_letters(place: Invocation, older_than: str, as_json: bool) -> None:
    """Forget old dead letters."""
    try:
        seconds = parse_seconds(older_than)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from None
    with Client.open(place.open()) as client:
        purged = client.queue.dead_letters.purge(older_than=seconds)
    if as_json:
        print_json({"purged": purged})
    else:
        click.echo(f"{purged} dead letters forgotten")


def _time(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.at).strftime("%Y-%m-%d %H:%M:%S")


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "jobId": letter.job_id,
        "attempt": letter.attempt,
        "died": _time(letter),
        "code": letter.failure.code,
        "message": letter.failure.message,
        "payload": letter.payload.decode("utf-8", errors="backslashreplace"),
    }
