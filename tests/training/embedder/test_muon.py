"""Muon: orthogonalization and the steps of the optimizer."""

from __future__ import annotations

from typing import Any

import pytest

from faces.training.embedder import muon as module
from faces.training.embedder.muon import muon, orthogonal

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
pytestmark = pytest.mark.training


@pytest.mark.parametrize("shape", [(16, 48), (48, 16), (1, 30)])
def test_directions_stay_and_are_about_equally_long(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(-0.5, 0.5, shape[1]))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    lengths = left.T @ orthogonal(matrix) @ right.T
    assert torch.diag(lengths).min() > 0.5
    assert torch.diag(lengths).max() < 1.3
    assert (lengths - torch.diag(torch.diag(lengths))).abs().max() < 1e-3
    assert torch.equal(orthogonal(torch.zeros(shape)), torch.zeros(shape))


@pytest.mark.parametrize(("bf16", "computed"), [(False, "float32"), (True, "bfloat16")])
def test_a_step_is_as_long_as_the_rate_however_small_the_gradient(
    bf16: bool, computed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[str]()

    def noted(matrix: Any) -> Any:
        seen.append(str(matrix.dtype))
        return orthogonal(matrix)

    monkeypatch.setattr(module, "orthogonal", noted)
    torch.manual_seed(0)
    weights = torch.nn.Parameter(torch.randn(8, 2, 3, 3))
    before = weights.detach().clone()
    weights.grad = 1e-4 * torch.randn(8, 2, 3, 3)
    muon([weights], rate=0.1, decay=0.0, bf16=bf16).step()
    assert seen == [f"torch.{computed}"]
    lengths = torch.linalg.svdvals((weights - before).reshape(8, -1))
    assert 0.05 < lengths.min() <= lengths.max() < 0.13


def test_weights_decay() -> None:
    weights = torch.nn.Parameter(torch.ones(4, 4))
    weights.grad = torch.zeros(4, 4)
    muon([weights], rate=0.1, decay=0.5).step()
    assert torch.allclose(weights, torch.full((4, 4), 0.95))
