"""How many enrolled faces or persons a stranger would be as close to by chance: what confidence follows from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.recognition.crowd import Crowd, crowding_of
from faces.recognition.distances import Indices, People
from faces.recognition.impostors import Embedder, Impostors, impostors_of
from faces.recognition.match_probability import EVEN
from faces.recognition.thresholds import STRICT_FAR, crowd_of
from faces.types import Floats

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chance:
    """How similar strangers are.

    owners: the number of persons or faces that a probe is compared with, or counts as compared with.
    model: the crowd of a group's persons; for faces without a group, different people in general.
    """

    owners: float
    model: Crowd | Impostors

    @classmethod
    def among(cls, sample: People, owners: int, embedder: Embedder) -> Chance | None:
        """Measure the persons of a group; None for an embedder that was not measured and few persons.

        sample: some of the persons.
        owners: the number of all persons.
        """
        crowd = crowd_of(sample, embedder)
        return None if crowd is None else cls(owners, crowd)

    @classmethod
    def without_gallery(cls, owners: int, embedder: Embedder | None) -> Chance | None:
        """Return that of faces whose persons are not known; None for an embedder that was not measured.

        A confidence of 0.5 needs a false accept rate of at most ``STRICT_FAR``, however few faces are compared.
        """
        impostors = None if embedder is None else impostors_of(embedder)
        return None if impostors is None else cls(max(owners, EVEN / STRICT_FAR), impostors)

    def of_one(self) -> Chance:
        """Return that of one person of the group, for a comparison with nobody else: as in ``without_gallery``."""
        return Chance(EVEN / STRICT_FAR, self.model)

    def expected(self, distance: Floats, probes: Floats, people: People, persons: Indices) -> Array:
        """Return the number of owners to whom a stranger would be as close by chance: float64 (N, K).

        distance: float32 (N, K), of each probe to some persons.
        probes: float32 (N, D), unit length.
        people: the owners.
        persons: (N, K).
        """
        if isinstance(self.model, Crowd):
            return self.owners * self.model.far(distance, probes, people, persons)
        crowding = crowding_of(people, persons.ravel(), self.model).reshape(persons.shape)
        crowding += self.model.crowding(probes)[:, None]
        return self.owners * self.model.far_between(distance, crowding)

    def limits(self, embeddings: Floats) -> Floats:
        """Return the distances float32 (N, N) between faces up to which they are rather one person's than two's."""
        assert isinstance(self.model, Impostors), "there is no gallery"
        crowding = self.model.crowding(embeddings)
        return self.model.limits_between(EVEN / self.owners, crowding[:, None] + crowding)
