"""No request makes a worker speak to what the request could not reach itself (SSRF).

Init images by URL come from the public internet alone, of a bounded size, in a bounded time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path

import pytest

from ourvidz.jobs.wire import make_envelope
from ourvidz.runtime.client import Client
from ourvidz.runtime.making.fetching import InputUnavailable, Internet, UrlRefused, is_public, resolve
from ourvidz.runtime.making.inputs import InputRefused, check_inputs, fetch_inputs
from ourvidz.runtime.storage.folder import FolderStorage
from ourvidz.runtime.worker import Worker
from ourvidz.spec.job_type import JobType
from tests.conformance.jobs import SUBMITTED, USER, job_id
from tests.plugins.init_images.files import landscape, saved
from tests.runtime.test_own_pictures import REQUIRED
from tests.servers.https import NAME, HttpsServer, https_server, with_body
from tests.site import Site

PICTURE = saved(landscape(24, 16), "PNG")
LIMIT = 1000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsServer]:
    with https_server(tmp_path_factory.mktemp("https")) as server:
        yield server


@pytest.fixture
def server(running: HttpsServer) -> HttpsServer:
    running.answer = with_body(PICTURE)
    running.paths.clear()
    return running


def leading_to(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows nothing else."""
    return lambda *_: addresses


def internet(server: HttpsServer, *addresses: str, seconds: float = 30.0) -> Internet:
    """The world with this server in it, which counts as public."""
    return Internet(
        resolve=leading_to(*(addresses or ("127.0.0.1",))),
        permits=lambda address: address.is_loopback or is_public(address),
        ports=(server.port,),
        trust=server.trust,
        seconds=seconds,
    )


def fetch(world: Internet, url: str) -> bytes:
    return world.fetch(url, limit=LIMIT, name="inputs.init_image")


def refusal(world: Internet, url: str) -> str:
    with pytest.raises(UrlRefused) as refused:
        fetch(world, url)
    assert "secret" not in str(refused.value)
    return str(refused.value)


def test_a_picture_is_fetched(server: HttpsServer) -> None:
    assert fetch(internet(server), server.url) == PICTURE
    assert server.paths == ["/photo.png?token=secret"]


@pytest.mark.parametrize(
    "url",
    [
        *("http://{}/x", "ftp://{}/x", "gopher://{}/x", "ws://{}/x", "jar:https://{}/x", "//{}/x", "{}/x"),
        *("file:///etc/passwd", "file://{}/etc/passwd", "data:image/png;base64,iVBORw0KGgo="),
    ],
)
def test_https_only(server: HttpsServer, url: str) -> None:
    assert "expected https" in refusal(internet(server), url.format(f"{NAME}:{server.port}"))
    assert server.paths == []


@pytest.mark.parametrize("port", [22, 80, 2375, 6379, 8443, 9200])
def test_no_other_port_than_that_of_https(port: int) -> None:
    world = Internet(resolve=leading_to("93.184.216.34"))
    assert f"found port {port}, expected the one of https, 443" in refusal(world, f"https://{NAME}:{port}/x")


@pytest.mark.parametrize(
    "url",
    [
        *("https://user:secret@{}/x", "https://secret@{}/x", "https://@{}/x", "https://:@{}/x"),
        *("https:///x", "https://{}0000/x", "https://{}:x/x", "https:{}/x"),
    ],
)
def test_no_credentials_and_nothing_but_a_host_and_a_port(server: HttpsServer, url: str) -> None:
    refusal(internet(server), url.format(f"{NAME}:{server.port}"))
    assert server.paths == []


def test_the_address_is_resolved_once_and_pinned(server: HttpsServer) -> None:
    """A name that is another address at the second look is not looked at twice."""
    answers = [["127.0.0.1"]]
    world = replace(internet(server), resolve=lambda *_: answers.pop())
    assert fetch(world, server.url) == PICTURE
    assert answers == []


def test_the_connection_goes_to_the_address_that_was_checked(server: HttpsServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.2", server.port))
        with pytest.raises(InputUnavailable):
            fetch(internet(server, "127.0.0.2"), server.url)
    assert server.paths == []


def test_one_private_address_among_public_ones_is_refused(server: HttpsServer) -> None:
    assert "not on the public internet" in refusal(internet(server, "127.0.0.1", "10.0.0.1"), server.url)
    assert "not on the public internet" in refusal(internet(server, "10.0.0.1", "127.0.0.1"), server.url)
    assert server.paths == []


def assert_refused(*addresses: str) -> None:
    for address in addresses:
        world = Internet(resolve=leading_to(address))
        assert "not on the public internet" in refusal(world, "https://pictures.example/secret")


def test_private_ranges_are_refused() -> None:
    assert_refused(
        "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "fec0::1"
    )


def test_loopback_is_refused() -> None:
    assert_refused("127.0.0.1", "127.8.8.8", "::1")
    with pytest.raises(UrlRefused):
        fetch(Internet(), "https://localhost/secret")


def test_link_local_is_refused() -> None:
    assert_refused("169.254.0.1", "fe80::1", "fe80::1%eth0")


def test_metadata_services_are_refused() -> None:
    assert_refused(
        *("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200"),
        *("168.63.129.16", "192.0.0.192"),
    )


def test_mapped_and_embedded_ipv4_is_refused() -> None:
    assert_refused(
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"),
        *("::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    )


def test_addresses_that_are_nobodys_or_everybodys_are_refused() -> None:
    assert_refused(
        *("0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "::", "ff02::1", "2001:db8::1"),
    )


@pytest.mark.parametrize(
    "spelling", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "１２７.0.0.1", "①②⑦.0.0.1"]
)
def test_other_spellings_of_a_loopback_address_are_refused(spelling: str) -> None:
    """As the system's own resolver reads them."""
    assert resolve(spelling, 443), "expected the resolver to know this spelling"
    with pytest.raises(UrlRefused):
        fetch(Internet(), f"https://{spelling}/secret")


def test_public_addresses_are_public() -> None:
    assert all(
        map(is_public, map(ip_address, ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"]))
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: HttpsServer, status: int) -> None:
    server.answer = with_body(b"", status, {"location": f"https://{NAME}:{server.port}/elsewhere"})
    assert "redirects" in refusal(internet(server), server.url)
    assert len(server.paths) == 1


@pytest.mark.parametrize("announced", [True, False])
def test_no_more_bytes_are_read_than_the_cap(server: HttpsServer, announced: bool) -> None:
    size, sent = 64 * 2**20, 0

    def flood(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.send_response(200)
        if announced:
            request.send_header("content-length", str(size))
        request.end_headers()
        while sent < size:
            request.wfile.write(b"x" * 65536)
            sent += 65536

    server.answer = flood
    assert fetch(internet(server), server.url) == b"x" * LIMIT
    assert sent < size / 2


@pytest.mark.parametrize("stage", ["handshake", "headers", "body", "nothing"])
def test_the_time_cap_ends_a_server_that_drips(server: HttpsServer, stage: str) -> None:
    """Each byte comes in time, and all of them together would take for ever."""

    def drip(request: BaseHTTPRequestHandler) -> None:
        if stage != "headers":
            request.send_response(200)
            request.send_header("content-length", "1000")
            request.end_headers()
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nx-drip: ")
        while not server.over.wait(0.05):
            request.wfile.write(b"x")
            request.wfile.flush()

    def silence(_: BaseHTTPRequestHandler) -> None:
        server.over.wait(5)

    server.answer = silence if stage == "nothing" else drip
    world, url = internet(server, seconds=0.5), server.url
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        if stage == "handshake":
            port = mute.getsockname()[1]
            world, url = replace(world, ports=(port,)), f"https://{NAME}:{port}/photo.png"
        with pytest.raises(InputUnavailable, match=r"took longer than 0\.5 s"):
            fetch(world, url)


def test_a_body_that_breaks_off_may_be_whole_another_time(server: HttpsServer) -> None:
    server.answer = with_body(PICTURE[:20], headers={"content-length": str(len(PICTURE))})
    with pytest.raises(InputUnavailable):
        fetch(internet(server), server.url)


@pytest.mark.parametrize(
    ("status", "again"), [(404, False), (403, False), (500, True), (503, True), (429, True)]
)
def test_a_refusal_of_the_server_is_told_and_an_outage_may_pass(
    server: HttpsServer, status: int, again: bool
) -> None:
    server.answer = with_body(b"secret", status)
    with pytest.raises(InputUnavailable if again else UrlRefused, match=f"answered {status}") as told:
        fetch(internet(server), server.url)
    assert told.value.retryable is again
    assert "secret" not in str(told.value)


def test_a_certificate_that_nobody_vouches_for_is_refused(server: HttpsServer) -> None:
    world = replace(internet(server), trust=Internet().trust)
    with pytest.raises(InputUnavailable, match="SSLCertVerificationError"):
        fetch(world, server.url)
    assert server.paths == []


def test_a_certificate_for_another_name_is_refused(server: HttpsServer) -> None:
    with pytest.raises(InputUnavailable, match="SSLCertVerificationError"):
        fetch(internet(server), f"https://other.example:{server.port}/photo.png")
    assert server.paths == []


def test_a_proxy_of_the_environment_is_not_used(server: HttpsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert fetch(internet(server), server.url) == PICTURE


@pytest.fixture
def restyle(site: Site) -> JobType:
    site.spec("restyle", REQUIRED)
    return site.project().catalog["restyle"]


def request_with(place: str) -> dict[str, object]:
    return {
        "job_id": job_id(0),
        "job_type": "restyle",
        "user_id": USER,
        "prompt": "a lighthouse",
        "inputs": {"init_image": place},
        "submitted_at": SUBMITTED,
    }


def test_urls_are_read_only_if_switched_on(
    tmp_path: Path, site: Site, restyle: JobType, server: HttpsServer
) -> None:
    request = make_envelope(request_with(server.url))
    storage, world = FolderStorage(tmp_path / "storage"), internet(server)
    assert site.project().settings.input_urls is False
    with pytest.raises(InputRefused, match="`input_urls: true` in ourvidz"):
        fetch_inputs(storage, restyle, request, tmp_path, urls=False, internet=world)
    with pytest.raises(InputRefused):
        check_inputs(restyle, request, urls=False)
    assert server.paths == []
    files = fetch_inputs(storage, restyle, request, tmp_path, urls=True, internet=world)
    assert files["init_image"].read_bytes() == PICTURE


def test_what_a_url_leads_to_must_be_a_picture(tmp_path: Path, restyle: JobType, server: HttpsServer) -> None:
    server.answer = with_body(b"<html>", 200)
    with pytest.raises(Exception, match="an HTML page, expected a PNG"):
        fetch_inputs(
            FolderStorage(tmp_path / "storage"),
            restyle,
            make_envelope(request_with(server.url)),
            tmp_path,
            urls=True,
            internet=internet(server),
        )


@pytest.mark.usefixtures("restyle")
def test_a_worker_with_urls_switched_on_reaches_nothing_private(site: Site) -> None:
    with (site.root / "ourvidz.yaml").open("a") as settings:
        settings.write("input_urls: true\n")
    project = site.project()
    with Client.open(project) as client:
        private = {"init_image": "https://127.0.0.1/secret"}
        job = client.submit("restyle", prompt="a lighthouse", inputs=private)
        with Worker(project, "sdxl") as worker:
            worker.run(burst=True)
        error = client.status(job).error
    assert error is not None
    assert (error.code, error.message) == (
        "input_url_refused",
        "inputs.init_image: its server is not on the public internet",
    )


@pytest.mark.usefixtures("restyle")
def test_a_client_refuses_a_url_that_its_project_does_not_read(site: Site) -> None:
    with Client.open(site.project()) as client, pytest.raises(InputRefused, match="expected a storage key"):
        client.submit("restyle", prompt="a barn", inputs={"init_image": "https://example.org/secret"})
