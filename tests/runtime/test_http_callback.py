"""Events over HTTP: to the documented receiver and to functions as they are deployed, with their faults."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from ourvidz.jobs.callback import Callback, CallbackFailed
from ourvidz.jobs.events import JobEvent, Progress, final_sequence, progress_sequence
from ourvidz.jobs.outbox import OutboxEntry
from ourvidz.plugins.backends import BackendContext
from ourvidz.runtime.builtin_backends import http as http_backends
from ourvidz.runtime.callback import posting
from ourvidz.runtime.callback.delivery import LONGEST_DELAY, Delivered, deliver_due
from ourvidz.runtime.callback.http import HttpCallback, Secrets
from ourvidz.runtime.callback.posting import Receiver
from ourvidz.runtime.callback.signing import CallbackSecretInvalid
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.sqlite import SqliteQueue
from ourvidz.spec.catalog import Catalog
from ourvidz.spec.settings import CallbackEntry, Settings
from tests.conformance.callback import CallbackConformance, CallbackSite, entry
from tests.conformance.jobs import FAILURE, SUBMITTED, job_id
from tests.conformance.outbox import end_some
from tests.conformance.site import claimed
from tests.runtime.receivers import (
    KEY_ID,
    SECRET,
    TOKEN,
    DocumentedFunction,
    Fault,
    Function,
    July2025Function,
    LatestFunction,
    documented_receiver,
    serving,
)
from tests.runtime.sqlite_site import SqliteSite


def open_callback(url: str, shape: str = "event") -> Callback:
    settings = Settings(callback=CallbackEntry.model_validate({"shape": shape}))
    catalog = Catalog(job_types={}, queues={}, buckets={}, models={}, settings=settings)
    scheme = url.partition(":")[0]
    [backend] = [one for one in http_backends.ourvidz_callbacks() if one.scheme == scheme]
    assert not backend.embedded
    return backend.open(BackendContext(url=url, root=Path(), catalog=catalog))


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"{KEY_ID}:{SECRET}")
    monkeypatch.setenv("OURVIDZ_CALLBACK_TOKEN", TOKEN)


class DocumentedSite(CallbackSite):
    """The receiver of the how-to."""

    def __init__(self, folder: Path, url: str, function: DocumentedFunction) -> None:
        self._folder, self._url, self._function = folder, url, function

    def open(self) -> Callback:
        return open_callback(self._url)

    def told(self, job_id: str) -> JobEvent | None:
        event = self._function.event(job_id)
        return None if event is None else JobEvent.model_validate(event)

    def break_down(self) -> None:
        self._function.script = [503]


class July2025Site(CallbackSite):
    """It learns a state, paths and a message."""

    def __init__(self, url: str, function: July2025Function) -> None:
        self._url, self._function = url, function

    def open(self) -> Callback:
        return open_callback(self._url, "july-2025")

    def told(self, job_id: str) -> JobEvent | None:
        row = self._function.rows.get(job_id)
        if row is None:
            return None
        return JobEvent(job_id=job_id, status=row["status"], sequence=1, at=SUBMITTED)

    def understood(self, event: JobEvent) -> JobEvent:
        return JobEvent(job_id=event.job_id, status=event.status, sequence=1, at=SUBMITTED)

    def break_down(self) -> None:
        self._function.script = [500]


class LatestSite(CallbackSite):
    """What has no place in it is found in the metadata."""

    def __init__(self, url: str, function: LatestFunction) -> None:
        self._url, self._function = url, function

    def open(self) -> Callback:
        return open_callback(self._url, "latest")

    def told(self, job_id: str) -> JobEvent | None:
        row = self._function.rows.get(job_id)
        if row is None:
            return None
        metadata = dict(row["metadata"])
        ours = metadata.pop("ourvidz")
        return JobEvent.model_validate(
            {"job_id": job_id, "status": row["status"], "metadata": metadata, **ours}
        )

    def break_down(self) -> None:
        self._function.script = [401]


class TestDocumentedReceiver(CallbackConformance):
    @pytest.fixture
    def site(self, tmp_path: Path) -> Iterator[CallbackSite]:
        function = documented_function(tmp_path)
        with serving(function) as url:
            yield DocumentedSite(tmp_path, url, function)


class TestJuly2025(CallbackConformance):
    @pytest.fixture
    def site(self) -> Iterator[CallbackSite]:
        function = July2025Function()
        with serving(function) as url:
            yield July2025Site(url, function)


class TestLatest(CallbackConformance):
    @pytest.fixture
    def site(self) -> Iterator[CallbackSite]:
        function = LatestFunction()
        with serving(function) as url:
            yield LatestSite(url, function)


def documented_function(folder: Path) -> DocumentedFunction:
    module = documented_receiver(folder)
    return DocumentedFunction(module=module, jobs=module.Jobs(str(folder / "received.sqlite3")))


@pytest.fixture
def function(tmp_path: Path) -> DocumentedFunction:
    return documented_function(tmp_path)


@pytest.fixture
def url(function: DocumentedFunction) -> Iterator[str]:
    with serving(function) as url:
        yield url


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SILENCE", 0.2)
    monkeypatch.setattr(posting, "LONGEST", 0.5)


FAULTS: list[int | Fault] = [
    500,
    502,
    503,
    400,
    401,
    404,
    410,
    429,
    302,
    307,
    "stall",
    "reset",
    "drip",
    "lost reply",
]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_answered_by_2xx_stays_in_the_outbox_and_is_told_again_to_the_byte(
    tmp_path: Path, function: DocumentedFunction, url: str, fault: int | Fault
) -> None:
    site = SqliteSite(tmp_path / "queue.sqlite3")
    queue = site.open()
    end_some(queue, 1)
    before = queue.job(job_id(0))
    callback = open_callback(url)
    function.script = [fault, fault]
    for _ in range(2):
        assert deliver_due(queue.outbox, callback) == Delivered(accepted=0, failed=1)
        assert queue.outbox.waiting() == 1
        # Whatever a callback does, the job has ended and does not start again.
        assert queue.job(job_id(0)) == before
        assert queue.claim(["sdxl_queue"], worker="w", lease_seconds=30, nonce="n") is None
        site.pass_time(LONGEST_DELAY)
    assert deliver_due(queue.outbox, callback) == Delivered(accepted=1, failed=0)
    queue.close()
    assert len({request.body for request in function.requests}) == 1
    assert [request.path for request in function.requests] == ["/functions/v1/job-callback"] * 3
    told = function.event(job_id(0))
    assert told is not None
    assert told["status"] == "failed"


def test_that_nobody_listens_is_told_of_without_the_path() -> None:
    with serving(Function()) as url:
        port = url.split(":")[2].partition("/")[0]
    with pytest.raises(CallbackFailed, match="refused") as error:
        open_callback(f"http://127.0.0.1:{port}/hooks/a-secret-path").deliver(entry("completed"))
    assert "a-secret-path" not in str(error.value)


def test_events_of_a_job_that_failed_and_was_retried_arrive_in_order_though_the_first_is_refused(
    tmp_path: Path, function: DocumentedFunction, url: str
) -> None:
    site = SqliteSite(tmp_path / "queue.sqlite3")
    queue = site.open()
    end_some(queue, 1)
    queue.retry(job_id(0))
    queue.fail(claimed(queue).lease, FAILURE)
    function.script = [503]
    callback = open_callback(url)
    deliver_due(queue.outbox, callback)
    assert deliver_due(queue.outbox, callback) == Delivered(accepted=0, failed=0)
    site.pass_time(LONGEST_DELAY)
    deliver_due(queue.outbox, callback)
    queue.close()
    told = [json.loads(request.body)["sequence"] for request in function.requests]
    assert told == [final_sequence(1), final_sequence(1), final_sequence(2)]


def test_a_refused_event_of_one_job_does_not_hold_up_those_of_others(
    tmp_path: Path, function: DocumentedFunction, url: str
) -> None:
    queue: SqliteQueue = SqliteSite(tmp_path / "queue.sqlite3").open()
    end_some(queue, 3)
    function.script = [400]
    callback = open_callback(url)
    assert deliver_due(queue.outbox, callback) == Delivered(accepted=0, failed=1)
    assert deliver_due(queue.outbox, callback) == Delivered(accepted=2, failed=0)
    queue.close()


def test_every_try_is_signed_anew(function: DocumentedFunction, url: str) -> None:
    now = iter([1751371200.9, 1751371500.0])
    secrets = Secrets.read(os.environ, "event")
    callback = HttpCallback(Receiver.of(url), secrets, shape="event", clock=lambda: next(now))
    for _ in range(2):
        with pytest.raises(CallbackFailed, match="401"):
            callback.deliver(entry("completed"))
    first, second = (request.headers for request in function.requests)
    assert (first["X-Ourvidz-Timestamp"], second["X-Ourvidz-Timestamp"]) == ("1751371200", "1751371500")
    body = function.requests[0].body
    for headers in (first, second):
        message = headers["X-Ourvidz-Timestamp"].encode() + b"." + body
        right = hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest()
        assert headers["X-Ourvidz-Signature"] == f"{KEY_ID}={right}"


def test_a_shape_without_progress_is_told_of_none() -> None:
    event = JobEvent(
        job_id=job_id(1),
        sequence=progress_sequence(1, 2),
        status="processing",
        at=SUBMITTED,
        progress=Progress(stage="denoise", step=1, steps=4),
    )
    told = OutboxEntry(id=2, job_id=event.job_id, body=event.model_dump_json().encode(), tries=0)
    for shape, number in (("event", 1), ("latest", 0), ("july-2025", 0)):
        function = Function()
        with serving(function) as url:
            open_callback(url, shape).deliver(told)
        assert len(function.requests) == number, shape


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://example.com/x?apikey=hidden", "http to example.com"),
        ("http://192.168.0.7/hidden", "http to 192.168.0.7"),
        ("http://127.0.0.1.example.com/hidden", "http to 127.0.0.1.example.com"),
        ("https://user:hidden@example.com/", "user or password"),
        ("https:///hidden", "names no host"),
        ("https:hidden", "names no host"),
        ("https://example.com:hidden/", "cannot be read"),
        ("https://example.com/x#hidden", "a # in it"),
        ("https://example.com/é?hidden", "not ASCII"),
    ],
)
def test_a_url_that_no_signed_event_may_be_sent_to_is_refused_without_being_repeated(
    url: str, message: str
) -> None:
    with pytest.raises(LocationInvalid, match=message) as error:
        open_callback(url)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    "url", ["http://localhost/", "http://[::1]:8000/x", "http://127.9.9.9/", "https://example.com"]
)
def test_a_url_of_this_machine_or_with_https_is_taken(url: str) -> None:
    open_callback(url).close()


@pytest.mark.parametrize(
    ("shape", "variable"),
    [
        ("event", "OURVIDZ_CALLBACK_KEYS"),
        ("latest", "OURVIDZ_CALLBACK_KEYS"),
        ("july-2025", "OURVIDZ_CALLBACK_TOKEN"),
    ],
)
def test_without_its_secret_a_callback_is_not_opened(
    shape: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(CallbackSecretInvalid, match=f"{variable}: found nothing"):
        open_callback("https://example.com/", shape)


@pytest.mark.parametrize("fault", [401, 500, 302, "reset"])
def test_no_secret_reaches_a_log_or_an_outbox(
    tmp_path: Path,
    url: str,
    function: DocumentedFunction,
    fault: int | Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    queue = SqliteSite(tmp_path / "queue.sqlite3").open()
    end_some(queue, 1)
    function.script = [fault]
    callback = open_callback(f"{url}?apikey=a-secret-in-the-url")
    deliver_due(queue.outbox, callback)
    queue.close()
    written = (
        caplog.text
        + repr(vars(callback)["_secrets"])
        + "".join(path.read_bytes().decode("latin-1") for path in tmp_path.glob("queue.sqlite3*"))
    )
    assert "not accepted" in caplog.text
    for secret in (SECRET, TOKEN, "a-secret-in-the-url"):
        assert secret not in written


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    sent = []

    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    sent.append(self.wfile.write(b"x" * 65536))
            except OSError:
                return

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing to say."""

    with https_or_http(Endless) as port:
        open_callback(f"http://127.0.0.1:{port}/").deliver(entry("completed"))
    assert sent


class Accepting(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing to say."""


@contextmanager
def https_or_http(
    handler: Callable[..., BaseHTTPRequestHandler], certificate: Path | None = None
) -> Iterator[int]:
    """Serve with a certificate, or without one in plain text; gives the port."""

    class Quiet(HTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that does not trust the certificate breaks the handshake off."""

    server = Quiet(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = tmp_path / "certificate.pem"
    public = tmp_path / "public.pem"
    for_localhost = "-subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 {for_localhost}".split()
    subprocess.run([*command, "-keyout", certificate, "-out", public], check=True, capture_output=True)
    with certificate.open("a") as file:
        file.write((public).read_text())
    with https_or_http(Accepting, certificate) as port:
        with pytest.raises(CallbackFailed, match="certificate is not trusted"):
            open_callback(f"https://localhost:{port}/").deliver(entry("completed"))
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        open_callback(f"https://localhost:{port}/").deliver(entry("completed"))
        with pytest.raises(CallbackFailed, match="certificate is not trusted"):
            open_callback(f"https://127.0.0.1:{port}/").deliver(entry("completed"))
