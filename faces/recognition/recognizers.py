"""Who a face is, or that nobody knows: a classifier names a person, distances decide whether it is them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError, FingerprintError
from faces.models import zoo
from faces.recognition.classifiers import CLASSIFIERS, SVC, Classifier, choose, softmax
from faces.recognition.distances import People, by_person
from faces.recognition.gallery import Gallery, is_nobody
from faces.recognition.thresholds import ENOUGH_PAIRS, Crowd, Threshold, far_per_person, threshold_at
from faces.types import Fingerprint, Floats, Matches

SCORES_AT_ONCE = 2**24  # probes x photographs: of many probes some at a time, so that memory does not grow with them


class FaceRecognizer:
    """A classifier that says which person a face is most like, and distances for the decision "unknown".

    fpir: the share of strangers that may be given a name, in (0, 1). threshold: a distance that replaces what follows
    from it. classifier: "svc", "centroid", "knn", or "auto" for what suits the size of the gallery.

    After ``fit``: names_ (P,), sorted as ``LabelEncoder`` sorts; people_, what is known of each; classifier_, its name,
    and scorer_, itself; fingerprint_; threshold_, and threshold_checked_, whether it looked at who is enrolled.
    """

    def __init__(self, fpir: float = 0.01, threshold: float | None = None, classifier: str = "auto") -> None:
        self.fpir = fpir
        self.threshold = threshold
        self.classifier = classifier

    def fit(self, gallery: Gallery) -> FaceRecognizer:
        """Learn from a gallery of at least one face.

        Raises FacesError when it is empty, or when no threshold can be told from it and none is given.
        """
        if len(gallery) == 0:
            raise FacesError("there are no embeddings to train on; run: python extract_embeddings.py")
        names, order, starts = by_person(gallery.names)
        self.names_ = np.array(names)
        self.people_ = People.of(gallery.embeddings[order], starts)
        self.fingerprint_ = gallery.fingerprint
        threshold = self._threshold()  # before the work: it may not be known
        self.classifier_ = choose(len(gallery), len(names)) if self.classifier == "auto" else self.classifier
        self.scorer_: Classifier = CLASSIFIERS[self.classifier_].fit(self.people_)
        self.threshold_, self.threshold_checked_ = threshold, True
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "coef_" in state:  # of when an SVC was all there was
            people = People.of(state.pop("embeddings_"), state.pop("starts_"))
            svc = SVC(state.pop("coef_"), state.pop("intercept_"))
            state |= {"classifier": "auto", "people_": people, "classifier_": "svc", "scorer_": svc}
        state.setdefault("threshold_checked_", state.get("threshold") is not None)  # pickles of older versions lack it
        self.__dict__.update(state)

    def predict_proba(self, embeddings: Any) -> NDArray[np.float64]:
        """float64 (N, P): the chance of each person, in the order of ``names_``, if it is one of them."""
        probes = np.asarray(embeddings, np.float32).reshape(len(embeddings), self.people_.embeddings.shape[1])
        return np.asarray(softmax(self.scorer_.scores(probes).astype(np.float64)))

    def distances(self, embeddings: Floats) -> Floats:
        """float32 (N, P): to each person, as ``People.distance``."""
        return self.people_.distances(embeddings)

    def identify(self, embeddings: Floats) -> Matches:
        """The people of N probes; None for a probe that is too far from the person that it is most like."""
        require_dimension(embeddings, self.people_.embeddings.shape[1])
        candidate, probability = np.zeros(len(embeddings), np.intp), np.zeros(len(embeddings), np.float32)
        step = max(1, SCORES_AT_ONCE // len(self.people_.embeddings))
        for some in (slice(start, start + step) for start in range(0, len(embeddings), step)):
            chances = softmax(self.scorer_.scores(embeddings[some]))
            candidate[some], probability[some] = chances.argmax(axis=1), chances.max(axis=1)
        distance = self.people_.distance(embeddings, candidate)
        names = tuple(self.names_[candidate].tolist())
        near = distance <= self.threshold_.distance
        return Matches(
            tuple(name if d and not is_nobody(name) else None for name, d in zip(names, near, strict=True)),
            names,
            probability,
            distance,
        )

    def require(self, fingerprint: Fingerprint, labels: LabelEncoder) -> None:
        """Raise FingerprintError unless these models made the gallery, and the labels are of the same training."""
        people = [str(label) for label in labels.classes_] == [str(name) for name in self.names_]
        mine = None if self.fingerprint_ is None else self.fingerprint_.to_dict()
        if not people or (labels.fingerprint_ is not None and labels.fingerprint_ != mine):
            raise FingerprintError(
                "the recognizer and the label encoder (--recognizer, --le) do not belong together;"
                " run: python train_model.py"
            )
        if self.fingerprint_ is not None:
            remedy = "run extract_embeddings.py and train_model.py again, or name the same models"
            fingerprint.require(self.fingerprint_, "the recognizer", remedy)

    def _threshold(self) -> Threshold:
        """The distance up to which a probe is given a name: the stricter of LFW's and the gallery's own."""
        if self.threshold is not None:
            return Threshold(self.threshold, "set by --threshold")
        far, named = far_per_person(self.fpir, len(self.names_)), f"{self.fpir:.1%} of strangers named"
        embedder = self.fingerprint_.embedder.name if self.fingerprint_ else ""
        points, embedder = zoo.operating_points(embedder), embedder.partition(",")[0]
        crowd = Crowd.of(self.people_)
        if len(points) > 1:
            general = threshold_at(points, far)
            own = crowd.threshold(far, points) if crowd else general
            if own < general:
                return Threshold(own, f"{named}; these people look more alike than most, so it is stricter")
            return Threshold(general, named)
        if crowd and crowd.pairs >= ENOUGH_PAIRS:
            return Threshold(crowd.threshold(far), f"{named}, estimated from how far apart these people are")
        if points:
            return Threshold(points[0].threshold, f"as published for {embedder}, whatever --fpir")
        raise FacesError(
            f"too few people to tell strangers from them ({len(self.names_)}), and no threshold was ever measured for"
            f" {embedder or 'these embeddings'}; give one: --threshold"
        )


class Recognizer(Protocol):
    """Anything that says who probes are."""

    def identify(self, embeddings: Floats) -> Matches:
        """The people of probes (N, D)."""
        ...


class LabelEncoder:
    """Stands in for scikit-learn's when a pickle is read, for its ``classes_`` and the fingerprint that ours carries.

    fingerprint_: as ``Fingerprint.to_dict`` gives it; None in a recipe's.
    """

    classes_: NDArray[np.str_]
    fingerprint_: dict[str, dict[str, str]] | None = None


def require_dimension(embeddings: Floats, dimension: int) -> None:
    """Raise FingerprintError when embeddings (N, D) are not of the recognizer's D: a recipe's names no models."""
    if embeddings.shape[1] != dimension:
        raise FingerprintError(
            f"the recognizer was trained on embeddings of {dimension} numbers, but this run's models make"
            f" {embeddings.shape[1]}; run extract_embeddings.py and train_model.py again, or name the same models"
        )
