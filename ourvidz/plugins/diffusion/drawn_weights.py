"""Random weights of small models: the same for the same seed, whatever was drawn before."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import torch

#: A binomial 3×3 blur, for going up and down between levels.
BLUR = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16


def draw_weights(model: torch.nn.Module, *, seed: str, gains: Mapping[str, float] | None = None) -> None:
    """Fill a model with weights that depend on ``seed`` and on each parameter's name and shape alone.

    Normal, with a variance of gain² over the inputs, so that signals keep their size; biases 0,
    normalisations 1, embeddings of unit variance.
    """
    embeddings = {id(one.weight) for one in model.modules() if isinstance(one, torch.nn.Embedding)}
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            values = torch.zeros(parameter.shape)
        elif parameter.numel() == parameter.shape[0]:
            values = torch.ones(parameter.shape)
        else:
            digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))
            gain = next((gain for end, gain in (gains or {}).items() if name.endswith(end)), 1.0)
            values = torch.randn(parameter.shape, generator=generator) * gain
            if id(parameter) not in embeddings:
                # Sums over inputs that are all a little positive, as after an activation, stay near zero.
                values -= values.flatten(1).mean(1).view(-1, *[1] * (values.ndim - 1))
                values /= math.sqrt(parameter[0].numel())
        parameter.data.copy_(values)
