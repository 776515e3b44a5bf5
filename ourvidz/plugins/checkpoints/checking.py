"""What can be said of a checkpoint without loading it: where it is, how large, and whether it is sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ourvidz.plugins.checkpoints.digest import check_digest, digest_of, file_digests
from ourvidz.plugins.checkpoints.found import FoundCheckpoint, Progress
from ourvidz.plugins.checkpoints.layout import reading_checkpoint
from ourvidz.plugins.checkpoints.sums import differing
from ourvidz.plugins.family import (
    DigestMismatch,
    InspectsCheckpoints,
    ModelFamily,
    ModelInvalid,
    ModelMissing,
)
from ourvidz.spec.settings import ModelEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What became of looking at a checkpoint."""

    found: FoundCheckpoint | None
    """None where it is missing or damaged, and of a family that cannot look at checkpoints."""
    size: int | None = None
    """Bytes on disk."""
    is_missing: bool = False
    problems: tuple[str, ...] = ()
    digest: str | None = None
    """None unless it was asked for and every file could be read."""


def inspect(family: ModelFamily[Any], model: ModelEntry, root: Path) -> Inspection:
    """Look at the headers of a checkpoint's files. Nothing is fetched."""
    if not isinstance(family, InspectsCheckpoints):
        unknown = f"{family.name} cannot tell a checkpoint's digest; leave digest out of ourvidz.yaml"
        return Inspection(found=None, problems=(unknown,) if model.digest else ())
    try:
        found = family.inspect(model, root)
        with reading_checkpoint():
            return Inspection(found=found, size=found.size())
    except ModelMissing as error:
        return Inspection(found=None, is_missing=True, problems=(str(error),))
    except ModelInvalid as error:
        return Inspection(found=None, problems=tuple(str(error).splitlines()))


def check(
    family: ModelFamily[Any],
    model: ModelEntry,
    root: Path,
    progress: Progress,
    *,
    trust_notes: bool = False,
) -> Inspection:
    """Read every byte of a checkpoint's files as well, and compare digests with those that are on record.

    With ``trust_notes``, what was read before and has not changed since is not read again.
    """
    seen = inspect(family, model, root)
    if seen.found is None:
        return seen
    try:
        digests = file_digests(seen.found, progress, trust_notes=trust_notes)
        problems = list(differing(seen.found, digests))
    except ModelInvalid as error:
        return Inspection(found=seen.found, size=seen.size, problems=(str(error),))
    try:
        check_digest(model, digests)
    except DigestMismatch as error:
        problems.append(str(error))
    return Inspection(found=seen.found, size=seen.size, problems=tuple(problems), digest=digest_of(digests))
