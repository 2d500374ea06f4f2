"""Muon, an optimizer that gives all directions of a gradient matrix about the same length.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024. PyTorch's own version takes flat
matrices in bfloat16 only; this one takes convolutions, in float32 or bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MOMENTUM = 0.95
POLYNOMIAL, ITERATIONS = (3.4445, -4.7750, 2.0315), 5  # Newton-Schulz, as published


def muon(parameters: Iterable[Any], rate: float, decay: float, bf16: bool = False) -> Any:
    """Create a ``torch.optim.Optimizer`` for parameters (out, ...), taken as matrices with ``out`` rows.

    rate: length of each direction of a step.
    decay: share that weights lose per step, times ``rate``.
    bf16: orthogonalize in bfloat16, as published.
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
                        gradient = _with_momentum(weights.grad, state["momentum"])
                        directions = orthogonal(gradient.bfloat16() if bf16 else gradient)
                        _apply(weights, directions, group["lr"], group["decay"])

    return Muon(parameters, {"lr": rate, "decay": decay})


def _with_momentum(gradient: Any, momentum: Any) -> Any:
    """Update the momentum, and return the gradient with it as a matrix."""
    momentum.lerp_(gradient, 1 - MOMENTUM)
    return gradient.lerp(momentum, MOMENTUM).reshape(len(gradient), -1)


def _apply(weights: Any, directions: Any, rate: float, decay: float) -> None:
    rows, columns = directions.shape
    weights.mul_(1 - rate * decay)
    weights.add_(directions.reshape(weights.shape), alpha=-rate * max(1, rows / columns) ** 0.5)


def orthogonal(matrix: Any) -> Any:
    """Return a matrix (rows, columns) with the same singular vectors and singular values of about 0.7 to 1.2."""
    flat = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    a, b, c = POLYNOMIAL
    flat = flat / (flat.norm() + 1e-7)
    for _ in range(ITERATIONS):
        square = flat @ flat.T
        flat = flat.addmm(square.addmm(square, square, beta=b, alpha=c), flat, beta=a)
    return flat if len(matrix) <= matrix.shape[1] else flat.T
