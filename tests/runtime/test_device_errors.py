"""What a worker does when the GPU has no memory left, or is lost to its process.

The errors are torch's own, with the words that it has for them on a GPU.
"""

from __future__ import annotations

import json
import subprocess
import sys
import weakref

import pytest
import torch

from ourvidz.plugins.device_errors import DeviceLost, OutOfMemory, device_errors, forget_frames
from ourvidz.plugins.family import ModelInvalid
from ourvidz.runtime import executor
from ourvidz.runtime.observer import Observer
from tests.runtime.brittle.brittle import ILLEGAL_ACCESS, OUT_OF_MEMORY
from tests.runtime.brittle_site import BRITTLE, BrittleSite
from tests.site import Site, until


@pytest.fixture
def brittle(site: Site, monkeypatch: pytest.MonkeyPatch) -> BrittleSite:
    monkeypatch.setattr(executor, "FIRST_RETRY", 0.01)
    return BrittleSite(site)


def test_a_job_that_ran_out_of_memory_is_tried_once_more_after_a_clean_up(brittle: BrittleSite) -> None:
    brittle.goes_wrong("memory")
    job_id = brittle.submit()
    assert brittle.work() == 1
    status = brittle.status(job_id)
    assert (status.status, status.attempt) == ("completed", 1)
    assert brittle.lines("freed") == 1


def test_a_job_that_runs_out_of_memory_twice_fails_with_the_figures(brittle: BrittleSite) -> None:
    brittle.goes_wrong("memory", "memory", "memory")
    job_id = brittle.submit()
    brittle.work()
    status = brittle.status(job_id)
    assert (status.status, status.attempt) == ("failed", 1)
    assert status.error is not None
    assert status.error.code == "out_of_memory"
    for figure in ("20.00 GiB", "1.55 GiB", "44.40 GiB"):
        assert figure in status.error.message
    assert (brittle.root / "faults").read_text() == "memory", "expected two tries, and no third"
    record = json.loads((brittle.root / f"data/records/{job_id}.json").read_text())
    assert record["error"]["code"] == "out_of_memory"


def test_a_job_without_room_goes_to_its_fallback_after_the_second_try(brittle: BrittleSite) -> None:
    brittle.spec("brittle_small")
    brittle.spec("brittle_fast", "fallback: brittle_small")
    brittle.settings("on_failure: fallback\n")
    brittle.goes_wrong("memory", "memory")
    job_id = brittle.submit()
    assert brittle.work() == 2
    result = brittle.status(job_id).result
    assert result is not None
    assert result.fallback is not None
    assert result.fallback.because.code == "out_of_memory"


def test_other_models_leave_the_memory_before_the_second_try(brittle: BrittleSite) -> None:
    brittle.settings(
        "models:\n"
        "  one: {family: brittle, location: none, vram: 1GB}\n"
        "  two: {family: brittle, location: none, vram: 1GB}\n"
    )
    text = (brittle.root / "ourvidz.yaml").read_text()
    (brittle.root / "ourvidz.yaml").write_text(text.replace("workers:", "workers:\n  brittle: {vram: 8GB}"))
    brittle.spec("brittle_fast", "model: one")
    brittle.spec("brittle_other", "model: two")
    brittle.goes_wrong("", "memory")
    brittle.submit("brittle_fast")
    last = brittle.submit("brittle_other")
    observer = Drops()
    assert brittle.work(observer=observer) == 2
    assert brittle.status(last).status == "completed"
    assert observer.dropped == ["one"]


class Drops(Observer):
    def __init__(self) -> None:
        self.dropped: list[str] = []

    def model_unloaded(self, model: str, why: str) -> None:
        self.dropped.append(model)


@pytest.mark.parametrize("fault", ["illegal", "illegal, before torch 2.8"])
def test_a_lost_device_ends_the_process_and_the_job_goes_back_to_its_queue(
    brittle: BrittleSite, fault: str
) -> None:
    brittle.goes_wrong(fault)
    job_id = brittle.submit()
    worker = brittle.site.ourvidz("run-worker", "--plugin", "brittle", "--burst")
    assert worker.returncode == 75
    assert "an illegal memory access was encountered" in worker.stderr
    assert "Traceback" not in worker.stderr
    assert brittle.lines("unloaded") == 0, "nothing may touch the device any more"
    status = brittle.status(job_id)
    assert (status.status, status.attempt) == ("queued", 1)
    assert status.error is not None
    assert status.error.code == "device_lost"


def test_a_new_worker_makes_the_job_that_a_lost_device_interrupted(brittle: BrittleSite) -> None:
    brittle.goes_wrong("illegal")
    job_id = brittle.submit()
    with pytest.raises(DeviceLost):
        brittle.work()
    until(lambda: brittle.work() == 1)
    assert (brittle.status(job_id).status, brittle.status(job_id).attempt) == ("completed", 2)


def test_a_job_that_loses_every_device_is_no_ones_in_the_end(brittle: BrittleSite) -> None:
    brittle.site.spec("brittle_fast", BRITTLE.replace("max_attempts: 20", "max_attempts: 2"))
    brittle.goes_wrong("illegal", "illegal")
    job_id = brittle.submit()
    lost = 0
    while brittle.status(job_id).status == "queued":
        try:
            brittle.work()
        except DeviceLost:
            lost += 1
    assert lost == 2
    error = brittle.status(job_id).error
    assert error is not None
    assert error.code == "attempts_exhausted"
    with brittle.queue() as queue:
        assert [letter.job_id for letter in queue.dead_letters.list()] == [job_id]


def test_an_error_that_leaves_the_device_usable_fails_its_job_alone(brittle: BrittleSite) -> None:
    brittle.goes_wrong("wrong launch")
    first, second = brittle.submit(), brittle.submit()
    assert brittle.work() == 2
    assert brittle.statuses([first, second]) == ["failed", "completed"]


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (torch.OutOfMemoryError(OUT_OF_MEMORY), OutOfMemory),
        (torch.cuda.OutOfMemoryError(OUT_OF_MEMORY), OutOfMemory),
        (torch.AcceleratorError("CUDA error: out of memory\nCompile with …"), OutOfMemory),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), OutOfMemory),
        (torch.AcceleratorError(ILLEGAL_ACCESS), DeviceLost),
        (RuntimeError(ILLEGAL_ACCESS), DeviceLost),
        (torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with …"), DeviceLost),
        (torch.AcceleratorError("CUDA error: unspecified launch failure\n…"), DeviceLost),
        (torch.AcceleratorError("CUDA error: invalid argument\n…"), torch.AcceleratorError),
        (RuntimeError("the prompt says: an illegal memory access was encountered"), RuntimeError),
        (ValueError(ILLEGAL_ACCESS), ValueError),
    ],
)
def test_torchs_errors_are_told_apart(error: Exception, known: type[Exception]) -> None:
    with pytest.raises(known), device_errors():
        raise error


def test_an_error_that_a_family_raised_for_want_of_memory_is_no_wrong_checkpoint() -> None:
    wrapped = ModelInvalid("unet cannot be loaded")
    wrapped.__cause__ = torch.OutOfMemoryError(OUT_OF_MEMORY)
    with pytest.raises(OutOfMemory), device_errors():
        raise wrapped


def test_what_an_error_holds_of_the_model_can_be_let_go() -> None:
    def work(alive: list[weakref.ref[torch.Tensor]]) -> None:
        held = torch.ones(3)
        alive.append(weakref.ref(held))
        raise torch.OutOfMemoryError(OUT_OF_MEMORY)

    alive: list[weakref.ref[torch.Tensor]] = []
    with pytest.raises(OutOfMemory) as caught, device_errors():
        work(alive)
    assert alive[0]() is not None
    forget_frames(caught.value)
    assert alive[0]() is None


def test_the_worker_leaves_torch_to_the_family(site: Site) -> None:
    """A family without torch is served without it, whatever goes wrong."""
    code = (
        "import sys\n"
        "from ourvidz.project import Project\n"
        "from ourvidz.runtime.worker import Worker\n"
        "from ourvidz.plugins.device_errors import device_errors\n"
        "Project.open()\n"
        "try:\n"
        "    with device_errors(): raise RuntimeError('CUDA error: out of memory')\n"
        "except RuntimeError as error: print(type(error).__name__)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site.root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["RuntimeError", "False"]
