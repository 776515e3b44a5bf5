"""An SDXL checkpoint in a single file becomes a folder in the diffusers layout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ourvidz.plugins.checkpoints.headers import read_header
from ourvidz.plugins.checkpoints.layout import CheckpointExists
from ourvidz.plugins.family import GenerationRequest, ModelInvalid
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.spec.settings import Precision
from tests.plugins.sdxl.conftest import Context, job_type, load_from, parameters, pixels
from tests.plugins.sdxl.original_layout import write_single_file

#: diffusers hands tensors to numpy in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")


def convert(file: Path, folder: Path, components: Path, precision: Precision | None = None) -> None:
    SdxlFamily().convert(
        file, folder, precision=precision, components=str(components), progress=lambda *_: None
    )


def painted(location: Path, folder: Path) -> bytes:
    request = GenerationRequest(job_type=job_type(), parameters=parameters(), seeds=(7,))
    return pixels(load_from(location).generate(request, Context(folder)))


def test_the_folder_paints_what_the_checkpoint_paints_that_the_file_was_made_of(
    checkpoint: Path, tmp_path: Path
) -> None:
    file = write_single_file(checkpoint, tmp_path / "posters.safetensors")
    convert(file, tmp_path / "posters", checkpoint)
    assert painted(tmp_path / "posters", tmp_path) == painted(checkpoint, tmp_path)
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "posters")
    assert checked.returncode == 0


def formats(folder: Path, part: str) -> set[str]:
    (file,) = (folder / part).glob("*.safetensors")
    return {tensor.dtype for tensor in read_header(file).values()}


def test_numbers_stay_as_they_are_unless_a_precision_is_asked_for(checkpoint: Path, tmp_path: Path) -> None:
    file = write_single_file(checkpoint, tmp_path / "half.safetensors", torch.float16)
    convert(file, tmp_path / "same", checkpoint)
    convert(file, tmp_path / "other", checkpoint, "bf16")
    assert [formats(tmp_path / "same", part) for part in ("unet", "text_encoder", "vae")] == [{"F16"}] * 3
    assert [formats(tmp_path / "other", part) for part in ("unet", "text_encoder")] == [{"BF16"}] * 2
    assert formats(tmp_path / "other", "vae") == {"F16"}, "the VAE was rounded"


def test_weights_in_eight_bits_become_fp16(checkpoint: Path, tmp_path: Path) -> None:
    file = write_single_file(checkpoint, tmp_path / "half.safetensors", torch.float16)
    tensors = load_file(file)
    name = "model.diffusion_model.time_embed.0.weight"
    eight = tensors[name].to(torch.float8_e4m3fn)
    save_file(tensors | {name: eight}, file)
    convert(file, tmp_path / "posters", checkpoint)
    unet = load_file(tmp_path / "posters/unet/diffusion_pytorch_model.safetensors")
    assert torch.equal(unet["time_embedding.linear_1.weight"], eight.half())


def test_what_is_not_sdxl_is_not_converted(checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"blocks.0.self_attn.q.weight": torch.ones(2)}, file)
    with pytest.raises(ModelInvalid, match="looks like a transformer of WAN"):
        convert(file, tmp_path / "posters", checkpoint)
    with pytest.raises(ModelInvalid, match="is no single file"):
        convert(checkpoint, tmp_path / "posters", checkpoint)
    assert {path.name for path in tmp_path.iterdir()} == {"other.safetensors"}


def test_nothing_is_overwritten(checkpoint: Path, tmp_path: Path) -> None:
    file = write_single_file(checkpoint, tmp_path / "posters.safetensors")
    (tmp_path / "posters").write_text("buy milk")
    with pytest.raises(CheckpointExists):
        convert(file, tmp_path / "posters", checkpoint)
    assert (tmp_path / "posters").read_text() == "buy milk"
