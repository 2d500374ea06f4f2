"""How similar the people of one gallery are, and from which similarity on a probe is one of them.

The gallery is a sample of different people under its own camera, light and group; the probe's similarities to all of
them but the closest are a sample of how similar a stranger with the probe's face is to them. Both are drawn towards
what holds in general, the more so the fewer people are enrolled (empirical Bayes: the posterior of a normal model with
known variances). The uncertainty that remains is part of the limit: a small gallery's is stricter.

No effect makes the limit looser than in general: a child who is unlike the adults of a gallery may still be like its
only other child.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from faces.recognition.distances import Indices, People
from faces.recognition.impostors import HIGHEST, TRIMMED, Impostors
from faces.types import Floats

Array = NDArray[np.float64]
Terms = tuple[Array, Array]
"""What faces or people add to the mean and to the variance of a stranger's similarity: float64 (N,) each."""

INTERVAL = 1.645  # standard deviations on either side: 90 %
SAMPLE = 500  # people who stand for a larger gallery
WIDENING_PEOPLE = 10  # in a gallery, at which its own spread counts as much as that in general
ENOUGH_PEOPLE = 10  # with fewer, the rate of strangers named is uncertain
FEW = 32  # persons: so many are computed without looking for those who are named twice
BLOCK_SCORES = 2**20  # similarities or factors that are computed together: bounds memory
ITSELF = 1e-5  # largest difference between a person's similarity to the sample and to itself, if it is in the sample


@dataclass(frozen=True, slots=True)
class Crowd:
    """The people of a gallery as a sample of different people; all figures are cosines.

    impostors: different people in general.
    people: number of people in the gallery.
    effect, uncertainty: of the gallery on the similarity of different people, and its standard deviation.
    sample: float32 (S, D), the mean embeddings of some of the people.
    crowding, persons: float32 (S,), their crowding, and their effects on the similarity.
    noise: standard deviation of the noise in this gallery, at least that in general; not in older pickles.
    """

    impostors: Impostors
    people: int
    effect: float
    uncertainty: float
    sample: Floats
    crowding: Floats
    persons: Floats
    noise: float

    @classmethod
    def of(cls, people: People, impostors: Impostors, most: int = SAMPLE) -> Crowd:
        """Measure a gallery of P >= 1 people on at most ``most`` of them."""
        chosen = np.arange(len(people))[:: -(-len(people) // most)]
        sample, crowding = people.centres[chosen], crowding_of(people, chosen, impostors)
        nobody = np.zeros(len(chosen), np.float32)
        blank = cls(impostors, len(people), 0.0, impostors.gallery_sd, sample, crowding, nobody, impostors.noise_sd)
        n = len(chosen)
        if n < 2:
            return blank
        excess = blank._excess(sample, crowding)
        pairs = excess[np.triu_indices(n, 1)]
        error = 4 * impostors.person_sd**2 / n + 2 * impostors.noise_sd**2 / (n * (n - 1))  # variance of their mean
        share = impostors.gallery_sd**2 / (impostors.gallery_sd**2 + error)
        middle = share * np.median(pairs)  # the only pair of two people may be one person under two names
        kept = pairs[np.abs(pairs - middle) <= TRIMMED * impostors.spread]
        if len(kept) == 0:
            return blank
        located = replace(
            blank,
            effect=share * float(kept.mean()),
            uncertainty=float(np.sqrt(share * error)),
            noise=impostors.noise_sd * _widening(kept.std() / impostors.spread, n),
        )
        np.fill_diagonal(excess, np.nan)
        return replace(located, persons=np.asarray(located._effects(excess - located.effect)[0], np.float32))

    def threshold(self, far: float) -> float:
        """Return the distance to which ``scale`` brings every limit: that of people who are like people in general.

        far: share of strangers that may be accepted as one person.
        """
        return distance_of(min(self.impostors.mean + self.impostors.quantile(far) * self.impostors.spread, HIGHEST))

    def scale(self, probes: Floats, people: People, persons: Indices, far: float) -> Floats:
        """Return the factors float32 (N,) by which the distance of each probe to one person is multiplied.

        A share ``far`` of strangers is then closer than ``threshold(far)``, whoever is compared.

        probes: float32 (N, D), unit length.
        people: the gallery.
        persons: (N,), one person for each probe.
        """
        return self._scale(*self._of_pairs(probes, people, persons), far)

    def terms(self, people: People) -> Terms:
        """Return the terms of all P people, for ``scales``."""
        return self._of_people(people, np.arange(len(people)))

    def scales(self, probes: Floats, terms: Terms, far: float) -> Floats:
        """Return the factors float32 (N, P) for every person, as ``scale``.

        terms: of the P people; they are the same for all probes, and take long to compute.
        """
        mean, variance = self._of_probes(probes)
        factors = np.empty((len(probes), len(terms[0])), np.float32)
        for rows in _blocks(len(probes), len(terms[0])):
            factors[rows] = self._scale(mean[rows, None] + terms[0], variance[rows, None] + terms[1], far)
        return factors

    def far(self, distance: Floats, probes: Floats, people: People, persons: Indices) -> Array:
        """Return the share of strangers who would be as close to each person: float64 (N,) or (N, K).

        distance: float32 (N,) or (N, K), of each probe to one person or to several, not scaled.
        probes, people: as for ``scale``.
        persons: (N,) or (N, K).
        """
        mean, variance = self._of_pairs(probes, people, persons)
        return self.impostors.far((1 - distance.astype(np.float64) ** 2 / 2 - mean) / np.sqrt(variance))

    def expected_rate(self, far: float) -> tuple[float, float]:
        """Return what ``far`` may be in truth, if the gallery's effect is at either end of its 90 % interval."""
        spread = np.sqrt(self.impostors.spread**2 + self.uncertainty**2)
        ends = self.impostors.quantile(far) * spread / self.impostors.spread
        moved = INTERVAL * self.uncertainty / self.impostors.spread
        low, high = self.impostors.far(np.array([ends + moved, ends - moved]))
        return float(low), float(high)

    def _scale(self, mean: Array, variance: Array, far: float) -> Floats:
        limit = np.minimum(mean + self.impostors.quantile(far) * np.sqrt(variance), HIGHEST)
        return np.asarray(self.threshold(far) / np.sqrt(2 - 2 * limit), np.float32)

    def _of_pairs(self, probes: Floats, people: People, persons: Indices) -> Terms:
        """Return the mean and the variance of a stranger's similarity to each probe's persons: both (N,) or (N, K)."""
        column = (-1,) + (1,) * (persons.ndim - 1)
        mean, variance = (terms.reshape(column) for terms in self._of_probes(probes))
        distinct, at = np.unique(persons, return_inverse=True) if persons.size > FEW else (persons.ravel(), slice(None))
        other_mean, other_variance = (terms[at].reshape(persons.shape) for terms in self._of_people(people, distinct))
        return mean + other_mean, variance + other_variance

    def _of_probes(self, probes: Floats) -> Terms:
        """Return the terms of each probe; the mean is that of an average person of this gallery."""
        impostors, crowding, n = self.impostors, self.impostors.crowding(probes), len(self.sample)
        effect, variance = np.zeros((2, len(probes)))
        for rows in _blocks(len(probes), n):
            excess = self._excess(probes[rows], crowding[rows]) - self.effect - self.persons
            excess[np.arange(len(excess)), excess.argmax(axis=1)] = np.nan  # the closest may be the probe's own person
            effect[rows], variance[rows] = self._effects(excess)
        if n > 1:  # without the closest, a stranger's mean is lower by so much
            known = 1 - variance / impostors.person_sd**2
            effect += known * impostors.noise_sd * _expected_highest(n) / (n - 1)
        mean = impostors.mean + max(self.effect, 0.0) + crowding / 2 + np.maximum(effect, 0)
        return mean, variance + self.noise**2 + self.uncertainty**2

    def _of_people(self, people: People, persons: Indices) -> Terms:
        """Return the terms of each person."""
        mean, variance = np.zeros((2, len(persons)))
        for rows in _blocks(len(persons), len(self.sample)):
            centres, crowding = people.centres[persons[rows]], crowding_of(people, persons[rows], self.impostors)
            excess = self._excess(centres, crowding)
            length = np.einsum("nd,nd->n", centres, centres) - self.impostors.mean - crowding / 2
            excess[np.abs(excess + self.crowding / 2 - length[:, None]) < ITSELF] = np.nan
            effect, variance[rows] = self._effects(excess - self.effect)
            mean[rows] = crowding / 2 + np.maximum(effect, 0)
        return mean, variance

    def _excess(self, embeddings: Floats, crowding: Floats) -> Floats:
        """Return how much more similar embeddings (N, D) are to the sample than people in general: (N, S)."""
        excess = embeddings @ self.sample.T
        excess -= (crowding / 2 + np.float32(self.impostors.mean))[:, None]
        excess -= self.crowding / 2
        return np.asarray(excess, np.float32)

    def _effects(self, excess: Floats) -> tuple[Array, Array]:
        """Return the effect of each row's person, drawn towards 0, and the variance of what is left unknown: (N,) each.

        excess: (N, S), less the effects of the gallery and of the sample's people; NaN to be left out.
        """
        kept = np.abs(excess) <= TRIMMED * self.impostors.spread
        number = kept.sum(axis=1)
        mean = np.where(kept, excess, 0).sum(axis=1, dtype=np.float64) / np.maximum(number, 1)
        variance, noise = self.impostors.person_sd**2, self.noise**2
        share = variance / (variance + noise / np.maximum(number, 1)) * (number > 0)
        return share * mean, variance * (1 - share)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Return the parts of a table's rows that are computed together."""
    step = max(1, BLOCK_SCORES // max(columns, 1))
    return (slice(start, start + step) for start in range(0, rows, step))


def crowding_of(people: People, persons: Indices, impostors: Impostors) -> Floats:
    """Return the mean crowding of the photographs of people: float32 (N,).

    persons: (N,), numbers of people in ``people``.
    """
    if len(persons) == 0 or len(impostors.centroids) == 0:
        return np.zeros(len(persons), np.float32)
    rows, first = people.photographs(persons)
    total = np.add.reduceat(impostors.crowding(people.embeddings[rows]), first)
    return np.asarray(total / people.counts[persons], np.float32)


def _widening(ratio: float, people: int) -> float:
    """Return by which factor the noise in a gallery is wider than in general, drawn towards 1, and at least 1.

    ratio: of the standard deviation of the similarity in the gallery to that in general.
    """
    share = (people - 1) / (people - 1 + WIDENING_PEOPLE)
    return float(np.sqrt(max(1.0, 1 + share * (ratio**2 - 1))))


def _expected_highest(n: int) -> float:
    """Return the mean of the highest of n standard normal values (Blom, 1958)."""
    return NormalDist().inv_cdf((n - 0.375) / (n + 0.25))


def distance_of(similarity: float) -> float:
    """Return the Euclidean distance between unit-length embeddings with a cosine similarity.

    >>> distance_of(0.5)
    1.0
    """
    return math.sqrt(max(2 - 2 * similarity, 0.0))
