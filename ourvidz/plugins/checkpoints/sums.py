"""``SHA256SUMS``: the digests of a folder's files, as ``sha256sum`` writes and checks them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

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
