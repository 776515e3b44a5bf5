"""Whatever is pushed is afterwards a job, a dead letter or a duplicate."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ourvidz.jobs.envelope import EnvelopeInvalid
from ourvidz.jobs.wire import read_envelope
from tests.conformance.jobs import result
from tests.conformance.site import claim, told
from tests.jobs.malformed import malformed_payloads
from tests.runtime.sqlite_site import SqliteSite


def job_id_of(payload: bytes) -> str | None:
    try:
        return read_envelope(payload).job_id
    except EnvelopeInvalid:
        return None


@settings(max_examples=40)
@given(st.lists(malformed_payloads(), max_size=8))
def test_nothing_that_is_pushed_is_lost(payloads: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(SqliteSite(Path(folder) / "q").open()) as queue:
        for payload in payloads:
            queue.push("sdxl_queue", payload)
        claimed = []
        while found := claim(queue):
            claimed.append(found.lease.job_id)
            queue.complete(found.lease, result(found))
        ids = [job_id_of(payload) for payload in payloads]
        assert sorted(claimed) == sorted({one for one in ids if one is not None})
        buried = [letter.payload for letter in queue.dead_letters.list(limit=100)]
        assert sorted(buried) == sorted(
            payload for payload, one in zip(payloads, ids, strict=True) if one is None
        )
        events: list[str] = []
        while more := told(queue):
            events += [event.job_id for event in more if event.status == "completed"]
        assert sorted(events) == sorted(claimed)
