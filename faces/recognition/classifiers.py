"""Classifiers: three ways to score how much a face is like each person enrolled."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces.recognition.distances import People
from faces.types import Floats

# The best of 1, 3, 10, 30 and 100 on the first ten photographs of ../shared/data/people: it has the least sum of the
# mean log loss of probes and the mean divergence from uniform of people who are not enrolled (2 to 20 people, 1 to 5
# photographs each): benchmarks/measure_models.py svc.
C = 30.0

# Factors of the scores before their softmax, as (first, second): first + second * ln(P) for P people, which the best
# factor grows with. Measured in the same way, and with 50 to 300 people of LFW (benchmarks/measure_models.py scales).
# Embedders whose factors were not measured take SFace's: different people's embeddings are about at right angles there,
# too, while dlib's are only about 45 degrees apart.
SVC_SCALES = {"sface-int8": (2.3, 0.53), "dlib-resnet": (1.1, 0.62)}
SIMILARITY_SCALES = {"sface-int8": (4.2, 1.6), "dlib-resnet": (17.0, 6.0)}

SHORTLIST = 10  # as good as everybody, among 900 others of LFW (benchmarks/classifiers.py shortlist)

# Photographs x people up to which an SVC is fitted in 2 to 3 seconds on 2 cores (benchmarks/classifiers.py svc).
SVC_LIMIT = 500_000


class Classifier(Protocol):
    """Scores how much probes are like each person."""

    def scores(self, probes: Floats) -> NDArray[Any]:
        """Return the scores of probes (N, D): floating (N, P), larger for likelier people; see ``scale``."""
        ...


@dataclass(frozen=True, slots=True)
class SVC:
    """A plane per person that separates them from all others: the recipe's classifier.

    It holds the planes, not scikit-learn's object: recognition then needs no scikit-learn, whose import takes longer
    than detecting a face, and the pickle does not depend on scikit-learn's version.

    weights: float64 (P, D).
    offsets: float64 (P,).
    """

    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def fit(cls, people: People) -> SVC:
        """Fit a linear SVC, one person against the rest; a single person gets zeros."""
        from sklearn.svm import LinearSVC

        if len(people) == 1:
            return cls(np.zeros((1, people.embeddings.shape[1])), np.zeros(1))
        with warnings.catch_warnings():  # scikit-learn takes one photograph per person for a regression
            warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
            svc = LinearSVC(C=C, dual=False).fit(people.embeddings, people.owner)
        if len(people) == 2:  # one plane for both: its other side is the first person
            return cls(np.concatenate([-svc.coef_, svc.coef_]), np.concatenate([-svc.intercept_, svc.intercept_]))
        return cls(svc.coef_, svc.intercept_)

    def scores(self, probes: Floats) -> NDArray[np.float64]:
        """Return the scores float64 (N, P) of probes (N, D), as ``Classifier`` does."""
        return np.asarray(probes @ self.weights.T + self.offsets)


@dataclass(frozen=True, slots=True)
class Centroid:
    """The closest person of the ``SHORTLIST`` with the closest centres, by the distance that decides about strangers.

    Scores are similarities: 1 - distance^2 / 2 for the people of the shortlist; for all others the mean similarity to
    their photographs, which is the product with their centre.
    """

    people: People

    @classmethod
    def fit(cls, people: People) -> Centroid:
        """Return the classifier; there is nothing to fit."""
        return cls(people)

    def scores(self, probes: Floats) -> Floats:
        """Return the scores float32 (N, P) of probes (N, D), as ``Classifier`` does."""
        similarity = np.asarray(probes @ self.people.centres.T, np.float32)
        shortlist, distance = self.people.closest(similarity, probes, SHORTLIST)
        np.put_along_axis(similarity, shortlist, 1 - distance**2 / 2, axis=1)
        return similarity


@dataclass(frozen=True, slots=True)
class NearestNeighbour:
    """The person of the closest photograph among all: exact, and slow in a very large gallery."""

    people: People

    @classmethod
    def fit(cls, people: People) -> NearestNeighbour:
        """Return the classifier; there is nothing to fit."""
        return cls(people)

    def scores(self, probes: Floats) -> Floats:
        """Return the scores float32 (N, P) of probes (N, D), as ``Classifier`` does."""
        similarity = np.maximum.reduceat(probes @ self.people.embeddings.T, self.people.starts, axis=1)
        return np.asarray(similarity, np.float32)


CLASSIFIERS: dict[str, type[SVC] | type[Centroid] | type[NearestNeighbour]] = {
    "svc": SVC,
    "centroid": Centroid,
    "knn": NearestNeighbour,
}


def choose(photographs: int, people: int) -> str:
    """Return the name of the classifier for a gallery: the SVC while fitting it takes seconds, else the centroid."""
    return "svc" if photographs * people <= SVC_LIMIT else "centroid"


def softmax(scores: NDArray[Any]) -> NDArray[Any]:
    """Return the softmax along the second axis: (N, P)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def scale(classifier: str, embedder: str, people: int) -> float:
    """Return the factor of a classifier's scores whose softmax is the probability of each person.

    classifier: of ``CLASSIFIERS``.
    embedder: its name in fingerprints; the names of its views after a comma do not matter.
    people: how many are enrolled.

    >>> scale("svc", "sface-int8", 1)
    2.3
    """
    scales = SVC_SCALES if classifier == "svc" else SIMILARITY_SCALES
    first, second = scales.get(embedder.partition(", ")[0], scales["sface-int8"])
    return first + second * math.log(people)
