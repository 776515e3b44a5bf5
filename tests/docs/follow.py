"""Follows a document: writes its files, types its commands, and compares what they print.

In expected output ``…`` stands for anything, on a line of its own for any lines or none; times for any
time. A job's id in a document stands for the id that the same place of the real output has, from there
on to the document's end.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.documents import Command, File

_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_FLEXIBLE = re.compile(rf"({_UUID})|(…)|([0-9]+\.[0-9]+ s)|([0-9]+ s)")

#: How a worker and a server say that they are up; a command that serves for ever is stopped then.
_SERVING = ("waiting for jobs", "waiting for requests", "  idle\n")


@dataclass(slots=True)
class Reader:
    """Somebody who follows a document in a folder."""

    folder: Path
    ids: dict[str, str] = field(default_factory=dict)
    background: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, file: File) -> None:
        path = self.folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)

    def type(self, command: Command) -> None:
        """Run a command and check that it succeeds and prints what the document says."""
        text = re.sub(_UUID, lambda match: self.ids.get(match[0], match[0]), command.text)
        if text.endswith(" &"):
            printed = self._start(text.removesuffix(" &"))
        else:
            printed = self._serve(text) if _serves(text) else self._run(text)
        self._compare(command, printed)

    def leave(self) -> None:
        """End what still runs in the background."""
        for process in self.background:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate()

    def _environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OURVIDZ_")}
        return kept | {"PATH": path}

    def _run(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-c", text], cwd=self.folder, env=self._environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"$ {text}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _start(self, text: str) -> str:
        """Run a command in the background, and return what it prints until it serves."""
        process = subprocess.Popen(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.background.append(process)
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if _says_so(line):
                return printed
        raise AssertionError(f"$ {text} &\n{printed}")

    def _serve(self, text: str) -> str:
        printed = ""
        with subprocess.Popen(
            ["bash", "-c", f"exec {text}"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                printed += line
                if _says_so(line):
                    process.send_signal(signal.SIGTERM)
        assert process.returncode == 0, f"$ {text}\n{printed}"
        assert _says_so(printed)
        return printed

    def _compare(self, command: Command, printed: str) -> None:
        if not command.output:
            return
        names: list[str] = []
        pattern = "".join(_pattern(line, names) for line in command.output)
        match = re.fullmatch(pattern, printed.strip("\n") + "\n", re.DOTALL)
        assert match, (
            f"$ {command.text}\nthe document says:\n"
            + "\n".join(command.output)
            + (f"\nprinted was:\n{printed}")
        )
        self.ids |= dict(zip(names, match.groups(), strict=True))


def _says_so(text: str) -> bool:
    return any(words in text for words in _SERVING)


def _serves(text: str) -> bool:
    if text.startswith("ourvidz up"):
        return True
    return "run-worker" in text and "--burst" not in text and "--once" not in text


def _pattern(line: str, names: list[str]) -> str:
    """What matches a line with its end; the ids in it are added to ``names``."""
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    parts = []
    for part in _FLEXIBLE.split(line):
        if part is None:
            continue
        if re.fullmatch(_UUID, part):
            parts.append(f"({_UUID})")
            names.append(part)
        elif part == "…":
            parts.append(".*?")
        elif re.fullmatch(r"[0-9.]+ s", part):
            parts.append(r"[0-9.]+ s")
        else:
            parts.append(re.escape(part.rstrip()) if part == line else re.escape(part))
    return "".join(parts) + r"\n"
