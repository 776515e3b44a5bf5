"""A worker starts in the environment that is locked, and in no other."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from ourvidz.plugins import environment
from ourvidz.plugins.environment import differences
from ourvidz.plugins.installed_torch import Torch
from ourvidz.spec.settings import EnvironmentEntry
from tests.site import REPOSITORY, SETTINGS, Site, site

__all__ = ["site"]

MAJOR, MINOR, _ = platform.python_version_tuple()
PILLOW, CLICK = version("pillow"), version("click")


def locked(**fields: object) -> EnvironmentEntry:
    return EnvironmentEntry.model_validate(fields)


def test_what_is_locked_is_here() -> None:
    for python in (f"{MAJOR}.{MINOR}", platform.python_version()):
        assert differences(locked(python=python, libraries={"Pillow": PILLOW, "click": CLICK})) == []


def test_everything_that_differs_is_named() -> None:
    assert differences(
        locked(python="3.1", libraries={"pillow": "0.1", "click": f"{CLICK}+cu124", "no-such-library": "2.0"})
    ) == [
        f"python: found {platform.python_version()}, expected 3.1",
        f"pillow: found {PILLOW}, expected 0.1",
        f"click: found {CLICK}, expected {CLICK}+cu124",
        "no-such-library: found none, expected 2.0",
    ]


@pytest.mark.parametrize(
    ("torch", "difference"),
    [
        (Torch(version="2.4.1+cu124", cuda="12.4"), []),
        (Torch(version="2.4.1+cu121", cuda="12.1"), ["cuda: found 12.1, expected 12.4"]),
        (
            Torch(version="2.4.1+cpu", cuda=None),
            ["cuda: found a torch that was built without it, expected 12.4"],
        ),
        (None, ["cuda: found no torch, expected 12.4"]),
    ],
)
def test_cuda_is_what_torch_was_built_for(
    monkeypatch: pytest.MonkeyPatch, torch: Torch | None, difference: list[str]
) -> None:
    monkeypatch.setattr(environment, "find_torch", lambda: torch)
    assert differences(locked(cuda="12.4")) == difference


def lock(site: Site, text: str) -> None:
    Path(site.root / "ourvidz.yaml").write_text(f"{SETTINGS}{text}")


def test_a_worker_refuses_to_start_on_anything_else(site: Site) -> None:
    lock(site, 'environment:\n  python: "2.7"\n  libraries: {pillow: 0.1.0}\n')
    run = site.ourvidz("run-worker", "--plugin", "placeholder", "--burst", "--json")
    assert (run.returncode, run.stdout) == (3, "")
    assert '"code": "environment_differs"' in run.stderr
    assert "python: found 3." in run.stderr
    assert f"pillow: found {PILLOW}, expected 0.1.0" in run.stderr
    told = site.ourvidz("doctor")
    assert told.returncode == 5
    assert "environment placeholder   failed   python: found 3." in told.stdout


def test_a_workers_own_lock_takes_the_place_of_the_common_one(site: Site) -> None:
    lock(site, f"    environment: {{libraries: {{pillow: {PILLOW}}}}}\nenvironment: {{python: '2.7'}}\n")
    assert site.ourvidz("run-worker", "--plugin", "placeholder", "--burst").returncode == 0
    assert "environment placeholder   ok       as ourvidz.yaml locks it" in site.ourvidz("doctor").stdout


def test_a_worker_on_another_interpreter_is_looked_at_there(site: Site) -> None:
    lock(site, "    python: envs/other/bin/python\n")
    told = site.ourvidz("doctor").stdout
    assert "requirements placeholder  skipped  its worker runs on envs/other/bin/python" in told
    assert "→ envs/other/bin/python -m ourvidz doctor --plugin placeholder" in told


def test_a_version_that_yaml_takes_for_a_number_is_refused(site: Site) -> None:
    lock(site, "environment: {python: 3.10}\n")
    run = site.ourvidz("validate")
    assert run.returncode == 1
    assert "environment.python: found 3.1" in run.stdout


def test_the_lock_of_the_how_to_is_the_stack_that_is_tested() -> None:
    text = (REPOSITORY / "docs/how-to/run-a-worker.md").read_text(encoding="utf-8")
    block = text.partition("## Lock the environment")[2].partition("```yaml\n")[2].partition("```")[0]
    shown = EnvironmentEntry.model_validate(yaml.safe_load(block)["environment"])
    lines = (REPOSITORY / "constraints-locked.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    for name, locked_to in shown.libraries.items():
        assert pins[name.replace("_", "-")] == locked_to.removesuffix("+cu124")
