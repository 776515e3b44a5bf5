"""One digest for a checkpoint: equal digests mean equal weights, settings and vocabularies.

Every byte is hashed, at about a gigabyte a second. What was hashed is noted in the checkpoint's own
folder, so that a file is read again only when its size or time of change is another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ourvidz.plugins.checkpoints.layout import Checkpoint, reading_checkpoint
from ourvidz.whole_files import replace

#: Where the digests of the files are noted, in the checkpoint's folder.
NOTES = ".ourvidz-digests.json"


def checkpoint_digest(checkpoint: Checkpoint) -> str:
    """SHA-256 over the names and SHA-256 digests of all files that are loaded. Raises ModelInvalid."""
    return _digest_of(file_digests(checkpoint))


def part_digest(checkpoint: Checkpoint, part: str) -> str:
    """The same of one part's files, by their names inside its folder, so that checkpoints can share it."""
    within = f"{part}/"
    digests = file_digests(checkpoint)
    return _digest_of({name[len(within) :]: one for name, one in digests.items() if name.startswith(within)})


@reading_checkpoint()
def file_digests(checkpoint: Checkpoint) -> dict[str, str]:
    """The SHA-256 digest of every file that is loaded, hexadecimal, by name. Raises ModelInvalid."""
    known = _read_notes(checkpoint.folder)
    notes: dict[str, dict[str, str | int]] = {}
    for name in checkpoint.files:
        path = checkpoint.folder / name
        stat = path.stat()
        state: dict[str, str | int] = {"size": stat.st_size, "changed": stat.st_mtime_ns}
        before = known.get(name, {})
        is_known = {key: before.get(key) for key in state} == state
        notes[name] = state | {"sha256": before["sha256"] if is_known else _sha256(path)}
    if notes != known:
        _write_notes(checkpoint.folder, notes)
    return {name: str(notes[name]["sha256"]) for name in checkpoint.files}


def _digest_of(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_notes(folder: Path) -> dict[str, dict[str, str | int]]:
    try:
        notes: dict[str, dict[str, str | int]] = json.loads((folder / NOTES).read_bytes())
    except (OSError, ValueError):
        return {}
    return notes


def _write_notes(folder: Path, notes: dict[str, dict[str, str | int]]) -> None:
    # Where the folder cannot be written to, the files are hashed at every load.
    with contextlib.suppress(OSError):
        replace(folder / NOTES, json.dumps(notes, indent=1).encode())
