"""``ourvidz up``: run all workers of this machine, and look after them."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option, local_time, one_line
from ourvidz.cli.standard_output import StandardOutput
from ourvidz.cli.workers_view import WorkersView
from ourvidz.runtime.supervisor.depths import DepthsWatch
from ourvidz.runtime.supervisor.supervisor import Supervisor
from ourvidz.spec.units import parse_seconds


@click.command("up")
@click.option("--grace", metavar="TIME", help="How long running jobs may go on when it is stopped.")
@json_option
@place_options
def up(place: Invocation, grace: str | None, as_json: bool) -> None:
    """Run all workers of this machine, and look after them.

    Starts one process for each entry of workers in ourvidz.yaml, sdxl and wan where there is none, and
    starts again what ends. On a terminal a table below the log shows what they do. SIGTERM or Ctrl-C lets
    running jobs end, a second one hands them back at once. No worker outlives this command.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    output = StandardOutput("ourvidz up")
    log = _Log(output, as_json=as_json)
    supervisor = Supervisor(
        place.open(),
        place=place.arguments(),
        tell=log,
        grace=None if grace is None else _seconds(grace),
    )
    output.when_lost = supervisor.stop
    with ExitStack() as stack:
        if not as_json and WorkersView.is_possible():
            depths = DepthsWatch(lambda: supervisor.project)
            log.view = WorkersView(supervisor.status, lambda: depths.words)
            for part in (depths, log.view):
                part.start()
                stack.callback(part.close)
        supervisor.run()


def _seconds(text: str) -> float:
    try:
        return parse_seconds(text)
    except ValueError as error:
        raise click.BadParameter(f"found {text!r}, {error}", param_hint="'--grace'") from None


class _Log:
    """A line for everything that happens: JSON, or words for people."""

    def __init__(self, output: StandardOutput, *, as_json: bool) -> None:
        self._output = output
        self._line = _json if as_json else _words
        self.view: WorkersView | None = None
        """What the lines are written above, if anything."""

    def __call__(self, event: str, worker: str, **values: Any) -> None:
        line = self._line(event, worker, values)
        if self.view is None:
            self._output.write(line)
        else:
            self.view.write_above(lambda: self._output.write(line))


def _json(event: str, worker: str, values: Mapping[str, Any]) -> str:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": at, "worker": worker, "event": event, **values})


def _words(event: str, worker: str, values: Mapping[str, Any]) -> str:
    if event == "log":
        parts = [values["line"]]
    else:
        # What has parts is for machines.
        plain = {name: value for name, value in values.items() if not isinstance(value, dict | list | None)}
        parts = [event, *(f"{name}={value}" for name, value in plain.items())]
    return "  ".join([local_time(time.time()), worker, *map(one_line, parts)])
