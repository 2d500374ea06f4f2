"""Who a face is, or that nobody knows: a classifier names a person, distances decide whether it is them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from faces import pickles, zoo
from faces.classifiers import CLASSIFIERS, SVC, Classifier, choose, softmax
from faces.errors import FacesError, FingerprintError, PickleError
from faces.gallery import Gallery, is_nobody
from faces.metrics import ENOUGH_PAIRS, Crowd, far_per_person, threshold_at
from faces.people import People, by_person
from faces.types import Fingerprint, Floats, Matches, ModelId

REMEDY = "run: python train_model.py"
LABEL_ENCODER = "sklearn.preprocessing._label", "LabelEncoder"  # whose import takes longer than most trainings

SCORES_AT_ONCE = 2**24  # probes x photographs: of many probes some at a time, so that memory does not grow with them


@dataclass(frozen=True, slots=True)
class Threshold:
    """A distance, and where it comes from, for people to read."""

    distance: float
    origin: str


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
        _require_dimension(embeddings, self.people_.embeddings.shape[1])
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


class RecipeRecognizer:
    """The recipe's own pickle, a classifier with ``predict_proba``: it knows no distance, and so no stranger."""

    def __init__(self, classifier: Any, names: Iterable[str]) -> None:
        self._classifier = classifier
        self._names = [str(name) for name in names]

    def identify(self, embeddings: Floats) -> Matches:
        """As ``FaceRecognizer.identify``, but with a name for all but its strangers, and NaN for the distance."""
        if len(embeddings) == 0:
            return Matches((), ())
        _require_dimension(embeddings, self._classifier.n_features_in_)
        probability = np.asarray(self._classifier.predict_proba(embeddings))
        best = probability.argmax(axis=1)
        names = tuple(self._names[int(self._classifier.classes_[k])] for k in best)
        distance = np.full(len(names), np.nan, np.float32)
        known = tuple(None if is_nobody(name) else name for name in names)
        return Matches(known, names, probability.max(axis=1).astype(np.float32), distance)


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
    labels: dict[str, object] = {"classes_": recognizer.names_, "_sklearn_version": version("scikit-learn")}
    if recognizer.fingerprint_ is not None:
        labels["fingerprint_"] = recognizer.fingerprint_.to_dict()
    pickles.dump(recognizer_path, recognizer)
    pickles.dump_as(le_path, *LABEL_ENCODER, labels)


def load(recognizer_path: Path, le_path: Path, fingerprint: Fingerprint) -> tuple[Recognizer, list[str]]:
    """What ``save`` wrote, or the recipe's two pickles; and warnings, for the user.

    Raises PickleError, and FingerprintError when the two do not belong together or ``fingerprint`` is of other models.
    """
    labels = _labels(le_path)
    parts = (FaceRecognizer, People, *CLASSIFIERS.values(), Threshold, Fingerprint, ModelId)
    own = {(cls.__module__, cls.__qualname__): cls for cls in parts}
    classifier = pickles.load(recognizer_path, "a recognizer", REMEDY, {**pickles.ARRAYS, **pickles.CLASSIFIERS, **own})
    if isinstance(classifier, FaceRecognizer) and hasattr(classifier, "threshold_"):  # the last thing that fit learns
        classifier.require(fingerprint, labels)
        warnings = []
        if classifier.fingerprint_ is None:
            warnings.append(f"{recognizer_path} does not say which models made its embeddings; they are not checked")
        if not classifier.threshold_checked_:
            warnings.append(
                f"{recognizer_path} is of an older version, whose threshold may be too loose for people who look alike;"
                f" retraining checks it; {REMEDY}"
            )
        return classifier, warnings
    if not hasattr(classifier, "predict_proba") or len(getattr(classifier, "classes_", ())) != len(labels.classes_):
        raise PickleError(f"{recognizer_path}: not a recognizer that goes with {le_path}; {REMEDY}")
    warning = f"{recognizer_path} is the recipe's: it knows no distances, so it names every stranger; {REMEDY}"
    return RecipeRecognizer(classifier, labels.classes_), [warning]


def made_by(le_path: Path) -> Fingerprint | None:
    """The models that made what a label encoder goes with; None where it does not say. Raises PickleError."""
    models = _labels(le_path).fingerprint_
    try:
        return None if models is None else Fingerprint.from_dict(models)
    except (KeyError, TypeError, AttributeError) as error:
        raise PickleError(f"{le_path}: not a label encoder ({type(error).__name__}); {REMEDY}") from error


def _labels(le_path: Path) -> LabelEncoder:
    labels = pickles.load(le_path, "a label encoder", REMEDY, {**pickles.ARRAYS, LABEL_ENCODER: LabelEncoder})
    if not isinstance(labels, LabelEncoder) or not hasattr(labels, "classes_"):
        raise PickleError(f"{le_path}: not a label encoder; {REMEDY}")
    return labels


def _require_dimension(embeddings: Floats, dimension: int) -> None:
    """Raise FingerprintError when embeddings (N, D) are not of the recognizer's D: a recipe's names no models."""
    if embeddings.shape[1] != dimension:
        raise FingerprintError(
            f"the recognizer was trained on embeddings of {dimension} numbers, but this run's models make"
            f" {embeddings.shape[1]}; run extract_embeddings.py and train_model.py again, or name the same models"
        )
