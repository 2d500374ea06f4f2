"""The files of a recognizer and its label encoder: ours and the recipe's, written and read."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from faces.errors import PickleError
from faces.files import pickles
from faces.recognition.classifiers import CLASSIFIERS
from faces.recognition.distances import People
from faces.recognition.gallery import is_nobody
from faces.recognition.recognizers import FaceRecognizer, LabelEncoder, Recognizer, require_dimension
from faces.recognition.thresholds import Threshold
from faces.types import Fingerprint, Floats, Matches, ModelId

REMEDY = "run: python train_model.py"
LABEL_ENCODER = "sklearn.preprocessing._label", "LabelEncoder"  # whose import takes longer than most trainings

FORMER_MODULES = {  # where the classes were when the package was flat: files of then name them so
    "faces.recognition.recognizers": "faces.recognizers",
    "faces.recognition.thresholds": "faces.recognizers",
    "faces.recognition.distances": "faces.people",
    "faces.recognition.classifiers": "faces.classifiers",
}


class RecipeRecognizer:
    """The recipe's own pickle, a classifier with ``predict_proba``: it knows no distance, and so no stranger."""

    def __init__(self, classifier: Any, names: Iterable[str]) -> None:
        self._classifier = classifier
        self._names = [str(name) for name in names]

    def identify(self, embeddings: Floats) -> Matches:
        """As ``FaceRecognizer.identify``, but with a name for all but its strangers, and NaN for the distance."""
        if len(embeddings) == 0:
            return Matches((), ())
        require_dimension(embeddings, self._classifier.n_features_in_)
        probability = np.asarray(self._classifier.predict_proba(embeddings))
        best = probability.argmax(axis=1)
        names = tuple(self._names[int(self._classifier.classes_[k])] for k in best)
        distance = np.full(len(names), np.nan, np.float32)
        known = tuple(None if is_nobody(name) else name for name in names)
        return Matches(known, names, probability.max(axis=1).astype(np.float32), distance)


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
    own |= {(FORMER_MODULES.get(module, module), name): cls for (module, name), cls in own.items()}
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
