"""Full disks, payloads that are no jobs, jobs that are pushed twice, and clocks that jump."""

from __future__ import annotations

import hashlib
import json
import resource
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from pathlib import Path

from tests.faults.judge import Fault
from tests.faults.producers import job
from tests.faults.redis_faults import now_and_then
from tests.faults.row import work
from tests.faults.scene import JOB_TYPE, Scene

#: A job's picture is larger, the files that the harness itself writes meanwhile are smaller.
DISK = 300_000

#: Seconds for which a disk is full.
FULL = 1.5


def worker_disk_full(*, times: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Nothing large can be written on the worker's machine: no pictures, and no more to a queue file."""

    def run(scene: Scene) -> None:
        large = JOB_TYPE.replace("32x32", "512x512")
        (scene.root / "jobtypes" / "blank.yaml").write_text(large)

        def fill(scene: Scene) -> None:
            pids = [pid for one in scene.living() for pid in _family(one.pid)]
            _limit(pids, DISK)
            time.sleep(FULL)
            _limit(pids, resource.RLIM_INFINITY)

        now_and_then(fill, times=times, jobs=jobs, seconds=seconds)(scene)

    return run


def redis_disk_full(scene: Scene) -> None:
    """The server cannot write down what it is told, so it must not acknowledge it."""
    assert scene.server is not None
    written = max(path.stat().st_size for path in (scene.root / "redis").rglob("*.aof"))
    _limit([scene.server.pid], written)
    time.sleep(FULL)
    _limit([scene.server.pid], resource.RLIM_INFINITY)


def _limit(pids: Collection[int], size: int) -> None:
    for pid in pids:
        # It may have ended.
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _family(pid: int) -> list[int]:
    """A process and its children: a worker and its heartbeat."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [pid, *map(int, children.split())]


def poisoned(*, rounds: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Between the jobs, payloads of every bad kind: each is told of, or kept where somebody can see it."""

    def run(scene: Scene) -> None:
        poison = [one for _ in range(rounds) for one in poisons()]
        with closing(scene.producer()) as producer:
            for payload, job_id in poison:
                assert producer.push(payload)
                scene.acknowledged.append(job_id or _name(_text(payload)))
                now = time.monotonic()
                scene.faults.append(Fault(at=now, over=now, job_id=job_id))
                one = job()
                assert producer.push(one.to_payload())
                scene.acknowledged.append(one.job_id)
        scene.push(len(scene.acknowledged) + jobs, pace=0.01)
        kept = {_name(_text(payload)) for payload, job_id in poison if job_id is None}
        work(scene, over=lambda: scene.is_over_but(kept), seconds=seconds)
        scene.stop_workers()
        scene.kept = {_name(letter["payload"]) for letter in _letters(scene)}

    return run


def poisons() -> list[tuple[bytes, str | None]]:
    """Payloads that are no jobs, each of its own, with their ids where they have one that can be read."""
    mark = uuid.uuid4().hex
    fields = json.loads(job().to_payload())

    def changed(**changes: object) -> tuple[bytes, str]:
        job_id = str(uuid.uuid4())
        return json.dumps({**fields, "job_id": job_id, "prompt": job_id, **changes}).encode(), job_id

    return [
        (f"no JSON {mark}".encode(), None),
        (f"\xff\xfe {mark}".encode("latin-1"), None),
        (json.dumps([mark]).encode(), None),
        (json.dumps(mark).encode(), None),
        (f'["{mark}",'.encode() + b"[" * 100_000, None),
        (json.dumps({"prompt": mark}).encode(), None),
        (json.dumps({"job_id": f"no id {mark}"}).encode(), None),
        (mark.encode() + b"x" * 300_000, None),
        changed(job_type="no_such_type"),
        changed(version=99),
        changed(prompt="\ud800"),
        changed(user_id="nobody"),
        changed(params={"steps": -1}),
        changed(params={"unknown": 1}),
        changed(num_images=1_000),
        changed(surprise=True),
        changed(seed=2**70),
    ]


def _letters(scene: Scene) -> list[dict[str, str]]:
    """The dead letters, as the command shows them."""
    told = scene.ourvidz("dead-letters", "list", "--limit", "100000", "--json")
    letters: list[dict[str, str]] = json.loads(told)
    return letters


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", errors="backslashreplace")


def _name(payload: str) -> str:
    """What a payload without an id is called here, by its beginning: of a large one no more is kept."""
    return f"payload {hashlib.sha256(payload[:1000].encode()).hexdigest()}"


def pushed_twice(*, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """Every job comes again at once, and once more when it may have started or ended."""

    def run(scene: Scene) -> None:
        payloads: list[bytes] = []

        def again(payload: bytes) -> list[bytes]:
            payloads.append(payload)
            now = time.monotonic()
            scene.faults += [Fault(at=now, over=now)] * 2
            return [payload, payloads[max(0, len(payloads) - 20)]]

        scene.push(jobs, pace=0.01, extra=again)
        work(scene, seconds=seconds)

    return run


def clock_jumps(*, times: int, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """The clock that leases go by is set an hour forward, and back."""

    def run(scene: Scene) -> None:
        clock = scene.root / "clock"
        clock.write_text("0")
        scene.environment["FAULTS_CLOCK"] = str(clock)
        offset = 0.0

        def jump(scene: Scene) -> None:
            nonlocal offset
            offset = 3600.0 if offset <= 0 else -3600.0
            draft = scene.root / "clock.draft"
            draft.write_text(str(offset))
            draft.rename(clock)

        now_and_then(jump, times=times, jobs=jobs, seconds=seconds)(scene)

    return run
