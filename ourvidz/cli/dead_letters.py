"""``ourvidz dead-letters``: what could not be read, or ended its worker again and again."""

from __future__ import annotations

from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.jobs import check_known
from ourvidz.cli.output import json_option, local_time, print_facts, print_json, print_table
from ourvidz.jobs.dead_letters import DeadLetter
from ourvidz.runtime.client import Client
from ourvidz.spec.units import parse_seconds


@click.group("dead-letters")
@place_options
def dead_letters(place: Invocation) -> None:
    """Show and revive what could not run."""


@dead_letters.command("list")
@click.option("--queue", metavar="NAME", help="Only letters of this queue.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
@json_option
@place_options
def list_letters(place: Invocation, queue: str | None, limit: int, as_json: bool) -> None:
    """List dead letters, newest first."""
    with Client.open(place.open()) as client:
        letters = client.queue.dead_letters.list(queue=queue, limit=limit)
        if not letters:
            check_known("queue", queue, [depth.queue for depth in client.depths()])
    if as_json:
        print_json([_as_json(letter) for letter in letters])
        return
    print_table(
        ("id", "queue", "job", "died", "attempt", "code", "why"),
        [
            (
                one.id,
                one.queue,
                one.job_id,
                local_time(one.at),
                one.attempt,
                one.failure.code,
                one.failure.message,
            )
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
    print_facts(
        [
            ("dead letter", letter.id),
            ("queue", letter.queue),
            ("job", letter.job_id),
            ("died", local_time(letter.at)),
            ("attempt", letter.attempt),
            ("error", f"{letter.failure.message} [{letter.failure.code}]"),
            ("payload", _text(letter.payload)),
        ]
    )


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
        raise click.BadParameter(f"found {older_than!r}, {error}", param_hint="'--older-than'") from None
    with Client.open(place.open()) as client:
        purged = client.queue.dead_letters.purge(older_than=seconds)
    if as_json:
        print_json({"purged": purged})
    else:
        click.echo(f"{purged} dead letter{'' if purged == 1 else 's'} forgotten")


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", errors="backslashreplace")


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "jobId": letter.job_id,
        "attempt": letter.attempt,
        "diedAt": letter.at,
        "error": letter.failure.model_dump(),
        "payload": _text(letter.payload),
    }
