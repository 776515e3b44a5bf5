"""SDXL with random weights: the published numbers, and a small build of the same code at work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch

from ourvidz.plugins.diffusion.random_parts import RandomPart, Settings, random_parts
from ourvidz.plugins.family import DeviceTooSmall, GenerationRequest, LoadContext, Output
from ourvidz.plugins.sdxl.family import SdxlFamily
from ourvidz.plugins.sdxl.published import COUNTS, SETTINGS, TEXT_ENCODER, TEXT_ENCODER_2, UNET, VAE
from ourvidz.plugins.sdxl.random_model import load_random, makers
from ourvidz.spec.settings import Precision
from tests.plugins.sdxl.conftest import Context, job_type, parameters, pixels

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning:diffusers")

#: The published shapes with narrow channels and few layers.
TINY: Settings = {
    "text_encoder": {
        **TEXT_ENCODER,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    },
    "text_encoder_2": {
        **TEXT_ENCODER_2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "projection_dim": 32,
    },
    "unet": {
        **UNET,
        "block_out_channels": (32, 32, 64),
        "attention_head_dim": (1, 1, 2),
        "transformer_layers_per_block": 1,
        "layers_per_block": 1,
        "cross_attention_dim": 64,
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 80,
    },
    "vae": {**VAE, "block_out_channels": (32, 32, 32, 32), "layers_per_block": 1},
}


def context(*, precision: Precision | None = None) -> LoadContext:
    return LoadContext(
        model=SdxlFamily.default_model, device="cpu", precision=precision, root=Path("/nowhere")
    )


def paint(model: Any, folder: Path, seed: int = 7) -> Output:
    request = GenerationRequest(job_type=job_type(), parameters=parameters(), seeds=(seed,))
    output: Output = model.generate(request, Context(folder))
    return output


@pytest.mark.parametrize("part", COUNTS)
def test_every_part_has_as_many_weights_as_the_published_one(part: str) -> None:
    with torch.device("meta"):
        module = makers(SETTINGS)[part]()
    assert sum(one.numel() for one in module.parameters()) == COUNTS[part]


def test_random_weights_make_a_picture_that_follows_prompt_seed_and_weights(tmp_path: Path) -> None:
    model = load_random(context(), seed=0, settings=TINY)
    assert model.fingerprint["checkpoint"] == "random:0"
    picture = paint(model, tmp_path)
    assert len(set(pixels(picture))) > 100, "the picture is nearly of one colour"
    again = load_random(context(), seed=0, settings=TINY)
    assert pixels(paint(again, tmp_path)) == pixels(picture)
    assert pixels(paint(model, tmp_path, seed=8)) != pixels(picture)
    other = load_random(context(), seed=1, settings=TINY)
    assert pixels(paint(other, tmp_path)) != pixels(picture)


def test_building_leaves_torchs_random_state_and_default_format_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_random(context(precision="bf16"), seed=0, settings=TINY)
    assert torch.get_default_dtype() == torch.float32
    assert torch.rand(1) == expected


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_weights_have_the_formats_that_a_loaded_checkpoint_has(
    checkpoint: Path, precision: Precision
) -> None:
    from ourvidz.plugins.sdxl.loading import part_dtype

    unet = diffusers.UNet2DConditionModel.load_config(checkpoint / "unet")
    make = {"unet": lambda: diffusers.UNet2DConditionModel.from_config(unet)}
    parts = {name: RandomPart(make=one, dtype=part_dtype(name, precision, VAE)) for name, one in make.items()}
    built = random_parts(parts, torch.device("cpu"), seed=0)["unet"]
    loaded = diffusers.UNet2DConditionModel.from_pretrained(
        checkpoint / "unet", torch_dtype=parts["unet"].dtype
    )
    assert _formats(built) == _formats(loaded)
    assert built.training is loaded.training is False


def test_fp16_leaves_the_vae_in_fp32() -> None:
    model = load_random(context(precision="fp16"), seed=0, settings=TINY)
    assert model.fingerprint["precision"] == "fp16"
    assert model.fingerprint["options"]["vae_precision"] == "fp32"  # type: ignore[index, call-overload]


def test_too_little_memory_is_told_before_anything_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**18}
    monkeypatch.setattr(os, "sysconf", machine.__getitem__)
    with pytest.raises(DeviceTooSmall, match=r"weights alone take 12\.9 GiB, and 1\.0 GiB of 1\.0 GiB are"):
        SdxlFamily().load_random(context(), seed=0)


def _formats(module: torch.nn.Module) -> dict[str, torch.dtype]:
    return {name: one.dtype for name, one in (*module.named_parameters(), *module.named_buffers())}
