"""Importing the package and its families costs no heavy library."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "diffusers", "transformers", "supabase", "redis", "av", "PIL", "numpy", "rich")


def test_the_package_and_its_families_leave_heavy_libraries_out() -> None:
    code = (
        "import sys, pathlib\n"
        "from ourvidz.plugins.manager import Plugins\n"
        "plugins = Plugins.load(root=pathlib.Path(), folders=[pathlib.Path('plugins')])\n"
        "assert {'sdxl', 'wan', 'placeholder'} <= set(plugins.families())\n"
        "plugins.families()['sdxl'].parameters.model_json_schema()\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
