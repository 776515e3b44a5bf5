"""What a client learns of its jobs."""

from __future__ import annotations

import pytest

from ourvidz.jobs.queue import JobNotFound
from ourvidz.runtime.client import Client

JOB = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


def test_a_payload_that_never_became_a_job_is_found_among_the_dead_letters(client: Client) -> None:
    client.queue.push("placeholder_queue", b'{"version": 1, "job_id": "%s"}' % JOB.encode())
    letter = client.queue.dead_letters.list()[0]
    with pytest.raises(JobNotFound, match=f"dead-letters show {letter.id}`: .*prompt: missing"):
        client.status(JOB)


def test_an_id_that_was_never_pushed_is_not_found(client: Client) -> None:
    with pytest.raises(JobNotFound) as caught:
        client.status(JOB)
    assert "dead letter" not in str(caught.value)
