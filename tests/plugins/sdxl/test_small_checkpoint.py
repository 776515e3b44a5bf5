"""The small checkpoint: built whole or not at all, and the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ourvidz.plugins.checkpoints.layout import CheckpointExists
from ourvidz.plugins.family import MakesSmallCheckpoint
from ourvidz.plugins.sdxl import small_checkpoint
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.small_checkpoint import write_small_checkpoint


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_same_seed_gives_the_same_bytes(checkpoint: Path, tmp_path: Path) -> None:
    write_small_checkpoint(tmp_path / "again", seed=0)
    assert contents(tmp_path / "again") == contents(checkpoint)


def test_it_stays_small(checkpoint: Path) -> None:
    assert sum(map(len, contents(checkpoint).values())) < 4 * 2**20


def test_its_text_encoders_name_their_weights_as_published_ones_do(checkpoint: Path) -> None:
    from safetensors.torch import load_file

    for part, others in (("text_encoder", set()), ("text_encoder_2", {"text_projection.weight"})):
        names = set(load_file(checkpoint / part / "model.safetensors"))
        assert {name for name in names if not name.startswith("text_model.")} == others


def test_it_is_left_alone_where_it_is_already(checkpoint: Path) -> None:
    before = contents(checkpoint)
    assert write_small_checkpoint(checkpoint, seed=0) is False
    assert contents(checkpoint) == before


def test_the_checkpoint_of_another_seed_is_not_overwritten(checkpoint: Path) -> None:
    with pytest.raises(CheckpointExists, match="seed 1"):
        write_small_checkpoint(checkpoint, seed=1)


def test_somebody_elses_files_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointExists):
        write_small_checkpoint(tmp_path, seed=0)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_a_damaged_one_is_not_taken_for_whole(copy: Path) -> None:
    (copy / "unet" / "config.json").unlink()
    with pytest.raises(CheckpointExists, match=r"damaged: .*unet/config.json is missing"):
        write_small_checkpoint(copy, seed=0)


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_seed: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(small_checkpoint, "_vae", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_small_checkpoint(tmp_path / "models" / "small", seed=0)
    assert list((tmp_path / "models").iterdir()) == []


def test_the_family_says_that_it_can_make_one() -> None:
    assert isinstance(SdxlFamily(), MakesSmallCheckpoint)
