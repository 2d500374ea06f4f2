"""The values that pass between the parts: frozen, validated once, at construction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faces.errors import FingerprintError

Image = NDArray[np.uint8]
"""uint8 (H, W, 3), BGR, upright."""

Floats = NDArray[np.float32]
"""float32, of any shape."""

LandmarkScheme = Literal["eye-corners", "five-points"]
"""``eye-corners``: dlib's right eye outer and inner corner, left eye inner and outer corner, base of the nose.
``five-points``: right eye, left eye, tip of the nose, right and left mouth corner (YuNet, ArcFace).
Right and left are the subject's, so an upright face has its right eye at the smaller x."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The N >= 0 faces of one image, as parallel arrays.

    xyxy: float32 (N, 4), px in the original image, x2 and y2 exclusive; may stick out of it.
    score: float32 (N,), in [0, 1].
    landmarks: float32 (N, 5, 2), px, in the order of ``scheme``, or None.
    Raises ValueError when the shapes do not agree.
    """

    xyxy: Floats
    score: Floats
    landmarks: Floats | None = None
    scheme: LandmarkScheme | None = None

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        shapes = {"xyxy": (n, 4), "score": (n,), "landmarks": (n, 5, 2)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise ValueError(f"{name} has shape {value.shape}, not {shape}")
        if (self.landmarks is None) != (self.scheme is None):
            raise ValueError("landmarks and their scheme come together")

    @classmethod
    def empty(cls) -> Faces:
        """No face, with arrays of the right shapes."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        landmarks = None if self.landmarks is None else self.landmarks[index]
        return Faces(self.xyxy[index], self.score[index], landmarks, self.scheme)

    @property
    def sizes(self) -> Floats:
        """float32 (N,): the side of a square of the box's area, px."""
        wh = np.maximum(self.xyxy[:, 2:] - self.xyxy[:, :2], 0)
        return np.asarray(np.sqrt(wh[:, 0] * wh[:, 1]), np.float32)

    def largest(self) -> Faces:
        """The face with the largest box, or none where there is none."""
        return self[np.argsort(-self.sizes, kind="stable")[:1]]

    def best(self, width: int, height: int) -> Faces:
        """The face that a photograph of ``width`` x ``height`` px is of: large, and near its middle; or none.

        By area less twice the squared distance to the middle, as insightface's examples choose.
        """
        centres = (self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2
        away = ((centres - np.array([width, height], np.float32) / 2) ** 2).sum(axis=1)
        return self[np.argsort(2 * away - self.sizes**2, kind="stable")[:1]]


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model's name and the SHA-256 of its weights (for an aligner: of its template)."""

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The models that made a set of embeddings."""

    detector: ModelId
    aligner: ModelId
    embedder: ModelId

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Plain values, which any program can unpickle."""
        parts = {part: getattr(self, part) for part in self.__slots__}
        return {part: {"name": model.name, "sha256": model.sha256} for part, model in parts.items()}

    @classmethod
    def from_dict(cls, content: dict[str, dict[str, str]]) -> Fingerprint:
        """The reverse of ``to_dict``; raises KeyError or TypeError for anything else."""
        return cls(**{part: ModelId(**content[part]) for part in cls.__slots__})

    def difference(self, other: Fingerprint) -> str:
        """The first part in which two differ, in words: what this has, and ``other`` instead; empty if none does."""
        for part in self.__slots__:
            mine, theirs = getattr(self, part), getattr(other, part)
            if mine != theirs:
                return f"the {part} {mine}, but this run uses {theirs}"
        return ""

    def require(self, other: Fingerprint, what: str, remedy: str) -> None:
        """Raise FingerprintError, naming the first part that differs, unless ``other`` is the same."""
        if different := other.difference(self):
            raise FingerprintError(f"{what}: made with {different}; {remedy}")


@dataclass(frozen=True, slots=True)
class Matches:
    """Who N probes are.

    names: N names, None for unknown. candidates: N names, the closest person even when rejected.
    probability: float32 (N,), of the candidate among the people enrolled. distance: float32 (N,), to the candidate;
    NaN where the recognizer knows no distances.
    """

    names: tuple[str | None, ...]
    candidates: tuple[str, ...]
    probability: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    distance: Floats = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        sizes = {len(self.names), len(self.candidates), len(self.probability), len(self.distance)}
        if len(sizes) != 1:
            raise ValueError(f"parallel arrays of different lengths: {sorted(sizes)}")

    def __len__(self) -> int:
        return len(self.names)
