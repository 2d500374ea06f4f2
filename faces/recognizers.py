"""Who a face is, or that nobody knows: an SVC names the closest person, distances decide whether it is them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces import pickles, zoo
from faces.errors import FacesError, FingerprintError, PickleError
from faces.gallery import Gallery
from faces.metrics import far_per_person, threshold_at
from faces.types import Fingerprint, Floats, Matches, ModelId

# The pair, of C in (1, 3, 10, 30, 100) and SCALE in (1.5, 2, 2.5, 3, 4, 5), that is closest to the truth on the first
# ten photographs of ../shared/data/people: probes are who they are, and someone left out may be anyone (the sum of the
# mean log loss of probes and the mean divergence from uniform of people left out; 2 to 20 people, 1 to 5 photographs
# each). benchmarks/measure_models.py svc prints the table.
C = 30.0
SCALE = 2.5

# An impostor comes closer to the centre, and to the nearest, of several photographs than to one: by how much the same
# false accept rate's threshold shrinks with 1, 2, 3 and 5 photographs a person, measured between different people of
# LFW (benchmarks/measure_models.py operating-points). Distances are divided by it, so that one threshold serves all.
PHOTOGRAPHS, CLOSER = (1, 2, 3, 5), (1.0, 0.963, 0.956, 0.944)

# For an embedder whose operating points were never measured, distances between different people's photographs in the
# gallery tell their normal distribution. That of the built-in embedder on LFW is normal down to a rate of 1e-5.
OWN_PAIRS = 20  # from so many pairs on
OWN_PHOTOGRAPHS = 2000  # of no more than so many: time and memory go with the square


@dataclass(frozen=True, slots=True)
class Threshold:
    """A distance, and where it comes from, for people to read."""

    distance: float
    origin: str


class FaceRecognizer:
    """An SVC on the embeddings, and the embeddings themselves for the decision "unknown".

    fpir: the share of strangers that may be given a name, in (0, 1). threshold: a distance that replaces what follows
    from it.

    After ``fit``: names_ (P,), sorted as ``LabelEncoder`` sorts; threshold_; fingerprint_; and coef_ (P, D) and
    intercept_ (P,) of the SVC rather than the SVC itself: the scripts that recognize then need no scikit-learn, whose
    import takes longer than finding a face, and the pickle outlives scikit-learn's versions.
    """

    def __init__(self, fpir: float = 0.01, threshold: float | None = None) -> None:
        self.fpir = fpir
        self.threshold = threshold

    def fit(self, gallery: Gallery) -> FaceRecognizer:
        """Learn from a gallery of at least one face.

        Raises FacesError when it is empty, or when no threshold can be told from it and none is given.
        """
        if len(gallery) == 0:
            raise FacesError("there are no embeddings to train on; run: python extract_embeddings.py")
        names = np.array(gallery.names)
        self.names_, owner = np.unique(names, return_inverse=True)
        order = np.argsort(owner, kind="stable")
        self.embeddings_ = gallery.embeddings[order]
        self.starts_ = np.searchsorted(owner[order], np.arange(len(self.names_)))
        counts = np.diff([*self.starts_, len(order)])
        sums = np.add.reduceat(self.embeddings_, self.starts_)
        self.centres_ = np.asarray(sums / counts[:, None], np.float32)
        self.closer_ = np.interp(counts, PHOTOGRAPHS, CLOSER).astype(np.float32)
        self.coef_, self.intercept_ = _fit_svc(gallery.embeddings, owner)
        self.fingerprint_ = gallery.fingerprint
        self.threshold_ = self._threshold()
        return self

    def predict_proba(self, embeddings: Any) -> NDArray[np.float64]:
        """float64 (N, P): the chance of each person, in the order of ``names_``, if it is one of them."""
        embeddings = np.asarray(embeddings, np.float64).reshape(len(embeddings), self.coef_.shape[1])
        scores = embeddings @ self.coef_.T + self.intercept_
        scores = SCALE * (scores - scores.max(axis=1, keepdims=True))
        return np.asarray(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))

    def distances(self, embeddings: Floats) -> Floats:
        """float32 (N, P): to each person, the mean of the distances to their centre and to their nearest photograph.

        Euclidean between unit-length embeddings; as it would be for someone with one photograph (see ``CLOSER``).
        """
        if len(embeddings) == 0:
            return np.zeros((0, len(self.names_)), np.float32)
        to_centre = _euclidean(embeddings, self.centres_)
        nearest = np.minimum.reduceat(_euclidean(embeddings, self.embeddings_), self.starts_, axis=1)
        return np.asarray((to_centre + nearest) / 2 / self.closer_, np.float32)

    def identify(self, embeddings: Floats) -> Matches:
        """The people of N probes; None for a probe that is too far from the person that it is most like."""
        _require_dimension(embeddings, self.coef_.shape[1])
        probability = self.predict_proba(embeddings)
        candidate = probability.argmax(axis=1)
        rows = np.arange(len(embeddings))
        distance = self.distances(embeddings)[rows, candidate]
        names = tuple(str(name) for name in self.names_[candidate])
        return Matches(
            tuple(name if d <= self.threshold_.distance else None for name, d in zip(names, distance, strict=True)),
            names,
            probability[rows, candidate].astype(np.float32),
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
        """The distance up to which a probe is given a name."""
        if self.threshold is not None:
            return Threshold(self.threshold, "set by --threshold")
        far = far_per_person(self.fpir, len(self.names_))
        embedder = self.fingerprint_.embedder.name.partition(",")[0] if self.fingerprint_ else ""
        points = zoo.MODELS[embedder].operating_points if embedder in zoo.MODELS else ()
        if len(points) > 1:
            return Threshold(threshold_at(points, far), f"{self.fpir:.1%} of strangers named")
        between = self._between_people()
        if len(between) >= OWN_PAIRS:
            spread = NormalDist(float(between.mean()), float(max(between.std(), 1e-6)))
            origin = f"{self.fpir:.1%} of strangers named, estimated from how far apart these people are"
            return Threshold(max(spread.inv_cdf(far), 0.0), origin)
        if points:
            return Threshold(points[0].threshold, f"as published for {embedder}, whatever --fpir")
        raise FacesError(
            f"too few people to tell strangers from them ({len(self.names_)}), and no threshold was ever measured for"
            f" {embedder or 'these embeddings'}; give one: --threshold"
        )

    def _between_people(self) -> Floats:
        """The distances (pairs,) between photographs of different people, of at most ``OWN_PHOTOGRAPHS`` of them."""
        owner = np.repeat(np.arange(len(self.names_)), np.diff([*self.starts_, len(self.embeddings_)]))
        some = slice(None, None, -(-len(owner) // OWN_PHOTOGRAPHS))
        embeddings, owner = self.embeddings_[some], owner[some]
        different = np.triu(owner[:, None] != owner, 1)
        return np.asarray(_euclidean(embeddings, embeddings)[different])


class RecipeRecognizer:
    """The recipe's own pickle, a classifier with ``predict_proba``: it knows no distance, and so no stranger."""

    def __init__(self, classifier: Any, names: Iterable[str]) -> None:
        self._classifier = classifier
        self._names = [str(name) for name in names]

    def identify(self, embeddings: Floats) -> Matches:
        """As ``FaceRecognizer.identify``, but with a name for everyone, and NaN for the distance."""
        if len(embeddings) == 0:
            return Matches((), ())
        _require_dimension(embeddings, self._classifier.n_features_in_)
        probability = np.asarray(self._classifier.predict_proba(embeddings))
        best = probability.argmax(axis=1)
        names = tuple(self._names[int(self._classifier.classes_[k])] for k in best)
        distance = np.full(len(names), np.nan, np.float32)
        return Matches(names, names, probability.max(axis=1).astype(np.float32), distance)


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


def save(recognizer: FaceRecognizer, recognizer_path: Path, le_path: Path) -> None:
    """Write the recognizer, and scikit-learn's LabelEncoder of its people. Raises FacesError."""
    from sklearn.preprocessing import LabelEncoder as ScikitLabelEncoder

    encoder = ScikitLabelEncoder().fit([str(name) for name in recognizer.names_])
    if recognizer.fingerprint_ is not None:
        encoder.fingerprint_ = recognizer.fingerprint_.to_dict()
    pickles.dump(recognizer_path, recognizer)
    pickles.dump(le_path, encoder)


def load(recognizer_path: Path, le_path: Path, fingerprint: Fingerprint) -> tuple[Recognizer, list[str]]:
    """What ``save`` wrote, or the recipe's two pickles; and warnings, for the user.

    Raises PickleError, and FingerprintError when the two do not belong together or ``fingerprint`` is of other models.
    """
    remedy = "run: python train_model.py"
    allowed = {("sklearn.preprocessing._label", "LabelEncoder"): LabelEncoder}
    labels = pickles.load(le_path, "a label encoder", remedy, {**pickles.ARRAYS, **allowed})
    if not isinstance(labels, LabelEncoder) or not hasattr(labels, "classes_"):
        raise PickleError(f"{le_path}: not a label encoder; {remedy}")
    own = {(cls.__module__, cls.__qualname__): cls for cls in (FaceRecognizer, Threshold, Fingerprint, ModelId)}
    classifier = pickles.load(recognizer_path, "a recognizer", remedy, {**pickles.ARRAYS, **pickles.CLASSIFIERS, **own})
    if isinstance(classifier, FaceRecognizer) and hasattr(classifier, "threshold_"):  # the last thing that fit learns
        classifier.require(fingerprint, labels)
        unchecked = f"{recognizer_path} does not say which models made its embeddings; they are not checked"
        return classifier, [] if classifier.fingerprint_ else [unchecked]
    if not hasattr(classifier, "predict_proba") or len(getattr(classifier, "classes_", ())) != len(labels.classes_):
        raise PickleError(f"{recognizer_path}: not a recognizer that goes with {le_path}; {remedy}")
    warning = f"{recognizer_path} is the recipe's: it knows no distances, so it names every stranger; {remedy}"
    return RecipeRecognizer(classifier, labels.classes_), [warning]


def _fit_svc(embeddings: Floats, owner: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (P, D) and offsets (P,) of a linear SVC, one person against the rest; zeros for one person alone."""
    from sklearn.svm import LinearSVC

    if owner.max() == 0:
        return np.zeros((1, embeddings.shape[1])), np.zeros(1)
    with warnings.catch_warnings():  # one photograph a person looks to scikit-learn like a regression
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        svc = LinearSVC(C=C, dual=False).fit(embeddings, owner)
    if owner.max() == 1:  # two people: one plane, whose other side is the first
        return np.concatenate([-svc.coef_, svc.coef_]), np.concatenate([-svc.intercept_, svc.intercept_])
    return svc.coef_, svc.intercept_


def _require_dimension(embeddings: Floats, dimension: int) -> None:
    """Raise FingerprintError when embeddings (N, D) are not of the recognizer's D: a recipe's names no models."""
    if embeddings.shape[1] != dimension:
        raise FingerprintError(
            f"the recognizer was trained on embeddings of {dimension} numbers, but this run's models make"
            f" {embeddings.shape[1]}; run extract_embeddings.py and train_model.py again, or name the same models"
        )


def _euclidean(a: Floats, b: Floats) -> Floats:
    """float32 (N, M): the distances between the rows of (N, D) and (M, D)."""
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squared, 0)), np.float32)
