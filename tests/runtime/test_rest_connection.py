"""One command over REST: what it carries, and what becomes of it when something is wrong."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ourvidz.errors import OurvidzError
from ourvidz.jobs.queue import QueueUnavailable
from ourvidz.runtime.builtin_backends import redis as redis_backends
from ourvidz.runtime.locations import LocationInvalid
from ourvidz.runtime.queue.redis import CommandRefused
from ourvidz.runtime.queue.redis import rest as module
from ourvidz.runtime.queue.redis.connection import CommandUnsendable
from ourvidz.runtime.queue.redis.endpoint import QueueTokenMissing, endpoint_of
from ourvidz.runtime.queue.redis.rest import RestConnection
from ourvidz.runtime.upstash.front import Front
from tests.conformance.jobs import job_id, payload
from tests.conformance.site import claimed
from tests.runtime.redis_server import RedisServer
from tests.runtime.test_embedded import context
from tests.servers.upstash import TOKEN, endpoint, upstash_front
from tests.site import until


@pytest.fixture
def rest(front: Front) -> Iterator[RestConnection]:
    with closing(RestConnection(endpoint(front.server_port))) as connection:
        yield connection


class TestReplies:
    def test_every_shape_comes_as_over_tcp(self, rest: RestConnection) -> None:
        assert rest.command("SET", "lamp", "OK") == b"OK"
        assert rest.command("GET", "lamp") == b"OK"
        assert rest.command("GET", "nothing") is None
        assert rest.command("STRLEN", "lamp") == 2
        assert rest.command("PING") == b"PONG"
        script = "return {1, 'two', false, {'three', {}, {ok = 'OK'}}, ''}"
        assert rest.command("EVAL", script, 0) == [1, b"two", None, [b"three", [], b"OK"], b""]

    def test_integers_keep_all_their_digits(self, rest: RestConnection) -> None:
        rest.command("SET", "n", 2**63 - 2)
        assert rest.command("INCR", "n") == 2**63 - 1

    def test_numbers_are_sent_as_they_are_written(self, rest: RestConnection) -> None:
        rest.command("RPUSH", "n", 7, 0.1, -1e300)
        assert rest.command("LRANGE", "n", 0, -1) == [b"7", b"0.1", b"-1e+300"]

    def test_a_long_reply_comes_whole(self, rest: RestConnection) -> None:
        assert rest.command("EVAL", "return string.rep('x', 3000000)", 0) == b"x" * 3_000_000

    def test_scripts_run_by_their_digest_once_they_are_known(self, rest: RestConnection) -> None:
        script = "return {KEYS[1], ARGV[1]}"
        digest = rest.command("SCRIPT", "LOAD", script)
        assert isinstance(digest, bytes)
        assert rest.command("EVALSHA", digest, 1, "key", "ä\x00'\"") == [b"key", "ä\x00'\"".encode()]
        rest.command("SCRIPT", "FLUSH")
        with pytest.raises(CommandRefused) as refused:
            rest.command("EVALSHA", digest, 1, "key", "x")
        assert refused.value.answer.startswith("NOSCRIPT ")


class TestBytes:
    @given(value=st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_value_is_kept(self, rest: RestConnection, value: bytes) -> None:
        rest.command("SET", "any:value", value)
        assert rest.command("GET", "any:value") == value

    @pytest.mark.parametrize(
        "parts",
        [
            ("HSET", "h", b"\xff", "x"),
            ("SET", b"\xff", b"\xff"),
            ("SET", "a/b", b"\xff"),
            ("SET", "ä", b"\xff"),
        ],
    )
    def test_other_bytes_than_the_last_are_refused(
        self, rest: RestConnection, parts: tuple[str | bytes, ...]
    ) -> None:
        with pytest.raises(CommandUnsendable, match=f"{parts[0]!s} has an argument that is not UTF-8"):
            rest.command(*parts)
        assert rest.command("DBSIZE") == 0

    def test_half_a_character_is_refused(self, rest: RestConnection) -> None:
        with pytest.raises(CommandUnsendable, match="half a character"):
            rest.command("SET", "lamp", "\ud83d")


@dataclass(slots=True)
class Scripted:
    """A server that answers each request with the next of its answers, and remembers the requests."""

    answers: list[bytes]
    requests: list[bytes] = field(default_factory=list)
    hangs_up: bool = False
    """Whether it ends a connection after each answer, without saying so in it."""
    connections: int = 0
    ended: int = 0

    def serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connected, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            with connected, connected.makefile("rb") as incoming:
                while self._answer(connected, incoming.readline, incoming.read):
                    pass
            self.ended += 1

    def _answer(
        self, connected: socket.socket, line: Callable[[], bytes], read: Callable[[int], bytes]
    ) -> bool:
        head = list(iter(line, b"\r\n")) if (first := line()) else []
        if not first:
            return False
        length = next(
            int(one.partition(b":")[2]) for one in head if one.lower().startswith(b"content-length")
        )
        self.requests.append(first + b"".join(head) + read(length))
        answer = self.answers.pop(0)
        connected.sendall(answer)
        return answer.startswith(b"HTTP") and b"Connection: close" not in answer and not self.hangs_up


@contextmanager
def scripted(*answers: bytes, hangs_up: bool = False) -> Iterator[tuple[Scripted, RestConnection]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Scripted(list(answers), hangs_up=hangs_up)
        thread = threading.Thread(target=server.serve, args=[listening])
        thread.start()
        with closing(RestConnection(endpoint(listening.getsockname()[1]))) as rest:
            yield server, rest
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def http_answer(status: str, body: object, *headers: str) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", *headers])
    return head.encode() + b"\r\n\r\n" + text


OK = http_answer("200 OK", {"result": "OK"})


def last(answer: bytes) -> bytes:
    """The same answer, saying that the connection ends with it."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\nConnection: close" + blank + body if blank else answer


class TestErrors:
    @pytest.mark.parametrize(
        ("answer", "error", "message"),
        [
            (http_answer("400 Bad Request", {"error": "ERR no"}), CommandRefused, "ERR no"),
            (http_answer("200 OK", {"error": "WRONGTYPE no"}), CommandRefused, "WRONGTYPE no"),
            (http_answer("400 Bad Request", {"error": "OOM full"}), QueueUnavailable, "no memory left"),
            (
                http_answer(
                    "400 Bad Request", {"error": "ERR max daily request limit exceeded. Limit: 10000"}
                ),
                QueueUnavailable,
                "the database's plan is used up",
            ),
            (http_answer("400 Bad Request", b"?"), CommandRefused, "answered 400 Bad Request"),
            (http_answer("401 Unauthorized", {"error": "x"}), CommandRefused, "OURVIDZ_QUEUE_TOKEN"),
            (http_answer("403 Forbidden", {"error": "not you"}), CommandRefused, "403 Forbidden: not you"),
            (http_answer("404 Not Found", b"<html>"), CommandRefused, "expected the REST URL of a database"),
            (http_answer("429 Too Many Requests", {"error": "slow"}), QueueUnavailable, "429 .*: slow"),
            (http_answer("500 Internal Server Error", b""), QueueUnavailable, "answered 500"),
            (http_answer("503 Service Unavailable", b"<html>"), QueueUnavailable, "answered 503"),
            (http_answer("599 ?", b""), QueueUnavailable, "answered 599"),
            (
                http_answer("307 Temporary Redirect", b"", "Location: http://127.0.0.1:1/"),
                CommandRefused,
                "a redirect, which is not followed",
            ),
            (http_answer("200 OK", b"<html>"), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", []), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", {"result": "no base64!"}), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", {"result": 1.5}), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", {"result": {}}), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", b"[" * 100_000), QueueUnavailable, "none of Upstash's protocol"),
            (http_answer("200 OK", {"result": "OK"})[:-4], QueueUnavailable, "cannot be reached|none of"),
            (b"", QueueUnavailable, "closed the connection without an answer"),
            (b"SSH-2.0-OpenSSH\r\n", QueueUnavailable, "not HTTP"),
        ],
    )
    def test_an_answer_that_is_no_reply_is_told(
        self, answer: bytes, error: type[OurvidzError], message: str
    ) -> None:
        with scripted(last(answer), OK) as (server, rest):
            with pytest.raises(error, match=message):
                rest.command("GET", "lamp")
            assert rest.command("SET", "lamp", "lit") == b"OK"
            assert len(server.requests) == 2

    def test_a_reply_that_is_too_long_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "LARGEST", 1000)
        with scripted(http_answer("200 OK", {"result": "a" * 2000}), OK) as (_, rest):
            with pytest.raises(QueueUnavailable, match="longer than 1000 bytes"):
                rest.command("GET", "lamp")
            assert rest.command("SET", "lamp", "lit") == b"OK"

    def test_a_wrong_token_names_its_variable(self, front: Front) -> None:
        with (
            closing(RestConnection(endpoint(front.server_port, token="hunter2"))) as rest,
            pytest.raises(CommandRefused, match="does not take the token in OURVIDZ_QUEUE_TOKEN") as refused,
        ):
            rest.command("PING")
        assert "hunter2" not in str(refused.value)

    def test_a_token_that_a_server_repeats_is_not_told(self) -> None:
        with (
            scripted(http_answer("400 Bad Request", {"error": f"ERR no {TOKEN}"})) as (_, rest),
            pytest.raises(CommandRefused, match="ERR no …") as refused,
        ):
            rest.command("PING")
        assert TOKEN not in str(refused.value)

    def test_nothing_shows_the_token(self, rest: RestConnection, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            rest.command("PING")
        assert TOKEN not in caplog.text + repr(endpoint(1)) + str(endpoint(1))


class TestTheWay:
    def test_one_connection_carries_many_commands(self) -> None:
        with scripted(OK, OK, OK) as (server, rest):
            for _ in range(3):
                rest.command("SET", "lamp", "lit")
            assert server.connections == 1

    def test_a_connection_that_ended_while_it_was_idle_is_opened_anew(self) -> None:
        with scripted(OK, OK, hangs_up=True) as (server, rest):
            rest.command("SET", "lamp", "lit")
            until(lambda: server.ended == 1)
            assert rest.command("SET", "lamp", "lit") == b"OK"
            assert (server.connections, len(server.requests)) == (2, 2)

    def test_a_lost_reply_is_told_and_nothing_is_sent_twice(self) -> None:
        with scripted(OK, b"", OK) as (server, rest):
            rest.command("SET", "lamp", "lit")
            with pytest.raises(QueueUnavailable, match="closed the connection without an answer"):
                rest.command("INCR", "n")
            assert rest.command("SET", "lamp", "lit") == b"OK"
            assert [b"INCR" in one for one in server.requests] == [False, True, False]

    def test_a_reply_that_comes_too_late_belongs_to_no_other_command(
        self, rest: RestConnection, redis_server: RedisServer
    ) -> None:
        rest.command("SET", "slow", "slow")
        with redis_server.client() as administrator:
            administrator.client_pause(500)
            with pytest.raises(QueueUnavailable, match="no whole answer in time"):
                rest.command("GET", "slow", timeout=0.05)
        assert rest.command("STRLEN", "slow") == 4

    def test_a_server_that_is_away_is_unavailable(self) -> None:
        with (
            closing(RestConnection(endpoint(1))) as rest,
            pytest.raises(QueueUnavailable, match=r"http://127\.0\.0\.1:1: the server cannot be reached"),
        ):
            rest.command("PING")

    def test_a_closed_connection_stays_closed(self, rest: RestConnection) -> None:
        rest.close()
        with pytest.raises(QueueUnavailable, match="was closed"):
            rest.command("PING")

    def test_closing_ends_a_command_of_another_thread(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            rest = RestConnection(endpoint(silent.getsockname()[1]))
            ended: list[str] = []

            def wait() -> None:
                try:
                    rest.command("PING", timeout=60)
                except QueueUnavailable as error:
                    ended.append(str(error))

            waiting = threading.Thread(target=wait)
            waiting.start()
            connected, _ = silent.accept()
            with connected:
                assert connected.recv(1) == b"P"
                rest.close()
                waiting.join(30)
        assert len(ended) == 1


class TestTls:
    @pytest.fixture
    def port(self, redis_server: RedisServer, certificates: Path) -> Iterator[int]:
        """Of a front that speaks TLS as localhost."""
        with upstash_front(redis_server.port) as front:
            secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            secured.load_cert_chain(certificates / "ca.pem", certificates / "key.pem")
            front.socket = secured.wrap_socket(front.socket, server_side=True)
            yield front.server_port

    def test_a_certificate_of_a_trusted_authority_is_taken(self, port: int, certificates: Path) -> None:
        place = replace(endpoint(port), tls=True, host="localhost", ca=certificates / "ca.pem")
        with closing(RestConnection(place)) as rest:
            assert [rest.command("PING") for _ in range(3)] == [b"PONG"] * 3

    @pytest.mark.parametrize(("host", "trusts"), [("localhost", False), ("127.0.0.1", True)])
    def test_any_other_certificate_is_refused(
        self, port: int, certificates: Path, host: str, trusts: bool
    ) -> None:
        ca = certificates / "ca.pem" if trusts else None
        with (
            closing(RestConnection(replace(endpoint(port), tls=True, host=host, ca=ca))) as rest,
            pytest.raises(QueueUnavailable, match="certificate is not trusted"),
        ):
            rest.command("PING")

    def test_a_file_without_certificates_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("none")
        for name in ("ca.pem", "missing.pem"):
            with pytest.raises(LocationInvalid, match=f"{name}: found no certificates"):
                RestConnection(replace(endpoint(443), tls=True, ca=tmp_path / name))


class TestOpening:
    @pytest.fixture(autouse=True)
    def _token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OURVIDZ_QUEUE_TOKEN", TOKEN)
        monkeypatch.delenv("UPSTASH_REDIS_REST_TOKEN", raising=False)

    def test_a_queue_is_opened_by_its_url(
        self, front: Front, tmp_path: Path, redis_server: RedisServer
    ) -> None:
        [backend] = [one for one in redis_backends.ourvidz_queues() if one.scheme == "http"]
        with closing(backend.open(context(tmp_path, f"{front.url}?namespace=staging"))) as queue:
            queue.push("sdxl_queue", payload(1))
            assert claimed(queue).lease.job_id == job_id(1)
            queue.push("sdxl_queue", b"\xff")
            assert [letter.payload for letter in queue.dead_letters.list()] == [b"\xff"]
        with redis_server.client() as client:
            assert all(key.startswith(b"staging:") for key in client.scan_iter())

    @pytest.mark.parametrize(
        ("url", "where"),
        [
            ("https://eu1-a-b-1.upstash.io", "https://eu1-a-b-1.upstash.io"),
            ("https://host.example:8443/", "https://host.example:8443"),
            ("http://127.0.0.1:8079", "http://127.0.0.1:8079"),
            ("http://localhost", "http://localhost"),
            ("http://[::1]:8079", "http://[::1]:8079"),
        ],
    )
    def test_a_url_names_an_endpoint(self, tmp_path: Path, url: str, where: str) -> None:
        found, namespace = endpoint_of(context(tmp_path, url))
        assert (str(found), namespace) == (where, "ourvidz")

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("https:", "found no host"),
            ("https://host:port", "found a port that is no port"),
            ("https://user:hunter2@host", "found a user or password"),
            ("https://host/hunter2", "found a path"),
            ("https://host#hunter2", "found a # after the host"),
            ("https://host?_token=hunter2", "no option _token"),
            (
                "http://host.example",
                "http URL: found host.example, where anybody between could read the token",
            ),
            ("http://127.0.0.1?ca=x", "no option ca"),
        ],
    )
    def test_a_url_that_cannot_be_meant_is_refused(self, tmp_path: Path, url: str, message: str) -> None:
        with pytest.raises(LocationInvalid, match=message) as refused:
            endpoint_of(context(tmp_path, url))
        assert "hunter2" not in str(refused.value)

    def test_the_variable_of_deployments_is_read_where_ours_is_not_set(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", "theirs")
        assert endpoint_of(context(tmp_path, "https://host"))[0].token.text == TOKEN
        monkeypatch.delenv("OURVIDZ_QUEUE_TOKEN")
        token = endpoint_of(context(tmp_path, "https://host"))[0].token
        assert (token.text, token.variable) == ("theirs", "UPSTASH_REDIS_REST_TOKEN")

    @pytest.mark.parametrize(
        ("token", "message"),
        [(None, "set OURVIDZ_QUEUE_TOKEN, or UPSTASH_REDIS_REST_TOKEN"), ("hunter2\n", "found a space")],
    )
    def test_without_a_token_it_is_told_where_it_belongs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None, message: str
    ) -> None:
        if token is None:
            monkeypatch.delenv("OURVIDZ_QUEUE_TOKEN")
        else:
            monkeypatch.setenv("OURVIDZ_QUEUE_TOKEN", token)
        with pytest.raises(QueueTokenMissing, match=message) as refused:
            endpoint_of(context(tmp_path, "https://host"))
        assert "hunter2" not in str(refused.value)
