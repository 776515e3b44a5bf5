"""npm's ``@upstash/redis`` finds in the front what it expects of Upstash."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ourvidz.runtime.upstash.front import Front
from tests.conformance.site import claimed
from tests.jobs.deployed_payloads import JULY_2025
from tests.runtime.redis_server import RedisServer
from tests.runtime.redis_site import RedisSite
from tests.servers.node import node_packages
from tests.servers.upstash import TOKEN

Node = Callable[[str], Any]


@pytest.fixture
def node(front: Front, tmp_path: Path) -> Node:
    """Runs the body of an async function that has ``redis``; returns what it returns."""
    (tmp_path / "node_modules").symlink_to(node_packages())

    def run(body: str) -> Any:
        script = f"""
            import {{ Redis }} from "@upstash/redis";
            const options = {{ url: {json.dumps(front.url)}, token: {json.dumps(TOKEN)} }};
            const redis = new Redis({{ ...options, enableTelemetry: false, enableAutoPipelining: false }});
            const value = await (async () => {{ {body} }})();
            console.log(JSON.stringify(value ?? null));
        """
        command = ["node", "--input-type=module", "--eval", script]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run


def test_values_come_back_as_they_went(node: Node) -> None:
    assert node(
        """
        await redis.set("text", "ä 😀 'x'", { ex: 100 });
        await redis.hset("hash", { a: 1, b: { c: [true, null] } });
        await redis.rpush("list", "OK", 2, { x: "y" });
        await redis.zadd("set", { score: 1.5, member: "m" }, { score: 2, member: "n" });
        return [
            await redis.get("text"), await redis.get("nothing"), await redis.hgetall("hash"),
            await redis.lrange("list", 0, -1), await redis.zrange("set", 0, -1, { withScores: true }),
            await redis.ping(), await redis.mget("text", "nothing"),
            await redis.scan(0, { match: "te*", count: 1000 }),
        ];
        """
    ) == [
        "ä 😀 'x'",
        None,
        {"a": 1, "b": {"c": [True, None]}},
        ["OK", 2, {"x": "y"}],
        ["m", 1.5, "n", 2],
        "PONG",
        ["ä 😀 'x'", None],
        ["0", ["text"]],
    ]


def test_pipelines_and_transactions_run(node: Node) -> None:
    assert node(
        """
        const many = await redis.pipeline().set("a", 1).incr("a").get("a").exec();
        const whole = await redis.multi().incr("a").rpush("b", "x").lrange("b", 0, -1).exec();
        const automatic = new Redis({ ...options, enableAutoPipelining: true });
        const together = await Promise.all([automatic.get("a"), automatic.llen("b"), automatic.get("c")]);
        return [many, whole, together];
        """
    ) == [["OK", 2, 2], [3, 1, ["x"]], [3, 1, None]]


def test_scripts_run_by_text_and_by_digest(node: Node) -> None:
    assert node(
        """
        const script = redis.createScript("return {KEYS[1], ARGV[1]}");
        return [
            await redis.eval("return redis.call('SET', KEYS[1], ARGV[1])", ["k"], ["v"]),
            await script.exec(["k"], ["ä"]), await script.evalsha(["k"], ["w"]),
        ];
        """
    ) == ["OK", ["k", "ä"], ["k", "w"]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('redis.lpush("text", "x")', "WRONGTYPE Operation against a key holding the wrong kind of value"),
        ('redis.evalsha("0", [], [])', "NOSCRIPT No matching script"),
        ('redis.exec(["BLPOP", "q", 1])', "ERR Command is not available: 'BLPOP'"),
        ('redis.multi().set("a", 1).exec(); await redis.exec(["NOSUCH"])', "ERR unknown command 'NOSUCH'"),
    ],
)
def test_an_error_is_thrown_with_the_servers_words(node: Node, call: str, words: str) -> None:
    told = node(
        f"""
        await redis.set("text", "lit");
        try {{ await {call}; }} catch (error) {{ return [error.name, error.message]; }}
        """
    )
    assert told[0] == "UpstashError"
    assert told[1].startswith(words)


def test_a_wrong_token_is_refused(front: Front, node: Node) -> None:
    told = node(
        f"""
        const stranger = new Redis({{ url: {json.dumps(front.url)}, token: "wrong" }});
        try {{ await stranger.get("a"); }} catch (error) {{ return error.message; }}
        """
    )
    assert told.startswith("WRONGPASS invalid or missing auth token")


def test_an_edge_functions_push_is_a_job(node: Node, redis_server: RedisServer) -> None:
    assert node(f'return redis.lpush("sdxl_queue", {json.dumps(JULY_2025)});') == 1
    queue = RedisSite(redis_server.port).open()
    try:
        assert json.loads(claimed(queue).payload) == JULY_2025
    finally:
        queue.close()
