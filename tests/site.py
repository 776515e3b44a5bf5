"""A project folder with a family that needs no model, and workers as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ourvidz.project import Project

REPOSITORY = Path(__file__).parents[1]

JOB_TYPE = """\
worker: PLACEHOLDER
queue: placeholder_queue
content_type: image
resolution: 64x48
steps: 4
guidance: 6.0
expected_time: 1s
storage_bucket: placeholder_fast
quality_tier: fast
max_attempts: 20
params:
  steps: {min: 1, max: 1000}
  step_time: {min: 0, max: 5}
"""

SETTINGS = f"""\
plugins: ["{REPOSITORY / "plugins"}"]
workers:
  placeholder:
    lease: 1s
"""


@dataclass(slots=True)
class Site:
    """A folder with job types and settings, and everything that runs on it."""

    root: Path
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def spec(self, id: str, text: str) -> None:
        """Write a job type, whole at once as editors do."""
        draft = self.root / "jobtypes" / f".{id}.draft"
        draft.write_text(text)
        draft.rename(self.root / "jobtypes" / f"{id}.yaml")

    def project(self) -> Project:
        return Project.open(jobtypes=self.root / "jobtypes", config=self.root / "ourvidz.yaml")

    def ourvidz(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "ourvidz", *arguments], cwd=self.root, capture_output=True, text=True
        )

    def start(
        self, *arguments: str, stdout: int = subprocess.PIPE, stderr: int | None = None
    ) -> subprocess.Popen[str]:
        """Start a command. If it still runs when the test ends, it is killed."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ourvidz", *arguments],
            cwd=self.root,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        self.processes.append(process)
        return process

    def worker(self, *arguments: str, heard: bool = True) -> subprocess.Popen[str]:
        """Start a worker that prints what happens as JSON lines, to a pipe if somebody reads it."""
        stdout = subprocess.PIPE if heard else subprocess.DEVNULL
        return self.start("run-worker", "--plugin", "placeholder", "--json", *arguments, stdout=stdout)

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have settings of their own."""
    for name in [name for name in os.environ if name.startswith("OURVIDZ_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    forget_environment(monkeypatch)
    (tmp_path / "jobtypes").mkdir()
    (tmp_path / "ourvidz.yaml").write_text(SETTINGS)
    site = Site(tmp_path)
    site.spec("placeholder_fast", JOB_TYPE)
    yield site
    site.stop()


def until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    """Wait for a condition that other processes bring about; fail if they do not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
