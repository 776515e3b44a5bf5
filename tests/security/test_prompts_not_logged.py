"""What users wish for stands in no log and no error; it takes the level DEBUG to see more.

The real command line, whose worker meets every way in which a job can go wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ourvidz.jobs.queue import Queue
from tests.conformance.jobs import SUBMITTED, USER, job_id
from tests.runtime.brittle_site import BrittleSite
from tests.runtime.redis_server import RedisServer
from tests.security.test_secrets_redacted import PROGRAM, run
from tests.site import Site

WISH = "a harbour of the wished-for kind"

WORK = ("run-worker", "--plugin", "brittle", "--burst")


@pytest.fixture
def brittle(site: Site) -> BrittleSite:
    return BrittleSite(site)


def fields(number: int, **changes: object) -> dict[str, object]:
    return {
        "version": 1,
        "job_id": job_id(number),
        "job_type": "brittle_fast",
        "user_id": USER,
        "prompt": WISH,
        "negative_prompt": WISH,
        "submitted_at": SUBMITTED.isoformat(),
        "metadata": {"title": WISH},
        **changes,
    }


#: What is pushed, and the code with which it ends.
JOBS: dict[str, dict[str, object]] = {
    "completed": {},
    "parameter_refused": {"params": {"levels": 3}},
    "unknown_job_type": {"job_type": "sdxl_unknown"},
    "refused": {"prompt": f"{WISH}\0"},
    "envelope_invalid": {"prompt": [WISH]},
}


def push(queue: Queue, payloads: list[dict[str, object]]) -> None:
    for one in payloads:
        queue.push("brittle_queue", json.dumps(one).encode())


def everything_said(site: Site, worker: Sequence[str] = WORK) -> str:
    commands = [worker, ("jobs",), ("dead-letters", "list"), ("queues",)]
    runs = [site.ourvidz(*command) for command in commands]
    return "".join(one.stdout + one.stderr for one in runs)


@pytest.mark.parametrize("worker", [WORK, (*WORK, "--json")], ids=" ".join)
def test_prompts_not_logged(brittle: BrittleSite, worker: Sequence[str]) -> None:
    with brittle.queue() as queue:
        push(queue, [fields(number, **changes) for number, changes in enumerate(JOBS.values())])
        queue.push("brittle_queue", json.dumps(fields(90)).encode()[:-1])
        queue.push("brittle_queue", json.dumps(WISH).encode())
    said = everything_said(brittle.site, worker)
    for code in JOBS:
        assert code in said, code
    assert WISH not in said
    assert "wished" not in said


def test_an_error_of_a_library_that_quotes_a_prompt_is_told_without_its_text(brittle: BrittleSite) -> None:
    brittle.goes_wrong("quotation")
    with brittle.queue() as queue:
        push(queue, [fields(0)])
    said = everything_said(brittle.site)
    assert "raised ValueError" in said
    assert "wished" not in said


def test_whoever_switches_debug_on_sees_it(brittle: BrittleSite) -> None:
    """So the tests here would see it, too."""
    brittle.goes_wrong("quotation")
    with brittle.queue() as queue:
        push(queue, [fields(0)])
    assert WISH in run(brittle.site, PROGRAM, *WORK)


def test_a_server_that_quotes_a_command_is_not_repeated(
    brittle: BrittleSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Redis does with a command that it does not know, or that its operator has taken away."""
    server = RedisServer(tmp_path / "redis", "--rename-command", "LPUSH", "")
    server.start()
    try:
        monkeypatch.setenv("OURVIDZ_QUEUE_URL", server.url)
        said = brittle.site.ourvidz("submit", "brittle_fast", "--prompt", WISH)
    finally:
        server.stop()
    assert "unknown command 'LPUSH'" in said.stderr
    assert "wished" not in said.stderr + said.stdout
