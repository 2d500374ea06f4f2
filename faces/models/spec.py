"""What the model table says of a model: its files, its input, its operating points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A distance threshold, and what it was measured to mean.

    threshold: Euclidean distance between unit-length embeddings; closer is a match.
    far: share of pairs of different people that are closer. tar: share of pairs of the same person that are.
    pairs: what it was measured on.
    """

    threshold: float
    far: float
    tar: float | None
    pairs: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: where it comes from, how it is checked, and where the scripts expect it.

    digest: ``"sha256:..."`` or ``"sha1:..."``, or None where upstream has several good versions.
    path: relative to the project's folder.
    """

    path: str
    url: str
    digest: str | None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One row of the model table (``faces.models.zoo.MODELS``).

    input_wh: px. mean and scale: the network gets ``(pixel - mean) * scale``, mean in ``channels`` order.
    dimension: of the embedding. operating_points: by ascending ``far``; best_points: with ``--accuracy best``.
    """

    name: str
    task: Literal["detector", "landmarks", "embedder"]
    licence: str
    source: str
    files: tuple[ModelFile, ...] = ()
    input_wh: tuple[int, int] | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    channels: Literal["BGR", "RGB"] = "RGB"
    dimension: int | None = None
    operating_points: tuple[OperatingPoint, ...] = ()
    best_points: tuple[OperatingPoint, ...] = ()
