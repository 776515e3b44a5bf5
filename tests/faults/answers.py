"""A platform and a storage server that answer badly, late, or not at all."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from tests.faults.judge import Fault
from tests.faults.row import work
from tests.faults.scene import Scene
from tests.runtime.receivers import Fault as Misbehaviour
from tests.servers.faults import Answer, FaultFront, LostReply, Reset, Stall, fault_front
from tests.servers.faults import Fault as StorageFault
from tests.servers.supabase import Supabase, supabase

#: What a platform does instead of taking an event: refuses it, and takes it with its answer lost.
REFUSALS: Sequence[int | Misbehaviour] = (500, 503, 401, 400, 404, 409, 429, "reset", "lost reply")

#: What may pass by itself: the storage's own trouble, and that of the way to it.
TROUBLE: Sequence[StorageFault] = (
    Answer(status=500),
    Answer(status=503),
    Answer.coded("InternalError", 500),
    Answer.coded("DatabaseTimeout", 544),
    Answer.coded("SlowDown", 503),
    Answer(status=429),
    Reset(after=0),
    Reset(after=100),
    LostReply(),
)

#: What never passes: the job fails, and its user is told so.
NO: Sequence[StorageFault] = (
    Answer(status=401),
    Answer.coded("InvalidJWT", 403),
    Answer.coded("InvalidMimeType", 415),
    Answer.coded("EntityTooLarge", 413),
)


def callback_fails(
    misbehaviour: Sequence[int | Misbehaviour], *, jobs: int, seconds: float
) -> Callable[[Scene], None]:
    """The platform does each of these to one request after the other."""

    def run(scene: Scene) -> None:
        # As long as in earnest: a delivery that stalls is over before somebody else begins one.
        scene.environment["FAULTS_OUTBOX_LEASE"] = "60"
        script = scene.platform.script
        left = [*misbehaviour]

        def spoil() -> None:
            if left and not script:
                # One at a time, so that it is known when each has happened.
                script.append(left.pop(0))
                return
            done = len(misbehaviour) - len(left) - len(script)
            now = time.monotonic()
            scene.faults += [Fault(at=now, over=now)] * (done - len(scene.faults))

        scene.push(jobs, pace=0.05, until=lambda: not left and not script)
        work(scene, meanwhile=spoil, seconds=seconds)
        spoil()

    return run


#: It takes an upload and never answers, which costs a minute.
STALL = Stall()


@dataclass(frozen=True, slots=True)
class _Stored:
    """The objects that events name, as the server has them."""

    server: Supabase
    scene: Scene

    def __call__(self) -> dict[str, str]:
        found = {}
        base = f"{self.server.url}/storage/v1/object/"
        with httpx.Client(base_url=base, headers=self.server.headers, trust_env=False) as client:
            for name in {name for told in self.scene.platform.told for name in told.files}:
                answer = client.get(name)
                if answer.is_success:
                    found[name] = hashlib.sha256(answer.content).hexdigest()
        return found


def storage_fails(faults: Sequence[StorageFault], *, jobs: int, seconds: float) -> Callable[[Scene], None]:
    """A real storage server, behind a front that does each of these to one upload after the other."""

    def run(scene: Scene) -> None:
        with supabase() as server, fault_front(server.url) as front:
            scene.environment |= {
                "OURVIDZ_STORAGE_URL": "labelled:supabase:",
                "SUPABASE_URL": front.url,
                "SUPABASE_SERVICE_ROLE_KEY": server.key,
            }
            _note_faults(scene, front)
            left = [*faults]

            def spoil() -> None:
                if left and front.spent and scene.platform.told:
                    front.spoil(left.pop(0), method="POST")

            scene.push(jobs, pace=0.05, until=lambda: not left and front.spent)
            work(scene, meanwhile=spoil, seconds=seconds)
            scene.stop_workers()
            # As long as the server is there.
            stored = _Stored(server, scene)()
            scene.stored = lambda: stored

    return run


def _note_faults(scene: Scene, front: FaultFront) -> None:
    def note() -> None:
        now = time.monotonic()
        scene.faults.append(Fault(at=now, over=now))

    front.on_fault = note
