"""The scale of latents between VAE and UNet, with and without statistics of each channel."""

from __future__ import annotations

import pytest
import torch
from diffusers.configuration_utils import FrozenDict

from ourvidz.plugins.sdxl.latent_scale import to_unet, to_vae

STATISTICS = {"latents_mean": [1.0, 2.0, 3.0, 4.0], "latents_std": [2.0, 4.0, 8.0, 16.0]}


@pytest.mark.parametrize("config", [{}, STATISTICS, {"latents_mean": None, "latents_std": None}], ids=str)
def test_the_way_there_and_back_changes_nothing(config: dict[str, object]) -> None:
    latents = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(7))
    frozen = FrozenDict(config | {"scaling_factor": 0.5})
    assert torch.allclose(to_vae(to_unet(latents, frozen), frozen), latents, atol=1e-6)


def test_each_channel_has_its_own_mean_and_spread() -> None:
    latents = torch.full((1, 4, 1, 1), 5.0)
    plain = to_unet(latents, FrozenDict(scaling_factor=0.5))
    assert plain.flatten().tolist() == [2.5, 2.5, 2.5, 2.5]
    known = to_unet(latents, FrozenDict(STATISTICS | {"scaling_factor": 0.5}))
    assert known.flatten().tolist() == [1.0, 0.375, 0.125, 0.03125]
