"""The small checkpoint: as real ones are laid out, small, and the same for the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ourvidz.plugins.checkpoints.layout import CheckpointExists
from ourvidz.plugins.family import MakesSmallCheckpoint
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.layout import LAYOUT
from ourvidz.plugins.wan.small_checkpoint import write_small_checkpoint


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(checkpoint: Path, tmp_path: Path) -> None:
    write_small_checkpoint(tmp_path / "again", seed=0)
    assert contents(tmp_path / "again") == contents(checkpoint)
    write_small_checkpoint(tmp_path / "other", seed=1)
    other, small = contents(tmp_path / "other"), contents(checkpoint)
    differing = {name for name in small if other[name] != small[name]}
    assert differing == {"README.md"} | {name for name in small if name.endswith(".safetensors")}


def test_it_stays_small(checkpoint: Path) -> None:
    assert sum(map(len, contents(checkpoint).values())) < 4 * 2**20


def test_it_has_the_classes_of_the_published_checkpoint(checkpoint: Path) -> None:
    index = json.loads((checkpoint / "model_index.json").read_bytes())
    assert {name: tuple(entry) for name, entry in index.items() if isinstance(entry, list)} == {
        "scheduler": ("diffusers", "UniPCMultistepScheduler"),
        "text_encoder": ("transformers", "UMT5EncoderModel"),
        "tokenizer": ("transformers", "T5TokenizerFast"),
        "transformer": ("diffusers", "WanTransformer3DModel"),
        "vae": ("diffusers", "AutoencoderKLWan"),
    }
    assert set(LAYOUT.parts) <= set(index)


def test_it_is_left_alone_where_it_is_already_and_nothing_else_is_overwritten(checkpoint: Path) -> None:
    before = contents(checkpoint)
    assert write_small_checkpoint(checkpoint, seed=0) is False
    with pytest.raises(CheckpointExists, match="small wan checkpoint of seed 1"):
        write_small_checkpoint(checkpoint, seed=1)
    assert contents(checkpoint) == before


def test_a_damaged_one_is_not_taken_for_whole(copy: Path) -> None:
    (copy / "vae" / "config.json").unlink()
    with pytest.raises(CheckpointExists, match=r"damaged: .*vae/config.json is missing"):
        write_small_checkpoint(copy, seed=0)


def test_the_family_says_that_it_can_make_one() -> None:
    assert isinstance(WanFamily(), MakesSmallCheckpoint)
