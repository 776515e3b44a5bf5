"""Generated files on disk: written when they changed, compared when they must be fresh."""

from __future__ import annotations

import difflib
import io
from dataclasses import dataclass
from pathlib import Path

from ourvidz.errors import NotReady, OurvidzError
from ourvidz.whole_files import make_folder, replace


class GeneratedFileStale(OurvidzError):
    """A generated file is not what the job types say."""

    code = "generated_file_stale"


class PathUnusable(NotReady):
    """A path cannot be read or written."""

    code = "path_unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedFile:
    """A file as it has to be, and the command that makes it so."""

    path: Path
    text: str
    command: str

    @property
    def is_fresh(self) -> bool:
        """Whether the file is what it has to be, to the byte. Raises PathUnusable."""
        return self._on_disk() == self.text.encode()

    def diff(self) -> str:
        """What would change, as a unified diff; empty if the file is fresh. Raises PathUnusable."""
        old = self._on_disk()
        if old == self.text.encode():
            return ""
        changes = difflib.unified_diff(
            _lines((old or b"").decode(errors="backslashreplace")),
            _lines(self.text),
            "/dev/null" if old is None else str(self.path),
            str(self.path),
        )
        return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in changes)

    def write(self) -> bool:
        """Make the file what it has to be, in one step, and say whether it changed.

        A fresh file is left alone, its times included. Missing folders are made. Raises PathUnusable.
        """
        if self.is_fresh:
            return False
        path = self.path.resolve()  # so that a link stays one
        try:
            make_folder(path.parent)
            replace(path, self.text.encode())
        except OSError as error:
            raise self._unusable("written", error.strerror) from None
        return True

    def check(self) -> None:
        """Raises GeneratedFileStale with the command to run, if the file is not fresh, and PathUnusable."""
        if not self.is_fresh:
            what = "is not what the job types say" if self.path.exists() else "does not exist"
            raise GeneratedFileStale(f"{self.path} {what}; run: {self.command}")

    def _on_disk(self) -> bytes | None:
        try:
            if self.path.exists() and not self.path.is_file():  # reading a pipe would wait for ever
                raise self._unusable("read", "it is not a file")
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("read", error.strerror) from None

    def _unusable(self, verb: str, reason: str | None) -> PathUnusable:
        return PathUnusable(f"{self.path} cannot be {verb}: {reason}; give another path, or mend this one")


def read_folder(folder: Path) -> dict[str, str]:
    """The texts of a folder's files by name, without subfolders; a missing folder has none.

    Bytes that are no UTF-8 are replaced. Raises PathUnusable.
    """
    try:
        paths = sorted(folder.iterdir()) if folder.exists() else []
        return {path.name: path.read_bytes().decode(errors="replace") for path in paths if path.is_file()}
    except OSError as error:
        named = error.filename or folder
        raise PathUnusable(
            f"{named} cannot be read: {error.strerror}; give another path, or mend this one"
        ) from None


#: How diff and patch mark a last line without its line feed.
NO_NEWLINE = "\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, as every diff does; ``splitlines`` knows further separators."""
    return list(io.StringIO(text, newline="\n"))
