"""What workers say of job types that they have stopped."""

from __future__ import annotations

from ourvidz.jobs.queue import Queue
from ourvidz.jobs.states import Reason
from tests.conformance.jobs import payload
from tests.conformance.site import OnQueue, QueueSite, claimed

BLACK = Reason(code="output_invalid", message="it was black")


def stop(queue: Queue, job_type: str, worker: str = "gpu-1:7:sdxl", seconds: float = 60.0) -> None:
    queue.stops.put(worker=worker, job_type=job_type, failures=5, reason=BLACK, seconds=seconds)


def stopped(queue: Queue) -> list[tuple[str, str]]:
    return [(one.job_type, one.worker) for one in queue.stops.list()]


class Stopping(OnQueue):
    """A note for people, which ends by itself."""

    def test_everybody_sees_who_stopped_what_why_and_how_long(self, queue: Queue, other: Queue) -> None:
        assert other.stops.list() == []
        stop(queue, "sdxl_image_fast")
        [seen] = other.stops.list()
        assert (seen.job_type, seen.worker) == ("sdxl_image_fast", "gpu-1:7:sdxl")
        assert (seen.failures, seen.reason) == (5, BLACK)
        assert round(seen.until - seen.since, 3) == 60

    def test_it_ends_when_its_time_is_over(self, site: QueueSite, queue: Queue) -> None:
        stop(queue, "sdxl_image_fast", seconds=60)
        stop(queue, "sdxl_image_high", seconds=120)
        site.pass_time(61)
        assert stopped(queue) == [("sdxl_image_high", "gpu-1:7:sdxl")]

    def test_it_begins_anew_when_it_is_said_again(self, site: QueueSite, queue: Queue) -> None:
        stop(queue, "sdxl_image_fast", seconds=60)
        site.pass_time(40)
        stop(queue, "sdxl_image_fast", seconds=60)
        site.pass_time(40)
        assert stopped(queue) == [("sdxl_image_fast", "gpu-1:7:sdxl")]

    def test_every_worker_speaks_for_itself(self, queue: Queue) -> None:
        stop(queue, "sdxl_image_high", "gpu-2:7:sdxl")
        stop(queue, "sdxl_image_fast", "gpu-2:7:sdxl")
        stop(queue, "sdxl_image_fast", "gpu-1:7:sdxl")
        assert stopped(queue) == [
            ("sdxl_image_fast", "gpu-1:7:sdxl"),
            ("sdxl_image_fast", "gpu-2:7:sdxl"),
            ("sdxl_image_high", "gpu-2:7:sdxl"),
        ]
        queue.stops.lift(worker="gpu-2:7:sdxl")
        queue.stops.lift(worker="gpu-2:7:sdxl")
        assert stopped(queue) == [("sdxl_image_fast", "gpu-1:7:sdxl")]

    def test_no_claim_depends_on_it(self, queue: Queue) -> None:
        queue.push("sdxl_queue", payload(1))
        stop(queue, "sdxl_image_fast")
        claimed(queue)
