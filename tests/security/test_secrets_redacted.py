"""No secret stands in anything that ourvidz prints, logs, records or sends on.

The real command line, with DEBUG logs of all libraries on, against servers that refuse everything and
repeat what they were sent. Every secret has the same mark in it, so that no part of one goes unseen.
"""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from ourvidz.errors import OurvidzError
from ourvidz.project import Project
from ourvidz.runtime.backends import open_callback, open_queue, open_storage
from ourvidz.runtime.client import Client
from ourvidz.runtime.worker import Worker
from tests.plugins.init_images.files import landscape
from tests.runtime.receivers import Function, serving
from tests.runtime.test_own_pictures import REQUIRED
from tests.servers.echoes import http_echo, redis_echo
from tests.site import Site

MARK = "plantedK7xQ"
SECRETS = {
    "OURVIDZ_QUEUE_TOKEN": f"upstash-{MARK}-token-0123456789",
    "SUPABASE_SERVICE_ROLE_KEY": f"sb_secret_{MARK}_0123456789",
    "OURVIDZ_CALLBACK_KEYS": f"july:callback-{MARK}-key-0123456789abcdef",
    "OURVIDZ_CALLBACK_TOKEN": f"callback-{MARK}-token-0123456789",
    "HF_TOKEN": f"hf_{MARK}0123456789",
}
PASSWORD = f"redis-{MARK}-p%40ss"
SIGNED = f"https://127.0.0.1/photo.png?token=signed-{MARK}"

#: Ways to a server whose URL may hold, or seem to hold, a password.
SCHEMES: list[tuple[str, Callable[[Project], Any], str]] = [
    *(("QUEUE", open_queue, one) for one in ("redis", "rediss", "https", "http")),
    ("STORAGE", open_storage, "supabase-signed:https"),
    *(("CALLBACK", open_callback, one) for one in ("https", "http")),
]
BETWEEN = ("", "/", "?", "#", "&", "?a&", "[", "℀", "@", " ", "\n", "%")
RESTS = (
    *("host:port", "[host", "ho st", "host/first", "host?option=1", "host#x", "host:99999999", "", "host℀"),
    *(f"host?{MARK}", f"host?{MARK}=1", f"host#{MARK}", f"host/{MARK}", f"host:{MARK}"),
)

#: The command line with every log that there is.
PROGRAM = """\
import logging
logging.basicConfig(level=logging.DEBUG)
from ourvidz.cli.main import main
main()
"""

WORK = "run-worker --plugin placeholder --burst"
SUBMIT = "submit placeholder_fast --prompt barn"


@pytest.fixture(autouse=True)
def _secrets(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, secret in SECRETS.items():
        monkeypatch.setenv(variable, secret)
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text() + "review: {outputs: elsewhere}\ninput_urls: true\n")
    landscape(80, 60).save(site.root / "photo.png")


def ourvidz(site: Site, command: str, **environment: str) -> str:
    """All that a command says."""
    return run(site, PROGRAM, *command.split(), **environment)


def run(site: Site, program: str, *arguments: str, **environment: str) -> str:
    """All that a program says."""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program, *arguments],
        cwd=site.root,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert ended.stdout
    return ended.stdout


def assert_nowhere(site: Site, said: str) -> None:
    """Not in what was said, nor in any file of the project."""
    written = {str(one): one.read_bytes() for one in site.root.rglob("*") if one.is_file()}
    for place, text in {"what was said": said.encode(), **written}.items():
        at = text.find(MARK.encode())
        assert at < 0, f"{place}: {text[max(0, at - 300) : at + 100]!r}"


def test_what_stands_in_a_url_that_cannot_be_meant(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords have characters in them that should have been escaped."""
    project, told = site.project(), {}
    for (kind, opened, scheme), between, rest in itertools.product(SCHEMES, BETWEEN, RESTS):
        url = f"{scheme}://user:pass{between}{MARK}{between}@{rest}"
        monkeypatch.setenv(f"OURVIDZ_{kind}_URL", url)
        try:
            opened(project).close()
        except OurvidzError as error:
            told[url] = "".join(traceback.format_exception(error))
    assert len(told) > len(BETWEEN) * len(RESTS)
    assert [url for url, message in told.items() if MARK in message] == []


@pytest.mark.parametrize(
    ("command", "lets_in"), [("queues", False), (f"{SUBMIT} --json", True), (WORK, False), (WORK, True)]
)
def test_the_password_of_a_redis_url(
    site: Site, command: str, lets_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_echo(lets_in=lets_in) as server:
        monkeypatch.setenv("OURVIDZ_QUEUE_URL", f"redis://user:{PASSWORD}@127.0.0.1:{server.port}")
        said = ourvidz(site, command)
        assert any(MARK in one for one in server.heard), "expected the server to hear the password"
    assert_nowhere(site, said)


@pytest.mark.parametrize(
    ("command", "status"),
    [("queues", 401), ("queues", 500), (f"{SUBMIT} --json", 200), (WORK, 400), (WORK, 404)],
)
def test_the_token_of_upstash(site: Site, command: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_echo(status) as server:
        monkeypatch.setenv("OURVIDZ_QUEUE_URL", f"http://127.0.0.1:{server.port}")
        said = ourvidz(site, command)
        assert any(MARK in one for one in server.heard)
    assert_nowhere(site, said)


@pytest.mark.parametrize(
    ("scheme", "command", "status"),
    [
        ("supabase", WORK, 400),
        ("supabase", WORK, 403),
        ("supabase", "storage sweep", 400),
        ("supabase", "reconcile", 400),
        ("supabase", "reconcile --json", 500),
        ("supabase-signed", f"{WORK} --json", 400),
    ],
)
def test_the_service_key_and_what_signs_for_storage(
    site: Site, client: Client, scheme: str, command: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit("placeholder_fast", prompt="barn")
    with http_echo(status) as server:
        address = f"http://127.0.0.1:{server.port}"
        monkeypatch.setenv("SUPABASE_URL", address)
        monkeypatch.setenv("OURVIDZ_STORAGE_URL", f"{scheme}:{'' if scheme == 'supabase' else address}")
        said = ourvidz(site, command)
        # Who asks for a signed URL is known by a signature: the secret itself does not travel.
        assert any(("Bearer" if scheme == "supabase" else "Ourvidz-Signature") in one for one in server.heard)
        assert any(MARK in one for one in server.heard) == (scheme == "supabase")
    assert_nowhere(site, said)


def test_the_token_of_a_signed_url_for_uploads(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit("placeholder_fast", prompt="barn")
    with http_echo(400, signs=f"token=signed-{MARK}") as server:
        monkeypatch.setenv("OURVIDZ_STORAGE_URL", f"supabase-signed:http://127.0.0.1:{server.port}/sign")
        said = ourvidz(site, WORK)
        assert any(f"/object?token=signed-{MARK}" in one for one in server.heard)
    assert_nowhere(site, said)


def test_a_signed_url_that_a_request_brings_along(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.spec("restyle", REQUIRED)
    told = Function()
    with serving(told) as url:
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", url)
        project = site.project()
        with Client.open(project) as client, Worker(project, "sdxl") as worker:
            job = client.submit("restyle", prompt="barn", inputs={"init_image": SIGNED})
            worker.run(burst=True)
    said = ourvidz(site, f"status {job}") + ourvidz(site, "jobs --json") + caplog.text
    assert "input_url_refused" in said
    assert told.requests
    assert MARK not in said + "".join(one.body.decode() for one in told.requests)


@pytest.mark.parametrize("status", [401, 404])
def test_the_token_of_the_hub(site: Site, status: int) -> None:
    """What the libraries log at INFO; at DEBUG they show whatever headers a server sends."""
    program = """\
import logging, pathlib
logging.basicConfig(level=logging.INFO)
from ourvidz.plugins.checkpoints.finding import find_checkpoint
from ourvidz.plugins.sdxl.layout import LAYOUT
try:
    find_checkpoint("owner/model", pathlib.Path(), LAYOUT, fetch=True)
except Exception:
    logging.exception("refused")
"""
    with http_echo(status) as server:
        said = run(
            site, program, HF_ENDPOINT=f"http://127.0.0.1:{server.port}", HF_HOME=str(site.root / "hub")
        )
        assert any(MARK in one for one in server.heard)
    assert "the hub itself" in said
    assert_nowhere(site, said)


@pytest.mark.parametrize(("shape", "status"), [("event", 400), ("july-2025", 401), ("latest", 500)])
def test_the_keys_and_the_token_of_callbacks(
    site: Site, client: Client, shape: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = site.root / "ourvidz.yaml"
    settings.write_text(settings.read_text() + f"callback: {{shape: {shape}}}\n")
    client.submit("placeholder_fast", prompt="barn")
    with http_echo(status) as server:
        url = f"http://127.0.0.1:{server.port}/job-callback/{MARK}?apikey={MARK}"
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", url)
        said = ourvidz(site, f"{WORK} --json")
        assert any(SECRETS["OURVIDZ_CALLBACK_TOKEN"] in one for one in server.heard)
        assert not any(SECRETS["OURVIDZ_CALLBACK_KEYS"].partition(":")[2] in one for one in server.heard)
    assert_nowhere(site, said)
