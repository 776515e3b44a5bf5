"""``SHA256SUMS``: the digests of a folder's files, as ``sha256sum`` writes and checks them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ourvidz.plugins.checkpoints.found import FoundCheckpoint
from ourvidz.plugins.checkpoints.layout import reading_checkpoint

SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](?:\./)?(.+)")


def write_sums(folder: Path, digests: Mapping[str, str]) -> None:
    """Write the file; ``digests`` are hexadecimal, by path inside the folder."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


@reading_checkpoint()
def read_sums(folder: Path) -> dict[str, str]:
    """The digests by path inside the folder; none without such a file. Raises ModelInvalid."""
    path = folder / SUMS
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8", errors="replace")
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[2]: match[1].lower() for match in found if match}


def differing(found: FoundCheckpoint, digests: Mapping[str, str]) -> Iterator[str]:
    """What is wrong where a SHA256SUMS in a file's folder says something else of it. Raises ModelInvalid."""
    for folder in found.folders:
        sums = read_sums(folder.folder)
        for name, inner in folder.files.items():
            if sums.get(inner, digests[name]) != digests[name]:
                yield (
                    f"{folder.folder / inner}: found SHA-256 {digests[name]}, expected {sums[inner]}, as "
                    f"{folder.folder / SUMS} says; fetch the file again"
                )
