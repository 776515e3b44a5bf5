"""Reads documents the way a reader follows them: files to write and commands to type, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"(?:#|//) ((?:[\w.-]+/)*[\w-]+\.(?:yaml|py|ts|cfg))")


@dataclass(frozen=True, slots=True)
class Command:
    """A line after ``$``, with the output lines below it."""

    text: str
    output: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A code block whose first line is a comment with the file's path."""

    path: str
    text: str


def steps(document: Path) -> list[Command | File]:
    """Everything that a document tells its reader to do."""
    found: list[Command | File] = []
    for language, body in _BLOCK.findall(document.read_text()):
        if language == "console":
            found += _commands(body)
        elif named := _FILE.fullmatch(body.partition("\n")[0]):
            found.append(File(named[1], body))
    return found


def _commands(body: str) -> list[Command]:
    lines = body.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    ends = [*starts[1:], len(lines)]
    return [
        Command(lines[start][2:], tuple(lines[start + 1 : end]))
        for start, end in zip(starts, ends, strict=True)
    ]
