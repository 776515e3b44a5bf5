"""``ourvidz models make-small``, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.site import REPOSITORY


def ourvidz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "ourvidz", *arguments], capture_output=True, text=True)


def test_a_small_checkpoint_is_built_once_and_then_found(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    built = ourvidz("models", "make-small", "sdxl", str(folder))
    assert (built.returncode, built.stdout) == (0, f"{folder}: built (seed 0)\n")
    assert "\r" not in built.stderr, "a pipe was shown progress"
    again = ourvidz("models", "make-small", "sdxl", str(folder), "--json")
    assert json.loads(again.stdout) == {"family": "sdxl", "folder": str(folder), "seed": 0, "built": False}
    other = ourvidz("models", "make-small", "sdxl", str(folder), "--seed", "1")
    assert other.returncode == 1
    assert "nothing is overwritten" in other.stderr


def test_a_family_that_makes_none_is_an_error_with_those_that_do(tmp_path: Path) -> None:
    plugins = ("--plugin-dir", str(REPOSITORY / "plugins"))
    answer = ourvidz("models", "make-small", "placeholder", str(tmp_path / "small"), *plugins)
    assert answer.returncode == 4
    assert answer.stderr == "error: placeholder makes no small checkpoint; these do: sdxl, wan\n"
    assert "did you mean sdxl?" in ourvidz("models", "make-small", "sdlx", str(tmp_path / "small")).stderr
