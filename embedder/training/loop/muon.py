"""Muon: momentum that is orthogonalised before it moves a weight.

A few strong directions of a gradient drown the weak ones; orthogonalised, all move the weight by
the same amount. Five Newton-Schulz steps approximate the orthogonal factor well enough. After
Jordan et al., Muon, 2024, with the scale of Liu et al., Muon is scalable for LLM training, 2025, so
that the learning rates and decays of AdamW fit.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW

MOMENTUM = 0.95
UPDATE_RMS = 0.2
"""Root mean square of an update at a learning rate of 1: about that of AdamW."""


class Muon(AdamW):
    """AdamW, except that groups with `orthogonal` set use Muon: weights of two axes or more. The
    kernels of a convolution are a matrix with a row for each output channel.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all groups."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = {
            weight: weight.grad
            for group in self.param_groups
            for weight in group["params"]
            if group.get("orthogonal") and weight.grad is not None
        }
        for group in self.param_groups:
            for weight in group["params"]:
                if weight in gradients:
                    self._move(weight, gradients[weight], group)
                    weight.grad = None  # so that AdamW leaves it alone
        super().step()
        for weight, gradient in gradients.items():
            weight.grad = gradient
        return loss

    def _move(self, weight: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        memory = self.state[weight]
        if "momentum" not in memory:
            memory["momentum"] = torch.zeros_like(gradient)
            memory["step"] = torch.tensor(0.0)  # AdamW looks for it where a state is restored
        memory["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(memory["momentum"], MOMENTUM)  # Nesterov's
        update = orthogonalised(ahead.flatten(1))
        rate = group["lr"] * UPDATE_RMS * max(update.shape) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(update.view(weight.shape).to(weight.dtype), alpha=-rate)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Nearly U Vᵀ of the matrix's U S Vᵀ: singular values between about 0.7 and 1.2."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide: Tensor = (matrix.T if is_tall else matrix).bfloat16()
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(5):
        square = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * square + 2.0315 * square @ square) @ wide
    return (wide.T if is_tall else wide).float()
