"""What a checkpoint on this machine is made of: the files that are read when it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

#: ``folder``: in the diffusers layout; ``single file``: weights in one file; ``hub``: in the hub's cache.
Kind = Literal["folder", "single file", "hub"]

#: Is told what is being done, and how many bytes of how many are.
Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesIn:
    """Files of one folder."""

    folder: Path
    files: Mapping[str, str]
    """Their paths inside the folder, by the names under which a digest counts them."""

    def paths(self) -> dict[str, Path]:
        return {name: self.folder / inner for name, inner in self.files.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCheckpoint:
    """Everything that is read when a checkpoint is loaded."""

    kind: Kind
    folders: tuple[FilesIn, ...]
    """No two of their files have one name. The first folder is the checkpoint's own."""

    def paths(self) -> dict[str, Path]:
        """Every file by its name."""
        return {name: path for folder in self.folders for name, path in folder.paths().items()}

    def size(self) -> int:
        """Bytes on disk. Raises OSError."""
        return sum(path.stat().st_size for path in self.paths().values())
