"""Signatures that a receiver can check: keys, their exchange, the time window, and replays."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from types import ModuleType

import pytest

from ourvidz.runtime.callback.signing import CallbackSecretInvalid, Key, read_keys, read_token, signatures
from tests.conformance.callback import entry
from tests.export.compilation import compile_modules
from tests.runtime.receivers import documented, documented_receiver

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


def test_one_or_two_keys_are_read_from_the_environment() -> None:
    assert read_keys({}) == read_keys({"OURVIDZ_CALLBACK_KEYS": " "}) == ()
    one = f"july:{JULY.secret}"
    assert read_keys({"OURVIDZ_CALLBACK_KEYS": one}) == (JULY,)
    assert read_keys({"OURVIDZ_CALLBACK_KEYS": f"{one}, august:{AUGUST.secret}"}) == (JULY, AUGUST)


SECRET = "not-to-be-shown-0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECRET, "key 1 cannot be read"),
        (f"july:{JULY.secret},{SECRET}", "key 2 cannot be read"),
        (f"july:{SECRET},", "key 2 cannot be read"),
        (f"july key:{SECRET}", "key 1 cannot be read"),
        (f"july:{SECRET} {SECRET}", "key 1 cannot be read"),
        (f"july:{SECRET},july:{SECRET}", "two keys of one id"),
        (f"a:{SECRET},b:{SECRET},c:{SECRET}", "found 3 keys"),
        ("july:not-to-be-shown", "has 15 characters, expected at least 32"),
    ],
)
def test_keys_that_cannot_be_meant_are_refused_and_not_shown(text: str, message: str) -> None:
    with pytest.raises(CallbackSecretInvalid, match=message) as error:
        read_keys({"OURVIDZ_CALLBACK_KEYS": text})
    assert "not-to-be-shown" not in str(error.value)
    assert "openssl rand -hex 32" in str(error.value)


def test_a_token_that_could_end_a_header_is_refused_and_not_shown() -> None:
    assert read_token({}) is None
    assert read_token({"OURVIDZ_CALLBACK_TOKEN": f"{SECRET}\n"}) == SECRET
    with pytest.raises(CallbackSecretInvalid, match="one word of ASCII") as error:
        read_token({"OURVIDZ_CALLBACK_TOKEN": f"{SECRET}\r\nX-Other: 1"})
    assert SECRET not in str(error.value)


def test_a_key_does_not_show_its_secret() -> None:
    assert JULY.secret not in repr(JULY)
