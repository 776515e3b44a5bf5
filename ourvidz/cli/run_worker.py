"""``ourvidz run-worker``: take jobs and make what they ask for."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import click

from ourvidz.cli.context import Invocation, place_options
from ourvidz.cli.output import json_option
from ourvidz.cli.progress import ProgressLine
from ourvidz.jobs.queue import Claim
from ourvidz.jobs.results import Result
from ourvidz.jobs.states import Failure
from ourvidz.runtime.observer import Observer
from ourvidz.runtime.worker import Worker
from ourvidz.spec.problems import SpecInvalid


@click.command("run-worker")
@click.option("--plugin", required=True, metavar="NAME", help="The model family to run, such as sdxl.")
@click.option("--burst", is_flag=True, help="Stop when nothing waits.")
@click.option("--once", is_flag=True, help="Take one job at most, then stop.")
@click.option("--jobtype", metavar="ID", help="Take jobs of this type only.")
@click.option("--profile", metavar="NAME", help="A profile of ourvidz.yaml for a small machine.")
@json_option
@place_options
def run_worker(
    place: Invocation,
    plugin: str,
    burst: bool,
    once: bool,
    jobtype: str | None,
    profile: str | None,
    as_json: bool,
) -> None:
    """Take jobs and make what they ask for.

    Consumes every queue of the plugin's job types. SIGTERM or Ctrl-C finishes the running job and
    takes no more; a second one stops at once and hands the job back.
    """
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    observer = _JsonLines() if as_json else _People()
    with Worker(place.open(), plugin, job_type=jobtype, profile=profile, observer=observer) as worker:
        worker.prepare()
        worker.run(burst=burst, once=once)


class _People(Observer):
    """Progress on a terminal while a job runs; a line and its paths when it is done."""

    def __init__(self) -> None:
        self._line = ProgressLine()

    def model_loading(self, model: str) -> None:
        self._line.show(f"loading {model}")

    def model_loaded(self, model: str, seconds: float) -> None:
        self._say(f"loaded {model} in {seconds:.1f} s")

    def idle(self) -> None:
        self._say("waiting for jobs")

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self._line.show(f"{job_id[:8]}  {stage}", step, steps)

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        self._say(f"{claim.lease.job_id}  {result.effective_job_type}  completed in {seconds:.1f} s")

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        for place in places:
            self._say(f"  {place}")

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        why = f": {failure.message} [{failure.code}]" if failure else ""
        self._say(f"{claim.lease.job_id}  {claim.job_type}  {outcome}{why}")

    def specs_changed(self, error: SpecInvalid | None) -> None:
        if error is None:
            self._say("job types read again")
        else:
            self._say(f"{error}\njob types changed but are not valid; the old ones stay in use", err=True)

    def _say(self, text: str, *, err: bool = False) -> None:
        self._line.clear()
        click.echo(text, err=err)


class _JsonLines(Observer):
    """One JSON object a line for everything that happens."""

    def model_loaded(self, model: str, seconds: float) -> None:
        self._say("model_loaded", model=model, seconds=round(seconds, 3))

    def idle(self) -> None:
        self._say("idle")

    def job_started(self, claim: Claim) -> None:
        self._say("job_started", jobId=claim.lease.job_id, jobType=claim.job_type, attempt=claim.attempt)

    def step(self, job_id: str, stage: str, step: int, steps: int) -> None:
        self._say("step", jobId=job_id, stage=stage, step=step, steps=steps)

    def job_completed(self, claim: Claim, result: Result, seconds: float) -> None:
        self._say(
            "job_completed",
            jobId=claim.lease.job_id,
            seconds=round(seconds, 3),
            result=result.model_dump(mode="json"),
        )

    def job_told(self, job_id: str, places: Sequence[str]) -> None:
        self._say("job_told", jobId=job_id, places=list(places))

    def job_ended(self, claim: Claim, outcome: str, failure: Failure | None) -> None:
        error = failure.model_dump() if failure else None
        self._say("job_ended", jobId=claim.lease.job_id, outcome=outcome, error=error)

    def specs_changed(self, error: SpecInvalid | None) -> None:
        problems = [problem.as_json() for problem in error.problems] if error else []
        self._say("specs_changed", problems=problems)

    def _say(self, event: str, **values: Any) -> None:
        click.echo(json.dumps({"event": event, **values}))
