"""Who of the people enrolled a face is most like: three ways to tell, whose scores become probabilities alike."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces.recognition.distances import People
from faces.types import Floats

# Of 1, 3, 10, 30 and 100 the closest to the truth on the first ten photographs of ../shared/data/people: probes are who
# they are, and someone left out may be anyone (the sum of the mean log loss of probes and the mean divergence from
# uniform of people left out; 2 to 20 people, 1 to 5 photographs each): benchmarks/measure_models.py svc.
C = 30.0

# Measured in the same way, and with 50 to 300 others of LFW (benchmarks/measure_models.py scales): what scores are
# multiplied with before their softmax. The best grows with the number of people P, as the first + the second * ln(P):
# from 1.5 for 2 to 4.5 for 300 with an SVC's distances from its planes, from 20 to 50 with similarities.
SVC_SCALE = 1.1, 0.62
SIMILARITY_SCALE = 17.0, 6.0

SHORTLIST = 10  # as good as everybody, among 900 others of LFW (benchmarks/classifiers.py shortlist)

# Photographs x people up to which an SVC is fitted in 2 to 3 seconds on 2 cores (benchmarks/classifiers.py svc).
SVC_LIMIT = 500_000


class Classifier(Protocol):
    """Anything that scores people."""

    def scores(self, probes: Floats) -> NDArray[Any]:
        """floating (N, P) of probes (N, D): their softmax is the chance of each person, if it is one of them."""
        ...


@dataclass(frozen=True, slots=True)
class SVC:
    """A plane for each person, with them on one side and the rest on the other: the recipe's classifier.

    The planes rather than scikit-learn's own object: the scripts that recognize then need no scikit-learn, whose
    import takes longer than finding a face, and the pickle outlives scikit-learn's versions.

    weights: float64 (P, D). offsets: float64 (P,).
    """

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def fit(cls, people: People) -> SVC:
        """A linear SVC, one person against the rest; zeros for one person alone."""
        from sklearn.svm import LinearSVC

        if len(people) == 1:
            return cls(np.zeros((1, people.embeddings.shape[1])), np.zeros(1))
        with warnings.catch_warnings():  # one photograph a person looks to scikit-learn like a regression
            warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
            svc = LinearSVC(C=C, dual=False).fit(people.embeddings, people.owner)
        if len(people) == 2:  # one plane, whose other side is the first
            return cls(np.concatenate([-svc.coef_, svc.coef_]), np.concatenate([-svc.intercept_, svc.intercept_]))
        return cls(svc.coef_, svc.intercept_)

    def scores(self, probes: Floats) -> NDArray[np.float64]:
        """float64 (N, P): see ``Classifier``."""
        return np.asarray((probes @ self.weights.T + self.offsets) * scale(SVC_SCALE, len(self.offsets)))


@dataclass(frozen=True, slots=True)
class Centroid:
    """The closest person, by the distance that decides about strangers, of the ``SHORTLIST`` with the closest centre.

    Its scores are similarities, 1 - distance^2 / 2: that distance for the few, for all others the mean similarity of
    the probe to their photographs, which is its product with their centre.
    """

    people: People

    @classmethod
    def fit(cls, people: People) -> Centroid:
        """There is nothing to fit."""
        return cls(people)

    def scores(self, probes: Floats) -> Floats:
        """float32 (N, P): see ``Classifier``."""
        similarity = np.asarray(probes @ self.people.centres.T, np.float32)
        few, distance = self.people.closest(similarity, probes, SHORTLIST)
        np.put_along_axis(similarity, few, 1 - distance**2 / 2, axis=1)
        return similarity * scale(SIMILARITY_SCALE, len(self.people))


@dataclass(frozen=True, slots=True)
class NearestNeighbour:
    """The person with the photograph that is closest, searched among all: exact, and slow in a very large gallery."""

    people: People

    @classmethod
    def fit(cls, people: People) -> NearestNeighbour:
        """There is nothing to fit."""
        return cls(people)

    def scores(self, probes: Floats) -> Floats:
        """float32 (N, P): see ``Classifier``."""
        similarity = np.maximum.reduceat(probes @ self.people.embeddings.T, self.people.starts, axis=1)
        return np.asarray(similarity * scale(SIMILARITY_SCALE, len(self.people)), np.float32)


CLASSIFIERS: dict[str, type[SVC] | type[Centroid] | type[NearestNeighbour]] = {
    "svc": SVC,
    "centroid": Centroid,
    "knn": NearestNeighbour,
}


def choose(photographs: int, people: int) -> str:
    """The name of the classifier for so many: the recipe's SVC for as long as fitting it takes seconds."""
    return "svc" if photographs * people <= SVC_LIMIT else "centroid"


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    """(N, P), of sum 1 along the second axis."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def scale(measured: tuple[float, float], people: int) -> float:
    """What scores of so many people are multiplied with before their softmax: see ``SVC_SCALE``."""
    first, growth = measured
    return first + growth * math.log(people)
