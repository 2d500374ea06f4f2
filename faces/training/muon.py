"""Muon, an optimizer of matrices: every step turns each of a gradient's directions into one of about equal length.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. PyTorch has one of its own, in bfloat16
and for flat matrices alone: this one takes convolutions, in float32 or bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOMENTUM = 0.95
POLYNOMIAL, ITERATIONS = (3.4445, -4.7750, 2.0315), 5  # of Newton and Schulz, as published


def muon(parameters: Iterable[Any], rate: float, decay: float, bf16: bool = False) -> Any:
    """A ``torch.optim.Optimizer`` for parameters of (out, ...), taken as matrices of out rows.

    rate: how long a step's directions are. decay: what weights lose in a step, times ``rate``. bf16: find the
    directions in bfloat16, as published.
    """
    import torch

    class Muon(torch.optim.Optimizer):  # type: ignore[misc]
        def step(self, closure: Any = None) -> None:
            assert closure is None
            with torch.no_grad():
                for group in self.param_groups:
                    for weights in group["params"]:
                        state = self.state[weights]
                        if "momentum" not in state:
                            state["momentum"] = torch.zeros_like(weights)
                        ahead = _ahead(weights.grad, state["momentum"])
                        directions = orthogonal(ahead.bfloat16() if bf16 else ahead)
                        _change(weights, directions, group["lr"], group["decay"])

    return Muon(parameters, {"lr": rate, "decay": decay})


def _ahead(gradient: Any, momentum: Any) -> Any:
    """The gradient with its momentum, which is renewed, as a matrix."""
    momentum.lerp_(gradient, 1 - MOMENTUM)
    return gradient.lerp(momentum, MOMENTUM).reshape(len(gradient), -1)


def _change(weights: Any, directions: Any, rate: float, decay: float) -> None:
    rows, columns = directions.shape
    weights.mul_(1 - rate * decay)
    weights.add_(directions.reshape(weights.shape), alpha=-rate * max(1, rows / columns) ** 0.5)


def orthogonal(matrix: Any) -> Any:
    """A ``torch.Tensor`` (rows, columns) of a matrix's own directions, each of a length between about 0.7 and 1.2."""
    flat = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    a, b, c = POLYNOMIAL
    flat = flat / (flat.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = flat @ flat.T
        flat = flat.addmm(square.addmm(square, square, beta=b, alpha=c), flat, beta=a)
    return flat if len(matrix) <= matrix.shape[1] else flat.T
