"""How similar faces of different people are, in general: what an embedder's thresholds are derived from.

The cosine similarity of two different people is close to normally distributed. Its standard deviation hardly differs
between groups of people and cameras; its mean does (docs/fairness.md). ``Impostors`` therefore models the similarity
of faces a and b as

    mean + (crowding(a) + crowding(b)) / 2 + gallery + person(a) + person(b) + noise

crowding is computed from centroids of many people: faces in a crowded region of the embedding space, such as small
children, are closer to them. It is a form of adaptive symmetric score normalization (Matejka et al., "Analysis of
Score Normalization in Multilingual Speaker Recognition", Interspeech 2017), with centroids as the cohort. The effects
of the gallery and of each person are normally distributed; ``faces.recognition.crowd`` estimates them from who is
enrolled. The tail of the noise is heavier than a normal distribution's: its quantiles are measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError
from faces.files.writing import write_bytes
from faces.models.cache import home as cache_folder
from faces.recognition.distances import People
from faces.types import Floats, ModelId

Array = NDArray[np.float64]

Embedder = ModelId | str
"""An embedder as a fingerprint has it, or only its name: that of one whose measurements come with the package."""

NEIGHBOURS = 5  # centroids that a face is compared with
FOLDER = "weights"
FARS = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)  # whose quantiles are measured
LEAST_PAIRS = 2  # beyond a quantile
ENOUGH_PAIRS, MOST_PEOPLE = 20, 1000  # of a gallery with an embedder that was not measured
HIGHEST = 0.97  # similarity: limits beyond it leave no distance to scale
TRIMMED = 3.5  # standard deviations: closer pairs are twins, or one person under two names, and are left out
# Standard deviations of the effects of persons and of galleries, as shares of the noise's. Over eleven groups of
# UTKFace SFace's persons have 0.16 to 0.37; with centroids, sources of photographs differ by 0.8 at most.
PERSON, GALLERY, GALLERY_WITHOUT_CENTROIDS = 0.33, 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Impostors:
    """The similarity of different people for one embedder; all figures are cosines.

    mean: of faces in a neighbourhood of average crowding.
    noise_sd, person_sd, gallery_sd: standard deviations of the noise, of a person's effect and of a gallery's effect.
    fars: float32 (Q,), false accept rates, descending.
    quantiles: float32 (Q,), how many standard deviations above the mean a share ``fars`` of impostors lies.
    centroids: float32 (K, D), unit length; K may be 0.
    average: the mean of ``crowding``, before it is subtracted.
    """

    mean: float
    noise_sd: float
    person_sd: float
    gallery_sd: float
    fars: Floats
    quantiles: Floats
    centroids: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    average: float = 0.0

    def crowding(self, embeddings: Floats) -> Floats:
        """Return how much closer other people are to each face than on average: float32 (N,), 0 without centroids.

        It is the mean similarity to the nearest centroids.
        embeddings: float32 (N, D), unit length.
        """
        if len(self.centroids) == 0 or len(embeddings) == 0:
            return np.zeros(len(embeddings), np.float32)
        similarity = embeddings @ self.centroids.T
        nearest = np.partition(similarity, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
        return np.asarray(nearest.sum(axis=1) / NEIGHBOURS - self.average, np.float32)

    def save(self, path: Path) -> None:
        """Write the model as ``.npz``; the centroids in half precision."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        arrays["centroids"] = arrays["centroids"].astype(np.float16)
        content = BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        write_bytes(path, content.getvalue())

    @classmethod
    def load(cls, file: IO[bytes]) -> Impostors:
        """Read what ``save`` wrote; raise ValueError or KeyError for anything else."""
        with np.load(file) as arrays:
            values: dict[str, Any] = {each.name: arrays[each.name].astype(np.float32) for each in fields(cls)}
        return cls(**{name: value.item() if value.ndim == 0 else value for name, value in values.items()})

    @property
    def spread(self) -> float:
        """Standard deviation of the similarity in general: of the noise and two people's effects."""
        return float(np.sqrt(self.noise_sd**2 + 2 * self.person_sd**2))

    def quantile(self, far: float) -> float:
        """Return how many standard deviations above its mean the similarity is for a share ``far`` of impostors.

        Linear in log(far) between and beyond the measured rates.
        """
        x = -np.log(self.fars.astype(np.float64))
        return float(_line(np.array(-np.log(far)), x, self.quantiles.astype(np.float64)))

    def far(self, quantile: Array) -> Array:
        """Return the false accept rate float64 of the same shape, the inverse of ``quantile``."""
        x = -np.log(self.fars.astype(np.float64))
        rate = np.exp(-_line(np.asarray(quantile, np.float64), self.quantiles.astype(np.float64), x))
        return np.asarray(np.minimum(rate, 1.0))

    def far_between(self, distance: Floats, crowding: Floats) -> Array:
        """Return the share of strangers who would be as close to one face, without a gallery: float64, the same shape.

        distance: float32, between two faces.
        crowding: float32 of the same shape, the sum of both faces'.
        """
        similarity = 1 - distance.astype(np.float64) ** 2 / 2
        return self.far((similarity - self.mean - crowding / 2) / self.spread)

    def limits_between(self, far: float, crowding: Floats) -> Floats:
        """Return the distances than which a share ``far`` of strangers is closer, without a gallery: the same shape.

        crowding: as for ``far_between``.
        """
        limit = np.minimum(self.mean + crowding / 2 + self.quantile(far) * self.spread, HIGHEST)
        return np.asarray(np.sqrt(2 - 2 * limit), np.float32)


def impostors_among(people: People) -> Impostors | None:
    """Estimate the model of an unknown embedder from the people of a gallery; None for too few.

    Of few people, each pair of photographs counts. The tail is that of the built-in embedder.
    """
    built_in = impostors_of("sface-int8")
    if built_in is None:
        return None
    if len(people) * (len(people) - 1) // 2 >= ENOUGH_PAIRS:
        own = measure(people.centres[:: -(-len(people) // MOST_PEOPLE)], trimmed=TRIMMED)
        return replace(own, fars=built_in.fars, quantiles=built_in.quantiles)
    owner = people.owner
    similarity = people.embeddings @ people.embeddings.T
    pairs = similarity[np.triu(owner[:, None] != owner)].astype(np.float64)
    if len(pairs) < ENOUGH_PAIRS:
        return None
    noise = float(pairs.std())
    return replace(
        built_in,
        mean=float(np.median(pairs)),
        noise_sd=noise,
        person_sd=PERSON * noise,
        gallery_sd=GALLERY_WITHOUT_CENTROIDS * noise,
        centroids=built_in.centroids[:0],
        average=0.0,
    )


def measure(faces: Floats, centroids: Floats | None = None, trimmed: float = np.inf) -> Impostors:
    """Measure how similar different people are.

    faces: float32 (N, D), N > 3, unit length, one of each person; a few hundred people.
    centroids: float32 (K, D), as for ``Impostors``.
    trimmed: robust standard deviations from the median beyond which pairs count neither for the mean nor the noise.
    """
    nobody = np.zeros(0, np.float32)
    blank = Impostors(0.0, 1.0, 1.0, 1.0, nobody, nobody, *(() if centroids is None else (centroids,)))
    crowding = blank.crowding(faces)
    average = float(crowding.mean())
    crowding = crowding - average
    similarity = faces @ faces.T - (crowding[:, None] + crowding) / 2
    upper = np.triu_indices(len(faces), 1)
    pairs = similarity[upper].astype(np.float64)
    middle = np.median(pairs)
    kept = np.abs(similarity - middle) <= trimmed * 1.4826 * np.median(np.abs(pairs - middle))
    np.fill_diagonal(kept, False)
    is_kept = kept[upper]
    mean = float(pairs[is_kept].mean())
    person = np.where(kept, similarity - mean, 0).sum(axis=1) / np.maximum(kept.sum(axis=1), 1)
    rest = (pairs - mean - person[upper[0]] - person[upper[1]])[is_kept]
    noise = float(np.sqrt((rest**2).sum() / (len(rest) - len(faces))))
    fars = np.array([far for far in FARS if far * len(pairs) >= LEAST_PAIRS], np.float32)
    gallery = GALLERY if len(blank.centroids) else GALLERY_WITHOUT_CENTROIDS
    return Impostors(
        mean=mean,
        noise_sd=noise,
        person_sd=PERSON * noise,
        gallery_sd=gallery * noise,
        fars=fars,
        quantiles=np.asarray((np.quantile(pairs, 1 - fars) - mean) / pairs.std(), np.float32),
        centroids=blank.centroids,
        average=average,
    )


def _line(at: Array, x: Array, y: Array) -> Array:
    """Interpolate linearly, and extrapolate with the slope of the outermost points."""
    slopes = np.diff(y) / np.diff(x)
    k = np.searchsorted(x[1:-1], at)
    return np.asarray(y[k] + slopes[k] * (at - x[k]))


def name_of(embedder: Embedder) -> str:
    """Return the name of an embedder in fingerprints, such as ``sface-int8`` or ``dlib-resnet, mirrored``."""
    return embedder if isinstance(embedder, str) else embedder.name


@cache
def impostors_of(embedder: Embedder) -> Impostors | None:
    """Return the model of an embedder; None if it was not measured.

    Raises ModelError for a file of ``faces evaluate operating-points`` that cannot be read.
    """
    path = files("faces.recognition") / FOLDER / f"{_stem(name_of(embedder))}.npz"
    if path.is_file():
        with path.open("rb") as file:
            return Impostors.load(file)
    if isinstance(embedder, str) or not (own := own_file(embedder)).is_file():
        return None
    try:
        with own.open("rb") as file:
            return Impostors.load(file)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        remedy = "make it again: faces evaluate operating-points --centroids"
        raise ModelError(f"{own}: damaged ({type(error).__name__}); {remedy}") from error


def own_file(embedder: ModelId) -> Path:
    """Return where the user's own measurements of an embedder are kept, which its name alone does not tell."""
    return cache_folder() / "impostors" / f"{_stem(embedder.name)}-{embedder.sha256[:16]}.npz"


def _stem(name: str) -> str:
    return name.replace(", ", "-")
