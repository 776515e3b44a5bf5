"""Submit, look, cancel, retry: what is printed for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ourvidz.cli.jobs import status_facts
from ourvidz.jobs.results import Asset, Fallback, Result
from ourvidz.jobs.states import Reason
from ourvidz.runtime.client import Client, JobStatus
from ourvidz.runtime.worker import Worker
from tests.cli.conftest import CommandLine
from tests.site import Site


@pytest.fixture
def folder(site: Site) -> Path:
    """Commands run where the placeholder family has a job type."""
    return site.root


def read(ourvidz: CommandLine, command: str) -> Any:
    run = ourvidz(f"{command} --json")
    assert (run.status, run.stderr) == (0, "")
    return json.loads(run.stdout)


def submit(ourvidz: CommandLine, options: str = "") -> str:
    job_id: str = read(ourvidz, f"submit placeholder_fast --prompt 'a red barn' {options}")["jobId"]
    return job_id


def work(site: Site) -> None:
    with Worker(site.project(), "placeholder") as worker:
        worker.run(burst=True)


def facts(text: str) -> dict[str, str]:
    return {line[:14].rstrip(): line[14:] for line in text.splitlines()}


class TestStatus:
    def test_a_waiting_job_has_a_place_in_the_queue_and_nothing_that_is_not_there(
        self, ourvidz: CommandLine
    ) -> None:
        submit(ourvidz)
        status = read(ourvidz, f"status {submit(ourvidz)}")
        assert status.pop("submittedAt") > 0
        assert status.pop("jobId")
        assert status == {
            "jobType": "placeholder_fast",
            "effectiveJobType": "placeholder_fast",
            "status": "queued",
            "estimatedTime": 2.0,
            "queuePosition": 2,
            "workerType": "PLACEHOLDER",
            "attempt": 0,
            "places": [],
        }

    def test_a_completed_job_has_results_and_no_place_in_the_queue(
        self, ourvidz: CommandLine, site: Site
    ) -> None:
        job_id = submit(ourvidz)
        work(site)
        status = read(ourvidz, f"status {job_id}")
        assert status["status"] == "completed"
        assert {"queuePosition", "progress", "error"} & set(status) == set()
        assert status["result"]["parameters"]["prompt"] == "a red barn"
        assert [Path(place).suffix for place in status["places"]] == [".png", ".webp", ".json"]
        assert all(Path(place).is_file() for place in status["places"])

    def test_people_read_it_line_by_line(self, ourvidz: CommandLine, site: Site) -> None:
        job_id = submit(ourvidz)
        waiting = facts(ourvidz(f"status {job_id}").stdout)
        assert waiting["job"] == job_id
        assert (waiting["state"], waiting["position"], waiting["done in"]) == ("queued", "1", "about 1 s")
        work(site)
        done = facts(ourvidz(f"status {job_id}").stdout)
        assert done["state"] == "completed"
        assert done["made"] == "image 64x48"
        assert [part.split()[0] for part in done["took"].split(", ")] == [
            "load",
            "generate",
            "check",
            "encode",
            "store",
        ]
        assert {"profile", "GPU memory"} & set(done) == set()
        assert done["result"].endswith(f"{job_id}/1-0.png")

    def test_people_read_what_was_really_made_and_what_it_took(self, site: Site) -> None:
        result = Result(
            job_type="films_high",
            effective_job_type="films",
            spec_digest="sha256:0",
            submitted_digest=None,
            attempt=1,
            assets=tuple(
                Asset(
                    bucket="films",
                    path=f"{index}.mp4",
                    mime="video/mp4",
                    size=1,
                    sha256="0" * 64,
                    type="video",
                    index=index,
                    seed=index,
                    width=240,
                    height=416,
                    frames=33,
                    duration=33 / 16,
                )
                for index in range(2)
            ),
            parameters={},
            fallback=Fallback(because=Reason(code="out_of_memory", message="no room"), dropped={"steps": 40}),
            profile="demo",
            fingerprint={},
            reviews={},
            seconds={"load": 0.0, "generate": 21.84},
            peak_memory=11_960_000_000,
        )
        status = JobStatus(
            job_id="0b5cbb0e-6f5e-4d0c-8b2a-6a2a8d2f3c11",
            job_type="films",
            effective_job_type="films",
            status="completed",
            estimated_time=0,
            queue_position=None,
            worker_type="PLACEHOLDER",
            attempt=1,
            submitted_at=0,
            started_at=0,
            finished_at=0,
            progress=None,
            result=result,
            error=None,
            stopped_on=(),
        )
        shown = dict(status_facts(site.project(), status))
        assert shown["made"] == "2 videos, 240x416, 33 frames in 2.06 s"
        assert shown["because"] == "films_high: no room [out_of_memory]"
        assert shown["dropped"] == "steps=40, which films does not take"
        assert shown["profile"] == "demo, which makes less than the job type says"
        assert shown["took"] == "load 0.0 s, generate 21.8 s"
        assert shown["GPU memory"] == "12.0 GB at most"


class TestSubmit:
    def test_people_get_the_id_alone(self, ourvidz: CommandLine) -> None:
        run = ourvidz("submit placeholder_fast --prompt 'a red barn'")
        assert run.stdout.strip() in [one["jobId"] for one in read(ourvidz, "jobs")]

    def test_everything_that_is_asked_for_is_in_the_result(self, ourvidz: CommandLine, site: Site) -> None:
        job_id = submit(ourvidz, "--negative-prompt fog --seed 7 --images 3 --set steps=2 --set step_time=0")
        work(site)
        result = read(ourvidz, f"status {job_id}")["result"]
        assert [asset["seed"] for asset in result["assets"]] == [7, 8, 9]
        made = result["parameters"]
        assert (made["negative_prompt"], made["num_images"], made["steps"]) == ("fog", 3, 2)

    def test_a_job_of_higher_priority_starts_earlier(self, ourvidz: CommandLine) -> None:
        submit(ourvidz)
        assert read(ourvidz, f"status {submit(ourvidz, '--priority 5')}")["queuePosition"] == 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ("--prompt ''", "prompt: found a text of 0 characters, expected a text of 1 to 10000"),
            ("--prompt x --user bob", "user_id: found 'bob', expected a UUID"),
            ("--prompt x --images 2", "num_images: 2 is not offered by placeholder_fast, expected one of"),
            ("--prompt x --images 99", "num_images: found 99, expected a whole number from 1 to 16"),
            ("--prompt x --seed 9007199254740992", "seed: found 9007199254740992, expected a whole number"),
            ("--prompt x --seed 9007199254740991 --images 3", "seed: 9007199254740991 leaves no room for 3"),
            ("--prompt x --set steps=0", "steps: 0 is out of bounds, expected a number from 1 to 1000"),
            ("--prompt x --set steps=1e9", "steps: 1000000000.0 is out of bounds, expected a number from"),
            ("--prompt x --set steps=1_0", "steps: 1_0 is out of bounds, expected a number from 1 to 1000"),
            ("--prompt x --set steps=true", "steps: true is out of bounds, expected a number from 1 to 1000"),
            ("--prompt x --set steps=4.5", "steps: found 4.5, expected a whole number"),
            ("--prompt x --set step=4", "step: a request may not choose it; did you mean steps?"),
            ("--prompt x --set Steps=4", "params.Steps: not a known name, expected a parameter's name"),
            ("--prompt x --input photo=a/b", "inputs.photo: not a known name, expected init_image or"),
            ("--prompt x --input init_image=7", "inputs.init_image: found '7', expected a storage key"),
            ("--prompt x --input init_image=a/b", "inputs.init_image: placeholder_fast does not take it"),
            ("--prompt x --image lost.png", "lost.png: placeholder_fast does not take an init image"),
            (
                "--prompt x --image lost.png --input init_image=a/b",
                "inputs.init_image: found a storage key and an image, expected one of the two",
            ),
        ],
    )
    def test_what_a_job_type_cannot_do_is_refused_in_the_words_of_the_request(
        self, ourvidz: CommandLine, options: str, message: str
    ) -> None:
        run = ourvidz(f"submit placeholder_fast {options}")
        assert (run.status, run.stdout) == (1, "")
        assert run.stderr.startswith(f"error: {message}")
        assert read(ourvidz, "jobs") == []

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ("", "Missing option '--prompt'"),
            ("--prompt x --seed -1", "'--seed': -1 is not in the range x>=0"),
            ("--prompt x --images 0", "'--images': 0 is not in the range x>=1"),
            ("--prompt x --priority 101", "'--priority': 101 is not in the range"),
            ("--prompt x --set steps", "'--set': found 'steps', expected NAME=VALUE"),
            ("--prompt x --set =4", "'--set': found '=4', expected NAME=VALUE"),
            ("--prompt x --set steps=4 --set steps=5", "'--set': steps is given twice"),
            ("--prompt x --input photo", "'--input': found 'photo', expected NAME=KEY"),
        ],
    )
    def test_what_cannot_be_meant_is_a_usage_error(
        self, ourvidz: CommandLine, options: str, message: str
    ) -> None:
        run = ourvidz(f"submit placeholder_fast {options}")
        assert run.status == 2
        assert message in run.stderr


class TestJobs:
    def test_jobs_are_listed_newest_first_and_filtered(self, ourvidz: CommandLine, site: Site) -> None:
        done = submit(ourvidz)
        work(site)
        waiting = [submit(ourvidz) for _ in range(2)]
        assert [one["jobId"] for one in read(ourvidz, "jobs")] == [*reversed(waiting), done]
        assert [one["jobId"] for one in read(ourvidz, "jobs --state completed")] == [done]
        assert [one["jobId"] for one in read(ourvidz, "jobs --limit 1")] == [waiting[-1]]
        assert len(read(ourvidz, "jobs --queue placeholder_queue --jobtype placeholder_fast")) == 3
        header, first, *_ = ourvidz("jobs").stdout.splitlines()
        assert header.split() == ["job", "type", "state", "position", "step", "submitted", "error"]
        assert first.split()[:4] == [waiting[-1], "placeholder_fast", "queued", "2"]

    def test_none_of_a_known_kind_is_no_error_and_a_mistyped_name_is(self, ourvidz: CommandLine) -> None:
        run = ourvidz("jobs --queue placeholder_queue --jobtype placeholder_fast")
        assert (run.status, run.stdout) == (0, "there are no jobs\n")
        run = ourvidz("jobs --queue placeholder_queu")
        assert (run.status, run.stdout) == (4, "")
        assert run.stderr == "error: there is no queue 'placeholder_queu'; did you mean placeholder_queue?\n"


class TestCancelAndRetry:
    def test_a_waiting_job_ends_at_once_and_can_be_queued_again(self, ourvidz: CommandLine) -> None:
        job_id = submit(ourvidz)
        assert read(ourvidz, f"cancel {job_id}") == {"jobId": job_id, "status": "cancelled"}
        assert read(ourvidz, f"status {job_id}")["status"] == "cancelled"
        assert read(ourvidz, f"retry {job_id}") == {"jobId": job_id, "status": "queued"}
        assert ourvidz(f"cancel {job_id}").stdout == "cancelled\n"
        assert ourvidz(f"retry {job_id}").stdout == f"{job_id} is queued again\n"

    def test_a_running_job_is_asked_to_stop(self, ourvidz: CommandLine, site: Site) -> None:
        job_id = submit(ourvidz)
        with Client.open(site.project()) as client:
            client.queue.claim(["placeholder_queue"], worker="w", lease_seconds=60, nonce="n")
            assert read(ourvidz, f"status {job_id}")["status"] == "processing"
            assert ourvidz(f"cancel {job_id}").stdout == "asked to stop; it ends at its next step\n"

    def test_what_a_job_is_past_is_a_conflict(self, ourvidz: CommandLine) -> None:
        job_id = submit(ourvidz)
        run = ourvidz(f"retry {job_id} --json")
        assert (run.status, json.loads(run.stderr)["error"]["code"]) == (1, "job_state_conflict")
        ourvidz(f"cancel {job_id}")
        assert ourvidz(f"cancel {job_id}").stderr.startswith(f"error: job {job_id} has ended")


class TestQueues:
    def test_depth_and_waiting_time_are_told(self, ourvidz: CommandLine) -> None:
        for _ in range(2):
            submit(ourvidz)
        (queue,) = read(ourvidz, "queues")
        assert 0 <= queue.pop("oldestSeconds") < 60
        assert queue == {
            "queue": "placeholder_queue",
            "purpose": "",
            "waiting": 2,
            "waitingByJobType": {"placeholder_fast": 2},
            "delayed": 0,
            "processing": 0,
            "commandsAMonth": None,
            "stopped": [],
            "estimatedWait": 2.0,
        }
        assert "about 2 s" in ourvidz("queues").stdout


class TestDeadLetters:
    @pytest.fixture
    def letter(self, ourvidz: CommandLine, site: Site) -> int:
        """A payload that is no job, and would repaint a terminal."""
        with Client.open(site.project()) as client:
            client.queue.push("placeholder_queue", b"\x1b[2Jgarbage\xff")
        work(site)
        (letter,) = read(ourvidz, "dead-letters list")
        number: int = letter["id"]
        return number

    def test_a_letter_is_listed_and_shown_without_effect_on_the_terminal(
        self, ourvidz: CommandLine, letter: int
    ) -> None:
        shown = read(ourvidz, f"dead-letters show {letter}")
        assert shown["error"]["code"] == "envelope_invalid"
        assert shown["payload"] == "\x1b[2Jgarbage\\xff"
        assert shown["diedAt"] > 0
        for command in ("list", f"show {letter}"):
            assert "\x1b" not in ourvidz(f"dead-letters {command}").stdout

    def test_a_letter_can_be_tried_again(self, ourvidz: CommandLine, letter: int) -> None:
        assert ourvidz(f"dead-letters retry {letter}").stdout == f"dead letter {letter} is queued again\n"
        assert ourvidz(f"dead-letters show {letter}").status == 4

    def test_old_letters_are_forgotten(self, ourvidz: CommandLine, letter: int) -> None:
        assert read(ourvidz, "dead-letters purge") == {"purged": 0}
        assert ourvidz("dead-letters purge --older-than 0s").stdout == "1 dead letter forgotten\n"
        assert ourvidz("dead-letters list").stdout == "there are no dead letters\n"

    @pytest.mark.parametrize("time", ["5", "soon", "-1s"])
    def test_a_time_needs_a_unit(self, ourvidz: CommandLine, time: str) -> None:
        run = ourvidz(f"dead-letters purge --older-than={time}")
        assert run.status == 2
        assert f"'--older-than': found '{time}'" in run.stderr
