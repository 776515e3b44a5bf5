"""Latents of pictures or clips with several captions of each, kept on the device for a run."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from training.world.described import CAPTIONS


@dataclass(frozen=True)
class Captioned:
    """Pictures or clips of one size."""

    latents: torch.Tensor
    """N × those of one, float16, as the denoiser sees them."""
    tokens: torch.Tensor
    """N × CAPTIONS × those of a text."""
    weights: torch.Tensor
    """N: how often each is seen, in proportion."""

    def batch(self, count: int, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents in float32, and tokens."""
        device = self.latents.device
        index = torch.multinomial(self.weights, count, replacement=True, generator=draws)
        which = torch.randint(0, CAPTIONS, (count,), generator=draws, device=device)
        return self.latents[index].float(), self.tokens[index, which].long()
