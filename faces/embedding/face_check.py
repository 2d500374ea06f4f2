"""Tell faces from what a detector took for one, by the embedding that is computed anyway.

A small detector takes some cats and dogs for faces, and gives them high scores. The embedder's output, before it is
scaled to unit length, tells them apart (docs/models.md, "What is found"; python -m benchmarks.face_check).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.types import Floats

WEIGHTS = Path(__file__).parent / "weights"
FILES = {("yunet-int8", "sface-int8"): "face_check.npz"}  # by the names of the detector and the embedder


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """A network with one hidden layer; its input is the embedder's output, its length and the detector's score.

    mean, scale: float32 (D + 2,); the input is ``(values - mean) / scale``.
    hidden, hidden_bias: float32 (D + 2, H) and (H,), followed by max(x, 0).
    output: float32 (H,).
    threshold: of the sum; a face reaches it.
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    threshold: float

    def passes(self, outputs: Floats, score: Floats) -> NDArray[np.bool_]:
        """Return whether each detection is a face: bool (N,).

        outputs: float32 (N, D), of the embedder, not normalized; N may be 0.
        score: float32 (N,), of the detector.
        """
        return np.asarray(self.values(outputs, score) >= self.threshold)

    def values(self, outputs: Floats, score: Floats) -> Floats:
        """Return how much each detection looks like a face: float32 (N,); parameters as for ``passes``."""
        inputs = (features(outputs, score) - self.mean) / self.scale
        return np.asarray(np.maximum(inputs @ self.hidden + self.hidden_bias, 0) @ self.output, np.float32)


def features(outputs: Floats, score: Floats) -> Floats:
    """Return the input of the network, before it is scaled: float32 (N, D + 2); parameters as for ``passes``."""
    length = np.linalg.norm(outputs, axis=1, keepdims=True)
    return np.concatenate([outputs, length, score[:, None]], axis=1).astype(np.float32)


@cache
def check_of(detector: str, embedder: str) -> FaceCheck | None:
    """Return the check for a detector and an embedder; None for models that have none.

    detector, embedder: names of rows of the model table.
    """
    file = FILES.get((detector, embedder))
    return None if file is None else load(WEIGHTS / file)


def load(path: Path) -> FaceCheck:
    """Load a check that ``save`` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        parts = {name: arrays[name].astype(np.float32) for name in arrays.files}
    return FaceCheck(threshold=float(parts.pop("threshold")), **parts)


def save(check: FaceCheck, path: Path) -> None:
    """Write a check to a file."""
    parts: dict[str, Any] = {name: np.asarray(getattr(check, name), np.float32) for name in FaceCheck.__slots__}
    np.savez(path, **parts)
