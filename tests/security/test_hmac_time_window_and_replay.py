"""A callback counts once, for 300 s, and only as it was signed.

What is tried is the receiver of docs/how-to/receive-callbacks.md, in both of its languages.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest

from ourvidz.runtime.callback.signing import Key, signatures
from tests.conformance.callback import entry
from tests.export.compilation import compile_modules
from tests.runtime.receivers import (
    KEY_ID,
    SECRET,
    DocumentedFunction,
    documented,
    documented_receiver,
    serving,
)
from tests.runtime.test_http_callback import open_callback

JULY, AUGUST = Key("july", "0123456789abcdef" * 4), Key("august", "fedcba9876543210" * 4)
NOW = 1751371200
BODY = '{"job_id": "é"}'.encode()


def known(*keys: Key) -> dict[str, str]:
    return {key.id: key.secret for key in keys}


@pytest.fixture
def receiver(tmp_path: Path) -> ModuleType:
    return documented_receiver(tmp_path)


#: What is sent, what the receiver knows, and whether it takes it. Each is tried in both languages.
CASES: dict[str, tuple[Mapping[str, str], bytes, Mapping[str, str], float, bool]] = {
    "as it was signed": (signatures([JULY], NOW, BODY), BODY, known(JULY), NOW, True),
    "nearly too old": (signatures([JULY], NOW, BODY), BODY, known(JULY), NOW + 300, True),
    "nearly too early": (signatures([JULY], NOW, BODY), BODY, known(JULY), NOW - 300, True),
    "too old": (signatures([JULY], NOW, BODY), BODY, known(JULY), NOW + 301, False),
    "too early": (signatures([JULY], NOW, BODY), BODY, known(JULY), NOW - 301, False),
    "another body": (signatures([JULY], NOW, BODY), BODY + b" ", known(JULY), NOW, False),
    "a renewed time": (
        {**signatures([JULY], NOW - 1000, BODY), "X-Ourvidz-Timestamp": str(NOW)},
        BODY,
        known(JULY),
        NOW,
        False,
    ),
    "another secret": (
        signatures([Key("july", AUGUST.secret)], NOW, BODY),
        BODY,
        known(JULY),
        NOW,
        False,
    ),
    "an unknown key": (signatures([AUGUST], NOW, BODY), BODY, known(JULY), NOW, False),
    "the key of nobody": (signatures([Key("", "")], NOW, BODY), BODY, known(JULY), NOW, False),
    "the key of a built-in name": (
        signatures([Key("toString", "")], NOW, BODY),
        BODY,
        known(JULY),
        NOW,
        False,
    ),
    "exchange: two sent, the old known": (
        signatures([JULY, AUGUST], NOW, BODY),
        BODY,
        known(JULY),
        NOW,
        True,
    ),
    "exchange: two sent, the new known": (
        signatures([JULY, AUGUST], NOW, BODY),
        BODY,
        known(AUGUST),
        NOW,
        True,
    ),
    "exchange: one sent, both known": (
        signatures([AUGUST], NOW, BODY),
        BODY,
        known(JULY, AUGUST),
        NOW,
        True,
    ),
    "not signed": ({}, BODY, known(JULY), NOW, False),
    "no time": (
        {"X-Ourvidz-Signature": signatures([JULY], NOW, BODY)["X-Ourvidz-Signature"]},
        BODY,
        known(JULY),
        NOW,
        False,
    ),
    "a time in words": (
        {**signatures([JULY], NOW, BODY), "X-Ourvidz-Timestamp": "now"},
        BODY,
        known(JULY),
        NOW,
        False,
    ),
    "a signature cut short": (
        {**signatures([JULY], NOW, BODY), "X-Ourvidz-Signature": "july=" + JULY.sign(BODY)[:8]},
        BODY,
        known(JULY),
        NOW,
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_documented_receiver_in_python_takes_what_is_ours_and_new(
    name: str, receiver: ModuleType
) -> None:
    sent, body, keys, now, taken = CASES[name]
    headers = Message()
    for header, value in sent.items():
        headers[header] = value
    assert receiver.verify(headers, body, keys, now) is taken


def test_the_documented_receiver_in_typescript_takes_the_same(tmp_path: Path) -> None:
    assert compile_modules(tmp_path, {"receiver.ts": documented("receiver.ts")}) == ""
    cases = {
        name: {"headers": dict(sent), "body": body.decode(), "keys": dict(keys), "now": now}
        for name, (sent, body, keys, now, _) in CASES.items()
    }
    script = """
        const { verify } = await import("./out/receiver.js");
        const taken = {};
        for (const [name, one] of Object.entries(JSON.parse(process.argv[1]))) {
            const body = new TextEncoder().encode(one.body);
            taken[name] = await verify(new Headers(one.headers), body, one.keys, one.now);
        }
        console.log(JSON.stringify(taken));
    """
    node = ["node", "--input-type=module", "--eval", script, json.dumps(cases)]
    printed = subprocess.run(node, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert json.loads(printed) == {name: taken for name, (*_, taken) in CASES.items()}


def test_what_was_recorded_and_sent_again_changes_nothing(tmp_path: Path, receiver: ModuleType) -> None:
    jobs = receiver.Jobs(str(tmp_path / "received.sqlite3"))
    processing, failed = entry("processing", sequence=1000001), entry("failed", sequence=1999999)
    assert jobs.apply(json.loads(processing.body))
    assert jobs.apply(json.loads(failed.body))
    assert not jobs.apply(json.loads(failed.body))
    assert not receiver.Jobs(str(tmp_path / "received.sqlite3")).apply(json.loads(processing.body))


def test_hmac_time_window_and_replay(
    tmp_path: Path, receiver: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody records what a worker really sends, and sends it again: soon, late, and changed."""
    monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"{KEY_ID}:{SECRET}")
    jobs = receiver.Jobs(str(tmp_path / "received.sqlite3"))
    function = DocumentedFunction(module=receiver, jobs=jobs)
    told = entry("failed", sequence=1999999)
    with serving(function) as url:
        open_callback(url).deliver(entry("processing", sequence=1000001))
        open_callback(url).deliver(told)
    processing, failed = function.requests
    state = function.event(told.job_id)
    assert state is not None
    assert state["status"] == "failed"
    for recorded in (processing, failed):
        assert function.take(recorded) == 204
        assert function.event(told.job_id) == state
    for recorded in (processing, failed):
        late = time.time() + 301
        assert not receiver.verify(recorded.headers, recorded.body, {KEY_ID: SECRET}, late)
        changed = recorded.body.replace(b"failed", b"completed").replace(b"processing", b"completed")
        assert not receiver.verify(recorded.headers, changed, {KEY_ID: SECRET}, time.time())
