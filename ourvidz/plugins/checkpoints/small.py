"""Small checkpoints of random weights, for tests and first steps: each appears whole, over nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ourvidz.plugins.checkpoints.layout import CheckpointExists, Layout, read_checkpoint
from ourvidz.plugins.checkpoints.new_folder import new_folder
from ourvidz.plugins.family import ModelInvalid


def write_small(folder: Path, layout: Layout, *, seed: int, card: str, build: Callable[[Path], None]) -> bool:
    """Let ``build`` fill a folder that becomes ``folder`` when it is complete.

    ``card`` is the model card, by which the checkpoint of a seed is known again. Return False if that
    one is there already. Raises CheckpointExists if ``folder`` holds anything else.
    """
    if _is_there(folder, layout, seed, card):
        return False
    with new_folder(folder) as draft:
        build(draft)
        # Where the hub's layout keeps it.
        (draft / "README.md").write_text(card, encoding="utf-8")
    return True


def _is_there(folder: Path, layout: Layout, seed: int, card: str) -> bool:
    if not folder.exists():
        return False
    if folder.is_dir() and not any(folder.iterdir()):
        return False
    readme = folder / "README.md"
    if readme.is_file() and readme.read_text(encoding="utf-8", errors="replace") == card:
        try:
            read_checkpoint(folder, layout)
        except ModelInvalid as error:
            raise CheckpointExists(f"{folder} is damaged: {error}. Remove it first") from None
        return True
    raise CheckpointExists(
        f"{folder} holds something else than the small {layout.family} checkpoint of seed {seed}; "
        "nothing is overwritten, so name another folder or remove it first"
    )
