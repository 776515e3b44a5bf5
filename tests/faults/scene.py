"""One row's stage: a project, a queue, a platform that is told, and workers that are processes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.faults.judge import Evidence, Fault, Verdict, judge
from tests.faults.producers import QUEUE, Producer, RedisProducer, SqliteProducer, job
from tests.faults.receiver import Platform
from tests.runtime.receivers import KEY_ID, SECRET, documented_receiver, serving
from tests.runtime.redis_server import RedisServer

REPOSITORY = Path(__file__).parents[2]
PLUGINS = Path(__file__).parent / "plugins"

Kind = Literal["sqlite", "redis"]

#: Seconds that the lease of a job lasts, the shortest that a worker takes.
LEASE = 1.0

JOB_TYPE = f"""\
worker: BLANK
queue: {QUEUE}
content_type: image
resolution: 32x32
steps: 2
guidance: 6.0
expected_time: 1s
storage_bucket: placeholder_fast
quality_tier: fast
max_attempts: 20
params:
  steps: {{min: 1, max: 1000}}
  step_time: {{min: 0, max: 5}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line of the ledger: a worker claimed a job, or is about to get a signal at a step of it."""

    what: str
    job_id: str
    pid: int
    at: float


@dataclass(slots=True)
class Scene:
    """What a row has at hand. Use :func:`stage`."""

    kind: Kind
    root: Path
    platform: Platform
    environment: dict[str, str]
    server: RedisServer | None = None
    producer_port: int = 0
    acknowledged: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    stored: Callable[[], Mapping[str, str]] = dict
    kept: Collection[str] = ()
    _pushing: threading.Thread | None = None
    _push_error: BaseException | None = None
    _is_enough: bool = False
    _notes: list[Note] = field(default_factory=list)
    _read: int = 0
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.jsonl"

    def worker(self, at: str = "", *, command: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a worker; ``at`` as in ``FAULTS_AT``."""
        program = command or ("-P", "-m", "ourvidz", "run-worker", "--plugin", "blank", "--json")
        with (self.root / "workers.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, *program],
                cwd=self.root,
                env={**self.environment, "FAULTS_AT": at},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.workers.append(worker)
        return worker

    def ourvidz(self, *arguments: str) -> str:
        """Run a command to its end; returns what it prints."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "ourvidz", *arguments],
            cwd=self.root,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def living(self) -> list[subprocess.Popen[bytes]]:
        """The workers that have not ended, the oldest first."""
        return [one for one in self.workers if one.poll() is None]

    def push(
        self,
        jobs: int,
        *,
        step_time: float = 0.0,
        pace: float = 0.0,
        until: Callable[[], bool] = lambda: True,
        backlog: int = 10,
        extra: Callable[[bytes], Sequence[bytes]] = lambda _: (),
    ) -> None:
        """Push from a thread, ``pace`` seconds apart, so many jobs and on until ``until`` says so.

        Of the further ones no more than ``backlog`` wait. Each is pushed again until it is acknowledged,
        and after it whatever ``extra`` gives for it.
        """

        def run() -> None:
            try:
                with closing(self.producer()) as producer:
                    while len(self.acknowledged) < jobs or not (until() or self._is_enough):
                        one = job(step_time=step_time)
                        payload = one.to_payload()
                        while not producer.push(payload):
                            if self._is_enough:
                                return
                            time.sleep(0.02)
                        self.acknowledged.append(one.job_id)
                        for more in extra(payload):
                            producer.push(more)
                        time.sleep(pace)
                        while len(self.acknowledged) >= jobs and not (until() or self._is_enough):
                            time.sleep(0.02)
                            if len(self.acknowledged) - len(self.platform.ended) < backlog:
                                break
            except BaseException as error:
                self._push_error = error
                raise

        self._pushing = threading.Thread(target=run, name="producer")
        self._pushing.start()

    def producer(self) -> Producer:
        """A new one, for one thread."""
        if self.kind == "redis":
            return RedisProducer(self.producer_port)
        return SqliteProducer(self.root / "queue.sqlite3")

    @property
    def is_over(self) -> bool:
        """Whether everything that was acknowledged is told of, and nothing more comes."""
        return self.is_over_but(set())

    def is_over_but(self, untold: Collection[str]) -> bool:
        """The same, except for what nobody can be told of."""
        if self._pushing is None or self._pushing.is_alive():
            return False
        assert self._push_error is None, f"the producer failed: {self._push_error!r}"
        return self.platform.ended >= set(self.acknowledged).difference(untold)

    def notes(self) -> list[Note]:
        """What workers have written down so far."""
        if self.ledger.exists():
            with self._reading, self.ledger.open() as file:
                file.seek(self._read)
                # Every line was written at once.
                self._notes += [Note(**json.loads(line)) for line in file]
                self._read = file.tell()
        return self._notes

    def signalled(self) -> list[Note]:
        """Those of workers that came to the step where they were to be harmed."""
        return [note for note in self.notes() if note.what != "claimed"]

    def note_signals(self) -> None:
        """Count what workers have done to themselves as faults."""
        self.faults += [Fault(at=note.at, over=note.at, job_id=note.job_id) for note in self.signalled()]

    def verdict(self) -> Verdict:
        """Stop all workers, let them tell what they know, and judge."""
        self._is_enough = True
        if self._pushing is not None:
            self._pushing.join()
        self.stop_workers()
        return judge(
            Evidence(
                acknowledged=self.acknowledged,
                told=self.platform.told,
                stored=self.stored(),
                kept=self.kept,
                starts=[note.job_id for note in self.notes() if note.what == "claimed"],
                faults=self.faults,
            )
        )

    def stop_workers(self) -> None:
        for worker in self.living():
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@contextmanager
def stage(kind: Kind, root: Path, *redis_options: str) -> Iterator[Scene]:
    """Set everything up in an empty folder, and stop all of it at the end."""
    (root / "jobtypes").mkdir(parents=True)
    (root / "jobtypes" / "blank.yaml").write_text(JOB_TYPE)
    with ExitStack() as stack:
        platform = Platform(module=documented_receiver(root))
        callback = stack.enter_context(serving(platform))
        environment = {
            # Whoever runs this may have settings of their own.
            **{name: text for name, text in os.environ.items() if not name.startswith("OURVIDZ_")},
            "OURVIDZ_CALLBACK_KEYS": f"{KEY_ID}:{SECRET}",
            "OURVIDZ_STORAGE_URL": "labelled:file:storage",
            "OURVIDZ_CALLBACK_URL": f"labelled:{callback}",
            "OURVIDZ_QUEUE_URL": "labelled:sqlite:queue.sqlite3",
            "FAULTS_LEDGER": str(root / "ledger.jsonl"),
            "FAULTS_OUTBOX_LEASE": "2",
        }
        scene = Scene(kind, root, platform, environment)
        scene.stored = lambda: digests(root / "storage")
        if kind == "redis":
            options = redis_options or ("--appendonly", "yes", "--appendfsync", "everysec")
            scene.server = RedisServer(root / "redis", *options)
            scene.server.start()
            stack.callback(scene.server.kill)
            scene.producer_port = scene.server.port
            environment["OURVIDZ_QUEUE_URL"] = f"labelled:{scene.server.url}"
        (root / "ourvidz.yaml").write_text(
            f'plugins: ["{PLUGINS}"]\n'
            f"workers: {{blank: {{lease: {LEASE:.0f}s}}}}\n"
            "review: {outputs: elsewhere}\n"
        )
        stack.callback(_kill, scene)
        yield scene


def _kill(scene: Scene) -> None:
    for worker in scene.living():
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def digests(folder: Path) -> dict[str, str]:
    """Every object in a folder of buckets, with its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*/**/*")
        if path.is_file() and path.relative_to(folder).parts[0] != ".drafts"
    }
