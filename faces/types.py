"""Values that the subpackages exchange: frozen, validated at construction."""

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

FAR_LARGER = 1.5  # a face that is so many times as large as the others is surely the one that a photograph is of


@dataclass(frozen=True, slots=True)
class Faces:
    """The N >= 0 faces in an image, as parallel arrays.

    xyxy: float32 (N, 4), px in the original image, x2 and y2 exclusive; may stick out of it.
    score: float32 (N,), in [0, 1].
    landmarks: float32 (N, 5, 2), px, in the order of ``scheme``, or None.
    scheme: of the landmarks, or None.
    Raises ValueError if the shapes do not agree.
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
        """Return no faces."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, index: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Faces:
        landmarks = None if self.landmarks is None else self.landmarks[index]
        return Faces(self.xyxy[index], self.score[index], landmarks, self.scheme)

    @property
    def sizes(self) -> Floats:
        """The side of a square of each box's area: float32 (N,), px."""
        wh = np.maximum(self.xyxy[:, 2:] - self.xyxy[:, :2], 0)
        return np.asarray(np.sqrt(wh[:, 0] * wh[:, 1]), np.float32)

    def largest(self) -> Faces:
        """Return the face with the largest box (N = 1), or no faces."""
        return self[np.argsort(-self.sizes, kind="stable")[:1]]

    def best(self, width: int, height: int) -> Faces:
        """Return the main face of a photograph (N = 1), or no faces: a large face near the centre.

        It has the largest area less twice the squared distance to the centre, as in insightface's examples.
        width, height: of the photograph, px.
        """
        return self.foremost(width, height)[:1]

    def foremost(self, width: int, height: int) -> Faces:
        """Return the main face of a photograph, as ``best`` does, and then the others of more than 2/3 of its size.

        width, height: of the photograph, px.
        """
        centres = (self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2
        distance = ((centres - np.array([width, height], np.float32) / 2) ** 2).sum(axis=1)
        ordered = self[np.argsort(2 * distance - self.sizes**2, kind="stable")]
        return ordered[ordered.sizes * FAR_LARGER >= ordered.sizes[:1]]


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model's name and the SHA-256 of its weights; of an aligner, the SHA-256 of its template."""

    name: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The models that computed a set of embeddings; embeddings of different models cannot be compared."""

    detector: ModelId
    aligner: ModelId
    embedder: ModelId

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Return the fingerprint as plain values, which any program can unpickle."""
        parts = {part: getattr(self, part) for part in self.__slots__}
        return {part: {"name": model.name, "sha256": model.sha256} for part, model in parts.items()}

    @classmethod
    def from_dict(cls, content: dict[str, dict[str, str]]) -> Fingerprint:
        """Return the fingerprint that ``to_dict`` wrote; raise KeyError or TypeError for anything else."""
        return cls(**{part: ModelId(**content[part]) for part in cls.__slots__})

    def difference(self, other: Fingerprint) -> str:
        """Describe the first part that differs from another fingerprint; empty if they are equal."""
        for part in self.__slots__:
            model, other_model = getattr(self, part), getattr(other, part)
            if model != other_model:
                return f"the {part} {model}, but this run uses {other_model}"
        return ""

    def require(self, other: Fingerprint, subject: str, remedy: str) -> None:
        """Raise FingerprintError, which names the first part that differs, unless the fingerprints are equal.

        other: the fingerprint of ``subject``.
        subject: for the message: ``the recognizer``.
        remedy: for the message: what to do.
        """
        if different := other.difference(self):
            raise FingerprintError(f"{subject}: made with {different}; {remedy}")


@dataclass(frozen=True, slots=True)
class Matches:
    """The people that N >= 0 probes match.

    names: N names, None for unknown.
    candidates: N names, the closest person even if rejected.
    probability: float32 (N,), of the candidate among the enrolled people.
    distance: float32 (N,), to the candidate; NaN if the recognizer has no distances.
    Raises ValueError if the lengths differ.
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
