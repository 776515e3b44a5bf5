"""``ourvidz dev``: parts of a deployment on a laptop."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option


@click.group("dev")
@place_options
def dev(place: Invocation) -> None:
    """Try parts of a deployment on a laptop."""


@dev.command("upstash")
@click.option(
    "--redis", "redis_url", metavar="URL", help="A redis:// or rediss:// server; default: a new, empty one."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8079,
    show_default=True,
    help="Where to listen, on this machine alone; 0: any free one.",
)
@json_option
@place_options
def upstash(
    place: Invocation,  # noqa: ARG001  every command takes its place
    redis_url: str | None,
    port: int,
    as_json: bool,
) -> None:
    """Serve Redis as Upstash does over REST.

    For edge functions and other clients of @upstash/redis, until Ctrl-C. The token is that of
    OURVIDZ_QUEUE_TOKEN or UPSTASH_REDIS_REST_TOKEN; without either a new one is made and shown. What a
    Redis server of its own holds is gone when the command ends.
    """
    from ourvidz.runtime.client_libraries import client_needed

    with client_needed("redis"):
        from ourvidz.runtime.upstash.serving import asked_to_stop, server_named, serving

    server = None if redis_url is None else server_named(redis_url, Path.cwd())
    stop = asked_to_stop()
    with serving(server, port=port) as (front, redis, is_new):
        shown = front.token if is_new else None
        if as_json:
            said = {"event": "serving", "url": front.url, "token": shown, "redis": str(redis)}
            click.echo(json.dumps(said))
        else:
            click.echo(f"{redis} over REST{', empty and kept in memory' if server is None else ''}")
            click.echo(f"export UPSTASH_REDIS_REST_URL={front.url}")
            if shown is not None:
                click.echo(f"export UPSTASH_REDIS_REST_TOKEN={shown}")
            click.echo(f"export OURVIDZ_QUEUE_URL={front.url}")
            click.echo("waiting for requests")
        stop.wait()
