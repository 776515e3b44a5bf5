"""The doctor finds what is wrong with a machine and a deployment, and says what to do."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ourvidz.deploy.doctor.examination import examine
from ourvidz.deploy.doctor.gpus import look_at_gpus
from ourvidz.deploy.doctor.machine import look_at_disks
from ourvidz.export.routing import as_typescript
from ourvidz.jobs.diagnosis import Diagnosis
from ourvidz.plugins.checkpoints.found import Progress
from ourvidz.plugins.installed_torch import Torch
from ourvidz.spec.settings import WorkerEntry
from tests.runtime.redis_server import free_port
from tests.site import JOB_TYPE, REPOSITORY, SETTINGS, Site

SECRET = "0123456789abcdef" * 4


@contextmanager
def unseen(_model: str) -> Iterator[Progress]:
    yield lambda *_: None


def found(site: Site, functions: Path | None = None) -> dict[str, Diagnosis]:
    """Every line by what it looks at."""
    return {one.check: one for one in examine(site.project, functions=functions, reading=unseen)}


def failed(diagnoses: dict[str, Diagnosis]) -> set[str]:
    return {one.check for one in diagnoses.values() if one.health == "failed"}


def test_a_machine_on_which_jobs_can_be_made_has_no_failed_line(site: Site) -> None:
    diagnoses = found(site)
    assert failed(diagnoses) == set()
    assert diagnoses["job types"].found == f"1 in {site.root / 'jobtypes'}"
    assert diagnoses["requirements placeholder"].health == "ok"
    assert diagnoses["queue"].found == "answers; 0 jobs wait"
    assert sys.executable in diagnoses["python"].found


def test_what_is_wrong_needs_a_remedy() -> None:
    with pytest.raises(ValueError, match="needs a remedy"):
        Diagnosis(check="queue", health="failed", found="gone")


def test_a_broken_job_type_leaves_the_machine_to_be_looked_at(site: Site) -> None:
    site.spec("placeholder_fast", JOB_TYPE.replace("steps: 4", "steps: 0"))
    diagnoses = found(site)
    assert failed(diagnoses) == {"job types"}
    assert "placeholder_fast.yaml:5:8: steps: found 0" in diagnoses["job types"].found
    assert diagnoses["disk"].health in ("ok", "warning")
    assert diagnoses["queue"].health == "skipped"


def test_a_checkpoint_that_is_missing_is_named(site: Site) -> None:
    (site.root / "ourvidz.yaml").write_text(
        SETTINGS + "models:\n  sdxl: {family: sdxl, location: checkpoints/painter}\n"
    )
    shipped = (REPOSITORY / "jobtypes/sdxl_image_fast.yaml").read_text()
    site.spec("sdxl_image_fast", shipped.replace("fallback: image_fast", ""))
    model = found(site)["model sdxl"]
    assert (model.health, str(site.root / "checkpoints/painter") in model.found) == ("failed", True)
    assert model.remedy is not None
    assert "ourvidz.yaml" in model.remedy


@pytest.mark.parametrize("kind", ["storage", "callback"])
def test_a_folder_that_is_none_is_found(site: Site, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    (site.root / "notes.txt").write_text("buy milk")
    monkeypatch.setenv(f"OURVIDZ_{kind.upper()}_URL", "file:notes.txt/inner")
    diagnoses = found(site)
    assert failed(diagnoses) == {kind}
    assert diagnoses[kind].found == f"{site.root / 'notes.txt'} is no folder"


def test_a_queue_that_nobody_serves_is_found_without_its_password(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURVIDZ_QUEUE_URL", f"redis://user:hunter2@127.0.0.1:{free_port()}")
    queue = found(site)["queue"]
    assert (queue.health, "cannot be reached" in queue.found) == ("failed", True)
    assert "hunter2" not in str(queue)


def test_a_receiver_is_reached_and_told_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURVIDZ_CALLBACK_KEYS", f"july:{SECRET}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("OURVIDZ_CALLBACK_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/hidden")
        assert found(site)["callback"].health == "ok"
        caller, _ = listener.accept()
        with caller:
            assert caller.recv(1) == b""
    callback = found(site)["callback"]
    assert (callback.health, callback.remedy is not None) == ("failed", True)
    assert "hidden" not in str(callback)


def test_the_deployed_functions_are_compared(site: Site, tmp_path: Path) -> None:
    module = tmp_path / "routing.ts"
    assert "does not exist" in found(site, module)["functions"].found
    module.write_text(as_typescript(site.project().catalog))
    assert found(site, module)["functions"].health == "ok"
    module.write_text(module.read_text() + "// mine\n")
    assert "was edited" in found(site, module)["functions"].found
    site.spec("placeholder_fast", JOB_TYPE.replace("steps: 4", "steps: 5"))
    functions = found(site, module)["functions"]
    assert (functions.health, f"expected {site.project().catalog.digest}" in functions.found) == (
        "failed",
        True,
    )
    assert functions.remedy == f"ourvidz export-routing --out {module}, and deploy the functions again"


def test_a_disk_is_named_once_with_all_that_lies_on_it(tmp_path: Path) -> None:
    [disk] = look_at_disks({"project": tmp_path, "job folders": tmp_path / "not/yet/made"})
    assert disk.found.endswith(f"GB free in {tmp_path} (project, job folders)")


@pytest.fixture
def nvidia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in the place of nvidia-smi: prints one GPU, or what the file ``broken`` holds, and fails."""
    folder = tmp_path / "programs"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(
        f"#!/bin/sh\n[ -f {folder}/broken ] && {{ cat {folder}/broken; exit 9; }}\n"
        'case "$1" in\n--query-gpu=*) echo "0, NVIDIA L40S, 550.54.15, 46068, 45000" ;;\n'
        '*) echo "| NVIDIA-SMI 550.54.15   Driver Version: 550.54.15   CUDA Version: 12.4 |" ;;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return folder


def gpus(cuda: str | None, **workers: dict[str, str]) -> dict[str, Diagnosis]:
    entries = {name: WorkerEntry.model_validate(one) for name, one in workers.items()}
    return {one.check: one for one in look_at_gpus(Torch(version="2.6.0", cuda=cuda), entries)}


@pytest.mark.usefixtures("nvidia")
def test_driver_and_memory_are_told() -> None:
    told = gpus("12.6", sdxl={"device": "cuda:0", "vram": "40GB"})
    assert {name: one.health for name, one in told.items()} == {"driver": "ok", "gpu 0": "ok"}
    assert told["driver"].found == "550.54.15, runs CUDA up to 12.4"
    assert told["gpu 0"].found == "NVIDIA L40S, 43.9 of 45.0 GB free"


@pytest.mark.usefixtures("nvidia")
@pytest.mark.parametrize(
    ("cuda", "worker", "check", "words"),
    [
        (None, {}, "driver", "built without CUDA"),
        ("13.0", {}, "driver", "built for CUDA 13.0"),
        ("12.4", {"device": "cuda:1"}, "worker wan", "torch sees 1 GPUs"),
        ("12.4", {"vram": "50GB"}, "worker wan", "50.0 GB, but NVIDIA L40S has 45.0 GB"),
    ],
)
def test_what_the_gpu_cannot_do_is_found(
    cuda: str | None, worker: dict[str, str], check: str, words: str
) -> None:
    told = gpus(cuda, wan=worker)
    assert failed(told) == {check}
    assert words in told[check].found


def test_a_driver_that_does_not_answer_is_quoted(nvidia: Path) -> None:
    (nvidia / "broken").write_text("Failed to initialize NVML: Driver/library version mismatch\n")
    told = gpus("12.4")
    assert failed(told) == {"gpu"}
    assert "version mismatch" in told["gpu"].found


def test_a_worker_that_wants_a_gpu_misses_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus("12.4", sdxl={"device": "cpu"})["gpu"].health == "skipped"
    assert failed(gpus("12.4", sdxl={"device": "cuda"})) == {"gpu"}


def test_the_command_tells_people_and_programs(site: Site) -> None:
    told = site.ourvidz("doctor", "--json")
    report = json.loads(told.stdout)
    assert (told.returncode, report["healthy"], told.stderr) == (0, True, "")
    assert {"check", "health", "found", "remedy"} == set(report["checks"][0])
    needy = site.root / "plugins/needy"
    shutil.copytree(REPOSITORY / "plugins/placeholder", needy)
    text = (needy / "__init__.py").read_text().replace('"placeholder"', '"needy"')
    (needy / "__init__.py").write_text(text.replace('("pillow>=10.3",)', '("no-such-library>=2",)'))
    (site.root / "ourvidz.yaml").write_text(SETTINGS.replace('"]', '", plugins]'))
    site.spec("needy", JOB_TYPE.replace("PLACEHOLDER", "NEEDY").replace("placeholder_", "needy_"))
    told = site.ourvidz("doctor")
    assert told.returncode == 5, told.stdout
    assert "requirements needy        failed   no-such-library>=2 (not installed)" in told.stdout
    assert '→ pip install "no-such-library>=2"' in told.stdout
    assert site.ourvidz("doctor", "--plugin", "placeholder").returncode == 0
    assert "family_unknown" in site.ourvidz("doctor", "--plugin", "nothing", "--json").stderr
