"""The wheel, installed outside the repository: it brings its job types and finds them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
JOB_TYPES = sorted(path.stem for path in (REPOSITORY / "jobtypes").glob("*.yaml"))


def python(*arguments: str, cwd: Path, path: Path | None = None) -> str:
    """Run this environment's Python, with ``path`` before its packages."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OURVIDZ_")}
    if path:
        environ["PYTHONPATH"] = str(path)
    run = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs; its dependencies come from this environment."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source)
    for name in ("ourvidz", "jobtypes"):
        shutil.copytree(
            REPOSITORY / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    python("-m", "build", "--wheel", "--no-isolation", "--outdir", "dist", ".", cwd=source)
    (wheel,) = (source / "dist").glob("*.whl")
    python("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel), cwd=source)
    return target


def ourvidz(installed: Path, cwd: Path, *arguments: str) -> Any:
    run = "from ourvidz.cli.main import main; main()"
    return json.loads(python("-c", run, *arguments, "--json", cwd=cwd, path=installed))


def test_without_a_folder_of_its_own_a_project_has_the_packages_job_types(
    installed: Path, tmp_path: Path
) -> None:
    report = ourvidz(installed, tmp_path, "validate")
    assert report["jobTypes"] == JOB_TYPES
    assert report["jobTypesFolder"] == {
        "path": str(installed / "ourvidz/jobtypes"),
        "because": "it comes with the package",
    }


def test_a_folder_of_its_own_is_used_instead(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "jobtypes").mkdir()
    shutil.copy(REPOSITORY / "jobtypes/video_fast.yaml", tmp_path / "jobtypes")
    assert [one["id"] for one in ourvidz(installed, tmp_path, "jobtypes", "list")] == ["video_fast"]


def test_the_small_checkpoint_comes_with_it(installed: Path, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "ourvidz.yaml", tmp_path)
    [found] = ourvidz(installed, tmp_path, "models", "check", "sdxl")
    assert found["location"] == "package:ourvidz/checkpoints/sdxl-small"
    assert (found["state"], found["problems"]) == ("present", [])


def test_the_module_for_edge_functions_is_made_without_the_repository(
    installed: Path, tmp_path: Path
) -> None:
    made = ourvidz(installed, tmp_path, "export-routing", "--out", "routing.ts")
    assert made == {"path": "routing.ts", "state": "written"}
    assert "export function checkJobRequest" in (tmp_path / "routing.ts").read_text()
