"""What a client learns of its jobs."""

from __future__ import annotations

import pytest

from ourvidz.errors import RequestInvalid
from ourvidz.jobs.envelope import MAX_PAYLOAD
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


def test_a_request_that_no_queue_would_take_gets_no_id(client: Client) -> None:
    with pytest.raises(RequestInvalid, match=r"payload: found .* bytes, expected at most"):
        client.submit("placeholder_fast", prompt="a barn", metadata={"note": "y" * MAX_PAYLOAD})
    assert client.jobs() == []
    assert client.queue.dead_letters.list() == []
