"""Recognizers: a classifier names the closest person, and a distance decides whether the face is that person's."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, FingerprintError, UsageError
from faces.recognition.assignment import Candidates, nearest
from faces.recognition.classifiers import CLASSIFIERS, SVC, Classifier, choose, scale, softmax
from faces.recognition.crowd import Crowd, Terms
from faces.recognition.distances import Indices, People, by_person, outliers, require_dimension
from faces.recognition.gallery import Gallery, is_nobody
from faces.recognition.impostors import Embedder, name_of
from faces.recognition.match_probability import match_probability
from faces.recognition.thresholds import Threshold, crowd_of, far_per_person, stranger_threshold
from faces.types import Fingerprint, Floats, Matches

SET = "set by --threshold"  # where a threshold comes from
BLOCK_SCORES = 2**24  # probes x photographs that are scored together: bounds memory


class FaceRecognizer:
    """A classifier that finds the most likely person of a face, and a distance beyond which the face is unknown.

    A distance is the Euclidean distance between embeddings, scaled by how similar strangers with this face would be to
    this person (``faces.recognition.crowd``), so that one threshold holds for all: 0 for the same photograph, and
    strangers are within ``threshold_`` of each person at the same rate, whoever is compared.

    fpir: share of strangers that may be given a name (false positive identification rate), in (0, 1).
    threshold: distance that replaces the one derived from ``fpir``.
    classifier: "svc", "centroid", "knn", or "auto": chosen by the size of the gallery.

    After ``fit``: names_ (P,), sorted as ``LabelEncoder`` sorts; people_, their embeddings; classifier_, its name, and
    scorer_, itself; fingerprint_; threshold_; crowd_, how similar these people are, None if unknown, as in pickles of
    older versions, whose distances are not scaled.

    >>> recognizer = FaceRecognizer().fit(gallery)  # doctest: +SKIP
    >>> recognizer.identify(embeddings).names  # doctest: +SKIP
    ('Ada', None)
    """

    _terms: Terms | None = None  # of ``crowd_``, computed when they are needed; not in the pickle

    def __init__(self, fpir: float = 0.01, threshold: float | None = None, classifier: str = "auto") -> None:
        self.fpir = fpir
        self.threshold = threshold
        self.classifier = classifier

    def fit(self, gallery: Gallery) -> FaceRecognizer:
        """Train on a gallery and return the recognizer.

        Raises UsageError for an ``fpir`` outside (0, 1) or another classifier, and FacesError for an empty gallery, or
        when no threshold is given and none can be derived.
        """
        if not 0 < self.fpir < 1:
            raise UsageError(f"fpir is {self.fpir}, but must be between 0 and 1")
        if self.classifier not in ("auto", *CLASSIFIERS):
            raise UsageError(f"no classifier {self.classifier!r}; there are auto, {', '.join(CLASSIFIERS)}")
        if len(gallery) == 0:
            raise FacesError("there are no embeddings to train on; run: faces extract")
        names, order, starts = by_person(gallery.names)
        self.names_ = np.array(names)
        self.people_ = People.of(gallery.embeddings[order], starts)
        self.fingerprint_ = gallery.fingerprint
        embedder = gallery.fingerprint.embedder if gallery.fingerprint else ""
        self.crowd_, self._terms = crowd_of(self.people_, embedder), None
        threshold = self._threshold(embedder)  # first: it may fail, and training takes long
        if len(wrong := outliers(self.people_, threshold.distance)):  # they would draw the centres to somebody else
            self.people_ = self.people_.centred_without(wrong)
        self.classifier_ = choose(len(gallery), len(names)) if self.classifier == "auto" else self.classifier
        self.scorer_: Classifier = CLASSIFIERS[self.classifier_].fit(self.people_)
        self.threshold_ = threshold
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled."""
        return {name: value for name, value in self.__dict__.items() if name != "_terms"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the pickles of older versions too."""
        if "coef_" in state:  # the SVC was the only classifier
            people = People.of(state.pop("embeddings_"), state.pop("starts_"))
            svc = SVC(state.pop("coef_"), state.pop("intercept_"))
            state |= {"classifier": "auto", "people_": people, "classifier_": "svc", "scorer_": svc}
        crowd = state.setdefault("crowd_", None)
        if isinstance(crowd, Crowd) and not hasattr(crowd, "noise"):
            object.__setattr__(crowd, "noise", crowd.impostors.noise_sd)
        self.__dict__.update(state)

    def with_threshold(self, distance: float) -> FaceRecognizer:
        """Return a copy that gives a name up to another distance."""
        other = copy(self)
        other.threshold_ = Threshold(distance, SET)
        return other

    def predict_proba(self, embeddings: Any) -> NDArray[np.float64]:
        """Return the probability of each person, if the probe is one of them.

        embeddings: (N, D), unit length.
        Returns float64 (N, P), in the order of ``names_``.
        """
        probes = np.asarray(embeddings, np.float32).reshape(len(embeddings), self.people_.embeddings.shape[1])
        return np.asarray(self._probabilities(probes), np.float64)

    def distances(self, embeddings: Floats) -> Floats:
        """Return the distance float32 (N, P) of probes (N, D) to each person."""
        distances = self.people_.distances(embeddings)
        if self.crowd_ is None:
            return distances
        if self._terms is None:
            self._terms = self.crowd_.terms(self.people_)
        return distances * self.crowd_.scales(embeddings, self._terms, self._far)

    def distance(self, embeddings: Floats, persons: Indices) -> Floats:
        """Return the distance float32 (N,) of each probe of (N, D) to one person (N,)."""
        return self.people_.distance(embeddings, persons) * self.scale(embeddings, persons)

    def scale(self, embeddings: Floats, persons: Indices) -> Floats:
        """Return the factor float32 (N,) that brings the distance of each probe of (N, D) to one person to scale."""
        if self.crowd_ is None:
            return np.ones(len(embeddings), np.float32)
        return self.crowd_.scale(embeddings, self.people_, persons, self._far)

    def identify(self, embeddings: Floats) -> Matches:
        """Return the person of each probe; None for a probe beyond the threshold of its most likely person.

        embeddings: float32 (N, D), unit length.
        Raises FingerprintError for another D.
        """
        require_dimension(embeddings, self.people_.embeddings.shape[1])
        candidate, probability = np.zeros(len(embeddings), np.intp), np.zeros(len(embeddings), np.float32)
        step = max(1, BLOCK_SCORES // len(self.people_.embeddings))
        for block in (slice(start, start + step) for start in range(0, len(embeddings), step)):
            probabilities = self._probabilities(embeddings[block])
            candidate[block], probability[block] = probabilities.argmax(axis=1), probabilities.max(axis=1)
        distance = self.distance(embeddings, candidate)
        candidates = tuple(self.names_[candidate].tolist())
        near = distance <= self.threshold_.distance
        names = tuple(
            name if is_near and not is_nobody(name) else None for name, is_near in zip(candidates, near, strict=True)
        )
        return Matches(names, candidates, probability, distance)

    def candidates(self, embeddings: Floats) -> Candidates:
        """Return the people whom probes (N, D) may be: the one that ``identify`` finds, and the nearest.

        Raises FingerprintError for another D.
        """
        require_dimension(embeddings, self.people_.embeddings.shape[1])
        step = max(1, BLOCK_SCORES // len(self.people_.embeddings))
        starts = range(0, max(len(embeddings), 1), step)  # a block even without probes
        return Candidates.joined([self._candidates(embeddings[start : start + step]) for start in starts])

    def _candidates(self, embeddings: Floats) -> Candidates:
        probability, distance = self._probabilities(embeddings), self.distances(embeddings)
        people = nearest(distance, probability.argmax(axis=1))
        distance = np.take_along_axis(distance, people, axis=1)
        probability = np.take_along_axis(probability, people, axis=1).astype(np.float32)
        limit = np.full(len(embeddings), self.threshold_.distance, np.float64)
        return Candidates(self.names_[people], probability, distance, distance.astype(np.float64), limit)

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        """Return the probability that each probe is the person it is closest to: float32 (N,); NaN if unknown.

        embeddings: float32 (N, D), unit length.
        names: N enrolled names, such as ``Matches.candidates``.
        prior: share of those who come that are enrolled, in (0, 1).
        """
        if self.crowd_ is None:
            return np.full(len(embeddings), np.nan, np.float32)
        persons = np.searchsorted(self.names_, np.array(names, self.names_.dtype))
        distance = self.people_.distance(embeddings, persons)
        expected = len(self.people_) * self.crowd_.far(distance, embeddings, self.people_, persons)
        return match_probability(expected, prior).astype(np.float32)

    def require(self, fingerprint: Fingerprint, labels: LabelEncoder) -> None:
        """Raise FingerprintError unless these models made the gallery, and the labels are of the same training."""
        same_names = [str(label) for label in labels.classes_] == [str(name) for name in self.names_]
        own = None if self.fingerprint_ is None else self.fingerprint_.to_dict()
        if not same_names or (labels.fingerprint_ is not None and labels.fingerprint_ != own):
            raise FingerprintError(
                "the recognizer and the label encoder (--recognizer, --le) do not belong together; run: faces train"
            )
        if self.fingerprint_ is not None:
            remedy = "run extract_embeddings.py and train_model.py again, or name the same models"
            fingerprint.require(self.fingerprint_, "the recognizer", remedy)

    @property
    def _far(self) -> float:
        return far_per_person(self.fpir, len(self.people_))

    def _probabilities(self, embeddings: Floats) -> NDArray[Any]:
        embedder = name_of(self.fingerprint_.embedder if self.fingerprint_ else "")
        factor = scale(self.classifier_, embedder, len(self.people_))
        return softmax(self.scorer_.scores(embeddings) * factor)

    def _threshold(self, embedder: Embedder) -> Threshold:
        if self.threshold is not None:
            return Threshold(self.threshold, SET)
        return stranger_threshold(self.crowd_, embedder, self.fpir, len(self.people_))


class Recognizer(Protocol):
    """Anything that names the people of probes."""

    def identify(self, embeddings: Floats) -> Matches:
        """Return the person of each probe of (N, D); None for unknown."""
        ...

    def candidates(self, embeddings: Floats) -> Candidates:
        """Return the people whom each probe of (N, D) may be, the one that ``identify`` finds first."""
        ...

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        """Return the probability (N,) that each probe of (N, D) is the enrolled person of that name; NaN if unknown."""
        ...


def identify_together(recognizer: Recognizer, embeddings: Floats) -> Matches:
    """Return the person of each probe as ``identify``, but nobody twice: for the faces of one picture.

    Names are assigned jointly: a face that is less like a person than another is given its next best candidate within
    the threshold, or none.

    embeddings: float32 (N, D), unit length.
    """
    matches = recognizer.identify(embeddings)
    names = [name for name in matches.names if name is not None]
    return matches if len(set(names)) == len(names) else recognizer.candidates(embeddings).matches()


class LabelEncoder:
    """Takes the place of scikit-learn's when a pickle is read: its ``classes_``, and the fingerprint that we add.

    fingerprint_: as ``Fingerprint.to_dict`` returns it; None in the recipe's pickle.
    """

    classes_: NDArray[np.str_]
    fingerprint_: dict[str, dict[str, str]] | None = None
