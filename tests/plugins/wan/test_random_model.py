"""WAN with random weights: the published numbers, and a small build of the same code at work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
import transformers

from ourvidz.plugins.diffusion.random_parts import RandomPart, Settings, random_parts
from ourvidz.plugins.family import GenerationRequest, LoadContext, VideoArtifact
from ourvidz.plugins.wan.family import WanFamily
from ourvidz.plugins.wan.loading import part_dtypes
from ourvidz.plugins.wan.parameters import WanParameters
from ourvidz.plugins.wan.published import COUNTS, SETTINGS, TEXT_ENCODER, TRANSFORMER, VAE
from ourvidz.plugins.wan.random_model import load_random, makers
from ourvidz.runtime.making.videos import check_video
from ourvidz.spec.job_type import JobType
from ourvidz.spec.settings import Precision
from ourvidz.spec.units import Resolution

#: The published shapes, narrow and with few layers.
TINY: Settings = {
    "text_encoder": {**TEXT_ENCODER, "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
    "transformer": {
        **TRANSFORMER,
        "num_attention_heads": 2,
        "attention_head_dim": 24,
        "text_dim": 32,
        "freq_dim": 32,
        "ffn_dim": 96,
        "num_layers": 2,
    },
    "vae": {**VAE, "base_dim": 8, "num_res_blocks": 1},
}

SPEC: dict[str, Any] = {
    "id": "harbour",
    "worker": "WAN",
    "queue": "wan_queue",
    "content_type": "video",
    "resolution": "96x64",
    "frames": 9,
    "steps": 2,
    "guidance": 5.0,
    "expected_time": "5s",
    "storage_bucket": "video_fast",
    "quality_tier": "fast",
}


@dataclass(slots=True)
class Context:
    """A job's context that nobody listens to."""

    folder: Path

    def step(self, stage: str, step: int, steps: int) -> None:
        """Go on."""


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tests run side by side on few cores, where threads that wait for each other cost the most."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def context(*, precision: Precision | None = None) -> LoadContext:
    return LoadContext(
        model=WanFamily.default_model, device="cpu", precision=precision, root=Path("/nowhere")
    )


@pytest.mark.parametrize("part", COUNTS)
def test_every_part_has_as_many_weights_as_the_published_one(part: str) -> None:
    with torch.device("meta"):
        module = makers(SETTINGS)[part]()
    assert sum(one.numel() for one in module.parameters()) == COUNTS[part]


def test_random_weights_make_a_video_that_counts(tmp_path: Path) -> None:
    model = load_random(context(), seed=3, settings=TINY)
    assert model.fingerprint["checkpoint"] == "random:3"
    job_type = JobType.model_validate(SPEC)
    parameters = WanParameters(
        prompt="a boat in a harbour", resolution=Resolution(96, 64), frames=9, steps=2, guidance=5.0
    )
    request = GenerationRequest(job_type=job_type, parameters=parameters, seeds=(7,))
    (video,) = model.generate(request, Context(tmp_path)).artifacts
    assert isinstance(video, VideoArtifact)
    assert parameters.length is not None
    check_video(video, parameters.resolution, parameters.length)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_weights_have_the_formats_that_a_loaded_checkpoint_has(tmp_path: Path, precision: Precision) -> None:
    dtypes = part_dtypes(precision)
    parts = {name: RandomPart(make=make, dtype=dtypes[name]) for name, make in makers(TINY).items()}
    built: dict[str, Any] = dict(random_parts(parts, torch.device("cpu"), seed=0))
    classes = {
        "text_encoder": transformers.UMT5EncoderModel,
        "transformer": diffusers.WanTransformer3DModel,
        "vae": diffusers.AutoencoderKLWan,
    }
    for name, part in built.items():
        part.save_pretrained(tmp_path / name)
        loaded = classes[name].from_pretrained(tmp_path / name, torch_dtype=dtypes[name])
        assert _formats(part) == _formats(loaded), name


def _formats(module: torch.nn.Module) -> dict[str, torch.dtype]:
    return {name: one.dtype for name, one in (*module.named_parameters(), *module.named_buffers())}
