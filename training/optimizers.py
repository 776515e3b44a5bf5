"""How weights are changed: matrices by Muon, everything else by AdamW."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

#: Muon's momentum, and the root mean square of its steps before the learning rate: about AdamW's, so that
#: both go by one learning rate (https://arxiv.org/abs/2502.16982).
MOMENTUM, STEP_SIZE = 0.95, 0.2

#: Of each of the five steps by which a matrix is brought to singular values near 1: how much of it, of its
#: third and of its fifth power (https://kellerjordan.github.io/posts/muon/).
POWERS, ITERATIONS = (3.4445, -4.7750, 2.0315), 5


class Muon(torch.optim.Optimizer):
    """Steps whose singular values are all near 1, for matrices and for convolutions as matrices.

    Small models learn a text's words about as well in half the steps as by AdamW. Matrices of one shape are
    worked on together, since each of them is too small for a GPU.
    """

    def __init__(self, matrices: list[torch.Tensor], *, lr: float, weight_decay: float) -> None:
        shapes: defaultdict[torch.Size, list[torch.Tensor]] = defaultdict(list)
        for one in matrices:
            shapes[one.shape].append(one)
        super().__init__(
            [{"params": several} for several in shapes.values()], {"lr": lr, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change all weights that have gradients."""
        for group in self.param_groups:
            weights = [one for one in group["params"] if one.grad is not None]
            if not weights:
                continue
            gradients = [one.grad for one in weights]
            momenta = [self._momentum(one) for one in weights]
            torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
            ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
            steps = orthogonal(torch.stack(list(ahead)).flatten(2))
            size = STEP_SIZE * max(steps.shape[1:]) ** 0.5 * group["lr"]
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            changes = [one.reshape(weights[0].shape).to(weights[0].dtype) for one in steps.unbind()]
            torch._foreach_add_(weights, changes, alpha=-size)

    def _momentum(self, weight: torch.Tensor) -> torch.Tensor:
        state: dict[str, torch.Tensor] = self.state[weight]
        return state.setdefault("momentum", torch.zeros_like(weight))


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest matrices to N×R×C ones whose singular values are about 1, from 0.7 to 1.2."""
    wide = matrices.bfloat16()
    if tall := wide.shape[1] > wide.shape[2]:
        wide = wide.mT
    wide = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    first, third, fifth = POWERS
    for _ in range(ITERATIONS):
        square = wide @ wide.mT
        wide = first * wide + (third * square + fifth * square @ square) @ wide
    found: torch.Tensor = wide.mT if tall else wide
    return found


class Optimizer:
    """Both, over all weights of a module that are trained."""

    def __init__(self, module: nn.Module, *, lr: float, weight_decay: float) -> None:
        matrices: list[torch.Tensor] = []
        others: list[torch.Tensor] = []
        for name, weight in _trained(module):
            (matrices if _is_matrix(name, module, weight) else others).append(weight)
        self._parts: list[torch.optim.Optimizer] = []
        if matrices:
            self._parts.append(Muon(matrices, lr=lr, weight_decay=weight_decay))
        if others:
            self._parts.append(torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.99), weight_decay=0.0))

    def step(self, lr: float) -> None:
        """Change the weights by their gradients, which are gone then."""
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = lr
            part.step()
            part.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        return {str(index): part.state_dict() for index, part in enumerate(self._parts)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for index, part in enumerate(self._parts):
            part.load_state_dict(state[str(index)])


def _trained(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    return ((name, weight) for name, weight in module.named_parameters() if weight.requires_grad)


def _is_matrix(name: str, module: nn.Module, weight: torch.Tensor) -> bool:
    """Whether it turns many numbers into many others; a table of embeddings does not."""
    owner = module.get_submodule(name.rpartition(".")[0])
    many = weight.dim() > 1 and min(weight.shape[0], weight[0].numel()) >= 16
    return many and not isinstance(owner, nn.Embedding)
