"""``ourvidz run-worker``: take jobs and make what they ask for."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NoReturn

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import about, error_json, json_option, report_error
from ourvidz.cli.progress import LogAbove, ProgressLine
from ourvidz.cli.standard_output import StandardOutput
from ourvidz.errors import OurvidzError
from ourvidz.jobs.envelope import PRIVATE
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.plugins.device_errors import DeviceLost
from ourvidz.runtime.breaker import BreakerEvent
from ourvidz.runtime.observer import Observer, Observers
from ourvidz.runtime.supervisor.parent import end_with_parent
from ourvidz.runtime.telemetry.watching import serving_health
from ourvidz.runtime.worker import Worker

log = logging.getLogger(__name__)


def _address(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """Read ``PORT``, which is one of the loopback, or ``HOST:PORT``."""
    if value is None:
        return None
    host, _, port = value.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        expected = "a port from 1 to 65535, such as 9101 or 10.0.0.5:9101"
        raise click.BadParameter(f"found {value!r}, expected {expected}", context, parameter)
    return host or "127.0.0.1", int(port)


@click.command("run-worker")
@click.option("--plugin", required=True, metavar="NAME", help="The model family to run, such as sdxl.")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@click.option("--once", is_flag=True, help="Take one job at most, then stop.")
@click.option("--jobtype", metavar="ID", help="Take jobs of this type only.")
@click.option("--profile", metavar="NAME", help="A profile of ourvidz.yaml for a small machine.")
@click.option(
    "--health",
    envvar="OURVIDZ_HEALTH",
    show_envvar=True,
    callback=_address,
    metavar="[HOST:]PORT",
    help="Answer /health, /ready and /metrics there; HOST is 127.0.0.1 by default.",
)
@click.option("--with-parent", type=int, metavar="PID", help="End when this parent process ends.")
@json_option
@place_options
def run_worker(
    place: Invocation,
    plugin: str,
    burst: bool,
    once: bool,
    jobtype: str | None,
    profile: str | None,
    health: tuple[str, int] | None,
    with_parent: int | None,
    as_json: bool,
) -> None:
    """Take jobs and make what they ask for.

    Consumes every queue of the plugin's job types. SIGTERM or Ctrl-C finishes the running job and
    takes no more; a second one stops at once and hands the job back. Exit status 75 says that its GPU
    was lost to this process, and asks for a new one.
    """
    if with_parent is not None:
        end_with_parent(with_parent)
    line = ProgressLine()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", handlers=[LogAbove(line)])
    output = StandardOutput("the worker")
    observer: Observer = _JsonLines(output) if as_json else _People(output, line)
    try:
        project = place.open()
        with ExitStack() as stack:
            metrics = None
            if health is not None:
                metrics = stack.enter_context(serving_health(*health, project, plugin))
                observer = Observers(observer, metrics)
            worker = stack.enter_context(
                Worker(project, plugin, job_type=jobtype, profile=profile, observer=observer)
            )
            output.when_lost = worker.stop
            if metrics is not None:
                metrics.follow(lambda: worker.project.catalog)
            worker.prepare()
            worker.run(burst=burst, once=once)
    except DeviceLost as error:
        line.clear()
        report_error(error, as_json=as_json)
        _leave(error.exit_status)
    finally:
        line.clear()


def _leave(status: int) -> NoReturn:
    """End the process as it is: libraries that clean up on a device that is lost abort, or hang."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class _People(Observer):
    """Progress on a terminal while a job runs; a line and its paths when it is done."""

    def __init__(self, output: StandardOutput, line: ProgressLine) -> None:
        self._output = output
        self._line = line
        self._has_waited = False
        self._printed: str | None = None

    def model_loading(self, model: str) -> None:
        self._line.show(f"loading {model}")

    def model_loaded(self, model: str, seconds: float) -> None:
        self._say(f"loaded {model} in {seconds:.1f} s")

    def model_unloaded(self, model: str, why: str) -> None:
        self._say(f"unloaded {model}: {why}")

    def idle(self) -> None:
        self._has_waited = True
        self._say("waiting for jobs")

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self._line.show(f"{job_id[:8]}  {stage}", step, steps)

    def stopping(self) -> None:
        log.warning("stopping after the running job; a second signal hands it back at once")

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        job_id = claim.lease.job_id
        self._say(f"{job_id}  {result.effective_job_type}  completed in {seconds:.1f} s", job_id)

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        if places and job_id != self._printed:
            # Something else has been printed since this job's end.
            self._say(f"{job_id}  told", job_id)
        for place in places:
            self._say(f"  {place}", job_id)

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        why = f": {failure.message} [{failure.code}]" if failure else ""
        self._say(f"{claim.lease.job_id}  {claim.job_type}  {outcome}{why}")

    def breaker(self, event: BreakerEvent) -> None:
        if event.kind == "stopped":
            log.error(
                "%s is stopped for %s: %d jobs failed in a row, the last with %s [%s]",
                event.job_type,
                about(event.seconds),
                event.failures,
                event.reason.message,
                event.reason.code,
            )
        elif event.kind == "probed":
            self._say(f"{event.job_type} was stopped and is tried with one job")
        else:
            self._say(f"{event.job_type} goes on")

    def specs_changed(self, error: OurvidzError | None) -> None:
        if error is None:
            self._say("job types read again")
        else:
            log.error("job types changed but cannot be used; the old ones stay in use\n%s", error)

    def stopped(self, jobs: int) -> None:
        if not jobs and not self._has_waited:
            self._say("no job waits")

    def _say(self, text: str, job_id: str | None = None) -> None:
        """Print a line; ``job_id``: the job that lines below it may belong to."""
        self._printed = job_id
        self._line.clear()
        self._output.write(text)


class _JsonLines(Observer):
    """One JSON object a line for everything that happens."""

    def __init__(self, output: StandardOutput) -> None:
        self._output = output

    def model_loading(self, model: str) -> None:
        self._say("model_loading", model=model)

    def model_loaded(self, model: str, seconds: float) -> None:
        self._say("model_loaded", model=model, seconds=round(seconds, 3))

    def model_unloaded(self, model: str, why: str) -> None:
        self._say("model_unloaded", model=model, why=why)

    def ready(self) -> None:
        self._say("ready")

    def idle(self) -> None:
        self._say("idle")

    def job_started(self, claim: Claim) -> None:
        self._say("job_started", jobId=claim.lease.job_id, jobType=claim.job_type, attempt=claim.attempt)

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self._say("step", jobId=job_id, stage=stage, step=step, steps=steps)

    def stopping(self) -> None:
        self._say("stopping")

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        self._say(
            "job_completed",
            jobId=claim.lease.job_id,
            seconds=round(seconds, 3),
            # Such lines are a log.
            result=result.model_dump(mode="json", exclude={"parameters": set(PRIVATE)}),
        )

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        self._say("job_told", jobId=job_id, places=list(places))

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        error = failure.model_dump() if failure else None
        self._say("job_ended", jobId=claim.lease.job_id, outcome=outcome, error=error)

    def breaker(self, event: BreakerEvent) -> None:
        self._say(
            f"job_type_{event.kind}",
            jobType=event.job_type,
            failures=event.failures,
            error=event.reason.model_dump(),
            seconds=event.seconds,
        )

    def specs_changed(self, error: OurvidzError | None) -> None:
        self._say("specs_changed", error=error_json(error) if error else None)

    def stopped(self, jobs: int) -> None:
        self._say("stopped", jobs=jobs)

    def _say(self, event: str, **values: Any) -> None:
        self._output.write(json.dumps({"event": event, **values}))
