"""One digest for a checkpoint: equal digests mean equal weights, settings and vocabularies.

Every byte is hashed, at about a gigabyte a second. What was hashed is noted in the checkpoint's own
folder, so that loading reads a file again only when size, times of change or inode are others.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ourvidz.plugins.checkpoints.found import FilesIn, FoundCheckpoint, Progress
from ourvidz.plugins.checkpoints.layout import Checkpoint, reading_checkpoint
from ourvidz.plugins.checkpoints.sums import differing
from ourvidz.plugins.family import DigestMismatch
from ourvidz.spec.settings import ModelEntry
from ourvidz.whole_files import replace

#: Where the digests of the files are noted, in the checkpoint's folder.
NOTES = ".ourvidz-digests.json"

_CHUNK = 8 * 2**20


def checkpoint_digest(checkpoint: Checkpoint) -> str:
    """SHA-256 over the names and SHA-256 digests of all files that are loaded. Raises ModelInvalid."""
    return digest_of(file_digests(checkpoint.found()))


def part_digest(digests: Mapping[str, str], part: str) -> str:
    """The same of one part's files, by their names inside its folder, so that checkpoints can share it.

    ``digests`` are those of a whole checkpoint's files.
    """
    within = f"{part}/"
    return digest_of({name[len(within) :]: one for name, one in digests.items() if name.startswith(within)})


def checked_digests(model: ModelEntry, found: FoundCheckpoint) -> dict[str, str]:
    """The digests of the files of a model that is to be loaded, by name.

    Raises ModelInvalid, and DigestMismatch if they are others than a SHA256SUMS beside the files or
    ``ourvidz.yaml`` has on record.
    """
    digests = file_digests(found)
    for difference in differing(found, digests):
        raise DigestMismatch(difference)
    check_digest(model, digests)
    return digests


def check_digest(model: ModelEntry, digests: Mapping[str, str]) -> None:
    """Raises DigestMismatch if ``ourvidz.yaml`` names a digest, and files of these digests have another."""
    digest = digest_of(digests)
    if model.digest not in (None, digest):
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
def file_digests(
    found: FoundCheckpoint, progress: Progress | None = None, *, trust_notes: bool = True
) -> dict[str, str]:
    """The SHA-256 digest of every file that is loaded, hexadecimal, by name. Raises ModelInvalid.

    Without ``trust_notes``, every byte is read: times of change can be set, and disks go bad in silence.
    """
    total, done = found.size(), 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        if progress is not None:
            progress("hashing", done, total)

    digests: dict[str, str] = {}
    for folder in found.folders:
        digests |= _digests_in(folder, advance, trust_notes=trust_notes)
    return digests


def note_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Note digests that are known already, hexadecimal, by path inside the folder. Raises OSError."""
    notes = {name: _state(folder / name) | {"sha256": digest} for name, digest in digests.items()}
    _write_notes(folder, notes)


def _digests_in(files: FilesIn, advance: Callable[[int], None], *, trust_notes: bool) -> dict[str, str]:
    known = _read_notes(files.folder)
    # What other checkpoints in this folder have noted stays, unless its file is gone.
    notes = {name: note for name, note in known.items() if (files.folder / name).is_file()}
    for inner in files.files.values():
        path = files.folder / inner
        state, before = _state(path), known.get(inner, {})
        if trust_notes and {key: before.get(key) for key in state} == state:
            advance(path.stat().st_size)
        else:
            notes[inner] = state | {"sha256": _sha256(path, advance)}
    if notes != known:
        _write_notes(files.folder, notes)
    return {name: str(notes[inner]["sha256"]) for name, inner in files.files.items()}


def _state(path: Path) -> dict[str, str | int]:
    """By which it is told whether a file has changed since it was hashed."""
    stat = path.stat()
    return {
        "size": stat.st_size,
        "changed": stat.st_mtime_ns,
        # Which nobody can set back, as copying and unpacking do with the time of change.
        "inode_changed": stat.st_ctime_ns,
        "inode": stat.st_ino,
    }


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
