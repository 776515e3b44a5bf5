"""A Redis that restarts, dies, is full, forgets, or whose replies get lost on the way."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import redis

from tests.faults.judge import Fault
from tests.faults.row import work
from tests.faults.scene import Scene
from tests.servers.redis_proxy import COMPLETE_AND_CLAIM, SCRIPTS, RedisProxy, redis_proxy

#: Seconds between two faults of one kind, so that work goes on between.
BREAK = 1.5

#: Every verb of a queue, and what producers and the doorbell use; each reply is lost in turn.
VERBS = ("LPUSH", "BLMOVE", *SCRIPTS, COMPLETE_AND_CLAIM)


def now_and_then(
    *harms: Callable[[Scene], None], times: int, jobs: int, seconds: float, pause: float = BREAK
) -> Callable[[Scene], None]:
    """Do these, one after the other, while jobs are pushed and made, with pauses between."""

    def run(scene: Scene) -> None:
        # The first one once workers have begun.
        left, due = times, float("inf")
        scene.push(jobs, step_time=0.01, pace=0.05, until=lambda: not left)

        def meanwhile() -> None:
            nonlocal left, due
            if due == float("inf") and scene.platform.told:
                due = 0.0
            now = time.monotonic()
            if left and now >= due:
                harms[left % len(harms)](scene)
                over = time.monotonic()
                scene.faults.append(Fault(at=now, over=over))
                left, due = left - 1, over + pause

        work(scene, meanwhile=meanwhile, over=lambda: not left and scene.is_over, seconds=seconds)

    return run


def restart(scene: Scene) -> None:
    assert scene.server is not None
    scene.server.stop()
    scene.server.start()


def kill(scene: Scene) -> None:
    assert scene.server is not None
    scene.server.kill()
    scene.server.start()


def forget_scripts(scene: Scene) -> None:
    with _administrator(scene) as server:
        server.script_flush()


def fill(scene: Scene) -> None:
    """No memory is left for a second; producers are refused, and workers must go on."""
    with _administrator(scene) as server:
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", 1)
        time.sleep(1.0)
        server.config_set("maxmemory", 0)


def replies_lost(*, times: int, seconds: float) -> Callable[[Scene], None]:
    """The reply to every verb is lost, one verb after the other, again and again."""

    def run(scene: Scene) -> None:
        assert scene.server is not None
        with redis_proxy(scene.server.port) as proxy:
            _go_through(scene, proxy)
            verbs = [VERBS[number % len(VERBS)] for number in range(times)]
            asked, due = 0, 0.0

            def lose() -> None:
                nonlocal asked, due
                now = time.monotonic()
                lost = proxy.lost.total()
                scene.faults += [Fault(at=now, over=now)] * (lost - len(scene.faults))
                if lost == asked < times:
                    proxy.lose(verbs[asked])
                    asked, due = asked + 1, now
                elif lost < asked and now >= due:
                    _provoke(scene, verbs[asked - 1])
                    due = now + 5.0

            # So few that workers come to rest between, and wait at the doorbell.
            scene.push(1, step_time=0.05, pace=0.05, backlog=2, until=lambda: proxy.lost.total() == times)
            work(scene, meanwhile=lose, seconds=seconds)
            lose()
            scene.stop_workers()

    return run


def _provoke(scene: Scene, verb: str) -> None:
    """Bring about what seldom happens by itself."""
    if verb == "outbox_failed":
        scene.platform.script.append(500)
    elif verb == "finish":
        # A worker that is asked to stop completes its last job and claims no other.
        scene.worker("generating:1:TERM")
    elif verb == "file":
        # Only our own producers run it, after their LPUSH.
        told = scene.ourvidz("submit", "blank", "--prompt", "a lighthouse", "--json")
        scene.acknowledged.append(json.loads(told)["jobId"])
    elif verb == "put_back":
        # A worker that is asked twice to stop hands its job back.
        scene.worker("generating:1:TERM+TERM")


def cut_off(*, times: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Nobody reaches the server for longer than a lease."""

    def run(scene: Scene) -> None:
        assert scene.server is not None
        with redis_proxy(scene.server.port) as proxy:
            _go_through(scene, proxy)

            def part(_: Scene) -> None:
                proxy.cut()
                time.sleep(2.0)
                proxy.join()

            now_and_then(part, times=times, jobs=jobs, seconds=seconds, pause=3.0)(scene)
            scene.stop_workers()

    return run


def _go_through(scene: Scene, proxy: RedisProxy) -> None:
    """Producers and workers speak to the server through the proxy from now on."""
    scene.producer_port = proxy.port
    scene.environment["OURVIDZ_QUEUE_URL"] = f"labelled:redis://127.0.0.1:{proxy.port}/0"


def _administrator(scene: Scene) -> redis.Redis:
    assert scene.server is not None
    return scene.server.client()
