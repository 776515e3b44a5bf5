"""One digest for a checkpoint: equal digests mean equal weights, settings and vocabularies.

Every byte is hashed, at about a gigabyte a second. What was hashed is noted in the checkpoint's own
folder, so that a file is read again only when its size or time of change is another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ourvidz.plugins.checkpoints.found import FilesIn, FoundCheckpoint, Progress
from ourvidz.plugins.checkpoints.layout import Checkpoint, reading_checkpoint
from ourvidz.plugins.family import DigestMismatch
from ourvidz.spec.settings import ModelEntry
from ourvidz.whole_files import replace

#: Where the digests of the files are noted, in the checkpoint's folder.
NOTES = ".ourvidz-digests.json"

_CHUNK = 8 * 2**20


def checkpoint_digest(checkpoint: Checkpoint) -> str:
    """SHA-256 over the names and SHA-256 digests of all files that are loaded. Raises ModelInvalid."""
    return digest_of(file_digests(checkpoint.found()))


def part_digest(checkpoint: Checkpoint, part: str) -> str:
    """The same of one part's files, by their names inside its folder, so that checkpoints can share it."""
    within = f"{part}/"
    digests = file_digests(checkpoint.found())
    return digest_of({name[len(within) :]: one for name, one in digests.items() if name.startswith(within)})


def check_digest(model: ModelEntry, found: FoundCheckpoint) -> None:
    """Raises DigestMismatch if ``ourvidz.yaml`` names a digest and this checkpoint has another one."""
    if model.digest is None:
        return
    digest = digest_of(file_digests(found))
    if digest != model.digest:
        raise DigestMismatch(
            f"{model.location}: found {digest}, expected {model.digest}, which ourvidz.yaml names "
            "(models: … digest:); put the old checkpoint back, or, if the change was meant, the digest "
            "that `ourvidz models check` prints into ourvidz.yaml"
        )


def digest_of(digests: Mapping[str, str]) -> str:
    """The digest of files of these names and digests, in the order of their names."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


@reading_checkpoint()
def file_digests(found: FoundCheckpoint, progress: Progress | None = None) -> dict[str, str]:
    """The SHA-256 digest of every file that is loaded, hexadecimal, by name. Raises ModelInvalid."""
    total, done = found.size(), 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None:
            progress("hashing", done, total)

    digests: dict[str, str] = {}
    for folder in found.folders:
        digests |= _digests_in(folder, advance)
    return digests


def note_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Note digests that are known already, hexadecimal, by path inside the folder. Raises OSError."""
    notes = {name: _state(folder / name) | {"sha256": digest} for name, digest in digests.items()}
    _write_notes(folder, notes)


def _digests_in(files: FilesIn, advance: Callable[[int], None]) -> dict[str, str]:
    known = _read_notes(files.folder)
    # What other checkpoints in this folder have noted stays, unless its file is gone.
    notes = {name: note for name, note in known.items() if (files.folder / name).is_file()}
    for inner in files.files.values():
        path = files.folder / inner
        state, before = _state(path), known.get(inner, {})
        if {key: before.get(key) for key in state} == state:
            advance(path.stat().st_size)
        else:
            notes[inner] = state | {"sha256": _sha256(path, advance)}
    if notes != known:
        _write_notes(files.folder, notes)
    return {name: str(notes[inner]["sha256"]) for name, inner in files.files.items()}


def _state(path: Path) -> dict[str, str | int]:
    """By which it is told whether a file has changed since it was hashed."""
    stat = path.stat()
    return {"size": stat.st_size, "changed": stat.st_mtime_ns}


def _sha256(path: Path, advance: Callable[[int], None]) -> str:
    digest, buffer = hashlib.sha256(), bytearray(_CHUNK)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(memoryview(buffer)[:size])
            advance(size)
    return digest.hexdigest()


def _read_notes(folder: Path) -> dict[str, dict[str, str | int]]:
    try:
        notes: dict[str, dict[str, str | int]] = json.loads((folder / NOTES).read_bytes())
        return {name: dict(note) for name, note in notes.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_notes(folder: Path, notes: dict[str, dict[str, str | int]]) -> None:
    # Where the folder cannot be written to, the files are hashed at every load.
    with contextlib.suppress(OSError):
        replace(folder / NOTES, json.dumps(notes, indent=1).encode())
