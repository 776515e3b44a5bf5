"""The front answers requests as Upstash's documentation says."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from ourvidz.runtime.upstash.front import LARGEST_BODY, Front
from tests.runtime.redis_server import RedisServer
from tests.servers.upstash import TOKEN, upstash_front

BASE64 = {"Upstash-Encoding": "base64"}


class Caller:
    """Sends requests on one connection, as curl does."""

    def __init__(self, front: Front) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", front.server_port, timeout=30)

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = TOKEN,
    ) -> tuple[int, Any]:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        authorized = {"Authorization": f"Bearer {token}"} if token is not None else {}
        self._http.request(method, path, sent, {**authorized, **(headers or {})})
        answer = self._http.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def call(front: Front) -> Iterator[Caller]:
    with closing(Caller(front)) as caller:
        yield caller


class TestCommands:
    def test_a_command_is_an_array(self, call: Caller) -> None:
        assert call("POST", "/", ["SET", "lamp", "lit", "EX", 100]) == (200, {"result": "OK"})
        assert call("POST", "/", ["GET", "lamp"]) == (200, {"result": "lit"})
        assert call("POST", "/", ["GET", "nothing"]) == (200, {"result": None})
        assert call("POST", "/", ["INCR", "count"]) == (200, {"result": 1})

    def test_a_command_is_a_path(self, call: Caller) -> None:
        assert call("GET", "/set/a%20lamp%2Fb/lit/EX/100") == (200, {"result": "OK"})
        assert call("PUT", "/get/a%20lamp%2Fb") == (200, {"result": "lit"})
        assert call("HEAD", "/get/lamp") == (200, None)

    def test_a_body_stands_between_path_and_query(self, call: Caller) -> None:
        assert call("POST", "/set/lamp?EX=100", b"\xff{}") == (200, {"result": "OK"})
        assert call("GET", "/get/lamp", headers=BASE64) == (200, {"result": "/3t9"})
        status, ttl = call("GET", "/ttl/lamp")
        assert (status, 0 < ttl["result"] <= 100) == (200, True)

    def test_replies_have_every_shape(self, call: Caller) -> None:
        script = "return {1, 'two', false, {'three', {}}, {ok = 'OK'}}"
        shape = [1, "two", None, ["three", []], "OK"]
        assert call("POST", "/", ["EVAL", script, 0]) == (200, {"result": shape})

    def test_texts_come_in_base64_but_for_a_bare_ok(self, call: Caller) -> None:
        assert call("POST", "/", ["SET", "ok", "lit"], BASE64) == (200, {"result": "OK"})
        assert call("POST", "/", ["EVAL", "return {'OK', 'lit'}", 0], BASE64) == (
            200,
            {"result": ["T0s=", "bGl0"]},
        )

    def test_what_is_not_utf_8_is_replaced_without_it(self, call: Caller) -> None:
        call("POST", "/set/lamp", b"\xffy")
        assert call("GET", "/get/lamp") == (200, {"result": "\ufffdy"})

    def test_half_a_character_is_replaced(self, call: Caller) -> None:
        call("POST", "/", b'["SET", "lamp", "\\ud83d"]')
        assert call("GET", "/get/lamp") == (200, {"result": "\ufffd"})

    def test_numbers_keep_their_digits(self, call: Caller) -> None:
        call("POST", "/", b'["RPUSH", "n", 12345678901234567890, 1.50, true]')
        assert call("GET", "/lrange/n/0/-1") == (200, {"result": ["12345678901234567890", "1.50", "true"]})


class TestRefusals:
    @pytest.mark.parametrize(
        ("command", "words"),
        [
            (["LPUSH", "text", "x"], "WRONGTYPE Operation against a key holding the wrong kind of value"),
            (["GET"], "ERR wrong number of arguments for 'get' command"),
            (["INCR", "text"], "ERR value is not an integer or out of range"),
            (["EVALSHA", "0" * 40, 0], "NOSCRIPT No matching script. Please use EVAL."),
            (["BLPOP", "queue", 1], "ERR Command is not available: 'BLPOP'"),
            (["blmove", "a", "b", "LEFT", "LEFT", 1], "ERR Command is not available: 'BLMOVE'"),
            (["XREAD", "BLOCK", 0, "STREAMS", "s", 0], "ERR Command is not available: 'XREAD BLOCK'"),
            (["SUBSCRIBE", "news"], "ERR Command is not available: 'SUBSCRIBE'"),
            (["MULTI"], "ERR Command is not available: 'MULTI'"),
            (["SELECT", 1], "ERR Command is not available: 'SELECT'"),
            (["SHUTDOWN"], "ERR Command is not available: 'SHUTDOWN'"),
        ],
    )
    def test_an_error_is_told_in_the_servers_words(
        self, call: Caller, command: list[Any], words: str
    ) -> None:
        call("POST", "/", ["SET", "text", "lit"])
        assert call("POST", "/", command) == (400, {"error": words})

    def test_a_stream_called_block_is_read(self, call: Caller) -> None:
        assert call("POST", "/", ["XREAD", "STREAMS", "BLOCK", 0]) == (200, {"result": None})

    @pytest.mark.parametrize(
        "body",
        [b"", b"SET a b", b"{}", b"[]", b'["SET", null]', b'["SET", {"a": 1}]', b"[NaN]", b"[" * 100_000],
    )
    @pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec"])
    def test_what_is_no_command_is_refused(self, call: Caller, path: str, body: bytes) -> None:
        status, said = call("POST", path, body)
        assert status == 400
        assert said["error"].startswith("ERR ")

    @pytest.mark.parametrize("token", [None, "", "wrong", TOKEN[:-1], TOKEN + "x"])
    def test_a_wrong_token_does_nothing(
        self, call: Caller, redis_server: RedisServer, token: str | None
    ) -> None:
        said = {"error": "WRONGPASS invalid or missing auth token"}
        assert call("POST", "/", ["SET", "lamp", "lit"], token=token) == (401, said)
        assert call("GET", "/set/lamp/lit?_token=wrong", token=None) == (401, said)
        with redis_server.client() as client:
            assert client.dbsize() == 0

    def test_the_token_may_stand_in_the_query(self, call: Caller) -> None:
        assert call("GET", f"/set/lamp/lit?_token={TOKEN}", token=None) == (200, {"result": "OK"})
        assert call("GET", "/get/lamp") == (200, {"result": "lit"})

    @pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
    def test_other_methods_are_refused(self, call: Caller, method: str) -> None:
        assert call(method, "/get/lamp")[0] == 405

    def test_a_body_that_is_too_large_is_not_read(self, call: Caller) -> None:
        status, said = call("POST", "/set/lamp", headers={"Content-Length": str(LARGEST_BODY + 1)})
        assert status == 413
        assert said["error"].startswith(f"ERR max request size exceeded. Limit: {LARGEST_BODY} bytes")
        assert call("GET", "/get/lamp") == (200, {"result": None})

    def test_a_body_of_unknown_length_is_refused(self, call: Caller) -> None:
        assert call("POST", "/set/lamp", b"0\r\n\r\n", {"Transfer-Encoding": "chunked"})[0] == 411

    def test_half_a_body_is_no_value(self, front: Front, redis_server: RedisServer) -> None:
        head = f"POST /set/lamp HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
        with socket.create_connection(("127.0.0.1", front.server_port), timeout=30) as half:
            half.sendall(head.encode() + b"half")
            half.shutdown(socket.SHUT_WR)
            assert half.recv(1) == b""
        with redis_server.client() as client:
            assert client.get("lamp") is None

    def test_a_redis_that_is_away_is_a_matter_of_time(self) -> None:
        with upstash_front(1) as front, closing(Caller(front)) as call:
            status, said = call("GET", "/get/lamp")
            assert status == 503
            assert "redis://127.0.0.1:1/0: the server cannot be reached" in said["error"]

    def test_a_connection_that_redis_ended_meanwhile_is_replaced(
        self, call: Caller, redis_server: RedisServer
    ) -> None:
        """As after its restart: the client still has its own connection, to the front."""
        assert call("POST", "/", ["INCR", "count"]) == (200, {"result": 1})
        with redis_server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        assert call("POST", "/", ["INCR", "count"]) == (200, {"result": 2})

    def test_streams_of_events_are_not_offered(self, call: Caller) -> None:
        for path in ("/monitor", "/subscribe/news"):
            assert call("POST", path, headers={"Accept": "text/event-stream"})[0] == 400
        assert call("GET", "/get/lamp", headers={"Upstash-Response-Format": "resp2"})[0] == 400


class TestSeveralCommands:
    def test_a_pipeline_tells_of_each(self, call: Caller) -> None:
        rows = [["SET", "a", "x"], ["LPUSH", "a", "y"], ["BLPOP", "a", 1], ["GET", "a"]]
        status, said = call("POST", "/pipeline", rows, BASE64)
        assert status == 200
        assert said[0] == {"result": "OK"}
        assert said[1]["error"].startswith("WRONGTYPE ")
        assert said[2] == {"error": "ERR Command is not available: 'BLPOP'"}
        assert said[3] == {"result": "eA=="}

    def test_a_transaction_runs_as_a_whole_though_one_fails(self, call: Caller) -> None:
        rows = [["SET", "a", 1], ["LPUSH", "a", "y"], ["INCR", "a"]]
        status, said = call("POST", "/multi-exec", rows)
        assert (status, said[0], said[2]) == (200, {"result": "OK"}, {"result": 2})
        assert said[1]["error"].startswith("WRONGTYPE ")

    @pytest.mark.parametrize("second", [["NOSUCH"], ["GET"], ["BLPOP", "a", 1], ["EXEC"]])
    def test_a_transaction_with_what_is_no_command_does_nothing(
        self, call: Caller, second: list[Any]
    ) -> None:
        status, said = call("POST", "/multi-exec", [["SET", "a", 1], second])
        assert (status, list(said)) == (400, ["error"])
        assert call("GET", "/get/a") == (200, {"result": None})
        assert call("POST", "/multi-exec", [["SET", "a", 2]]) == (200, [{"result": "OK"}])


def test_nothing_is_logged(call: Caller, capfd: pytest.CaptureFixture[str]) -> None:
    call("GET", f"/set/lamp/lit?_token={TOKEN}", token=None)
    call("GET", "/get/lamp", token="wrong")
    call("DELETE", "/get/lamp")
    assert capfd.readouterr() == ("", "")
