from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ourvidz.plugins.discovery import plugins_in
from ourvidz.plugins.manager import Plugins

#: A plugin's path inside its folder, and its code.
WritePlugin = Callable[[str, str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for drop-in plugins."""
    folder = tmp_path / "dropped"
    folder.mkdir()
    return folder


@pytest.fixture
def write(folder: Path) -> WritePlugin:
    """Writes one file of a plugin; ``hookimpl`` is imported already."""

    def write(name: str, code: str) -> Path:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("from ourvidz.plugins.hookspecs import hookimpl\n" + textwrap.dedent(code))
        return path

    return write


@pytest.fixture
def load(folder: Path) -> Callable[[], Plugins]:
    """Loads what lies in the folder, without the built-in plugins."""
    return lambda: Plugins(plugins_in(folder, folder.parent), root=folder.parent)
