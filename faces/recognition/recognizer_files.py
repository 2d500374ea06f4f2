"""Read and write the files of a recognizer and its label encoder: ours and the recipe's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from faces.embedding import encodings
from faces.errors import FacesError, PickleError
from faces.files import pickles
from faces.recognition import wholeness
from faces.recognition.assignment import Candidates, nearest
from faces.recognition.classifiers import CLASSIFIERS
from faces.recognition.crowd import Crowd
from faces.recognition.distances import People, require_dimension
from faces.recognition.gallery import is_nobody
from faces.recognition.impostors import Impostors
from faces.recognition.recognizers import FaceRecognizer, LabelEncoder, Recognizer
from faces.recognition.thresholds import Threshold
from faces.types import Fingerprint, Floats, Matches, ModelId

REMEDY = "run: faces train"
LABEL_ENCODER = "sklearn.preprocessing._label", "LabelEncoder"  # importing it takes longer than most trainings

FORMER_MODULES = {  # where the classes were when the package was flat: older files name these modules
    "faces.recognition.recognizers": "faces.recognizers",
    "faces.recognition.thresholds": "faces.recognizers",
    "faces.recognition.distances": "faces.people",
    "faces.recognition.classifiers": "faces.classifiers",
}


class RecipeRecognizer:
    """The recipe's pickle, a classifier with ``predict_proba``: without distances, it names every stranger."""

    def __init__(self, classifier: Any, names: Iterable[str]) -> None:
        self._classifier = classifier
        self._names = [str(name) for name in names]

    def identify(self, embeddings: Floats) -> Matches:
        """Return the matches as ``FaceRecognizer.identify``: all but its own strangers named, all distances NaN."""
        if len(embeddings) == 0:
            return Matches((), ())
        require_dimension(embeddings, self._classifier.n_features_in_)
        probability = np.asarray(self._classifier.predict_proba(embeddings))
        best = probability.argmax(axis=1)
        names = tuple(self._names[int(self._classifier.classes_[k])] for k in best)
        distance = np.full(len(names), np.nan, np.float32)
        known = tuple(None if is_nobody(name) else name for name in names)
        return Matches(known, names, probability.max(axis=1).astype(np.float32), distance)

    def match_probability(self, embeddings: Floats, names: Sequence[str], prior: float = 0.5) -> Floats:
        """Return NaN (N,): without distances it is unknown."""
        return np.full(len(embeddings), np.nan, np.float32)

    def candidates(self, embeddings: Floats) -> Candidates:
        """Return the most probable people of probes (N, D); who is less probable than by chance does not pass."""
        require_dimension(embeddings, self._classifier.n_features_in_)
        labels = np.array([self._names[int(k)] for k in self._classifier.classes_])
        shape = len(embeddings), len(labels)
        probability = np.asarray(self._classifier.predict_proba(embeddings)) if len(embeddings) else np.zeros(shape)
        people = nearest(-probability, probability.argmax(axis=1))
        probability = np.take_along_axis(probability, people, axis=1)
        distance, cost = np.full(people.shape, np.nan, np.float32), 1 - probability
        limit = np.maximum(1 - 1 / len(labels), cost[:, 0])  # the most probable is always named
        return Candidates(labels[people], probability.astype(np.float32), distance, cost, limit)


def save(recognizer: FaceRecognizer, recognizer_path: Path, le_path: Path) -> None:
    """Write the recognizer, and its people as a LabelEncoder of scikit-learn's. Raises FacesError."""
    labels: dict[str, object] = {"classes_": recognizer.names_, "_sklearn_version": version("scikit-learn")}
    if recognizer.fingerprint_ is not None:
        labels["fingerprint_"] = recognizer.fingerprint_.to_dict()
    pickles.dump(recognizer_path, recognizer)
    pickles.dump_as(le_path, *LABEL_ENCODER, labels)


def load(recognizer_path: Path, le_path: Path, fingerprint: Fingerprint) -> tuple[Recognizer, list[str]]:
    """Read what ``save`` wrote, or the recipe's two pickles, and return the recognizer and warnings for the user.

    fingerprint: the models that make the probes.
    Raises PickleError for other files, and FingerprintError when the two do not belong together or other models made
    the recognizer's embeddings.
    """
    labels = _labels(le_path)
    parts = (FaceRecognizer, People, *CLASSIFIERS.values(), Threshold, Crowd, Impostors, Fingerprint, ModelId)
    own = {(cls.__module__, cls.__qualname__): cls for cls in parts}
    own |= {(FORMER_MODULES.get(module, module), name): cls for (module, name), cls in own.items()}
    classifier = pickles.load(recognizer_path, "a recognizer", REMEDY, {**pickles.ARRAYS, **pickles.CLASSIFIERS, **own})
    try:
        return _checked(classifier, labels, recognizer_path, le_path, fingerprint)
    except FacesError:
        raise
    except Exception as error:  # parts of any type and shape, of which scikit-learn makes anything
        problem = f"its parts do not fit together ({type(error).__name__})"
        raise PickleError(f"{recognizer_path}: damaged: {problem}; {REMEDY}") from error


def _checked(
    classifier: Any, labels: LabelEncoder, recognizer_path: Path, le_path: Path, fingerprint: Fingerprint
) -> tuple[Recognizer, list[str]]:
    """Return what ``load`` returns once the recognizer has named a face. Raises anything if its parts do not fit."""
    if isinstance(classifier, FaceRecognizer) and hasattr(classifier, "threshold_"):  # fit sets it last
        classifier.require(fingerprint, labels)
        wholeness.require_whole(classifier)
        warnings = []
        if classifier.fingerprint_ is None:
            warnings.append(f"{recognizer_path} does not say which models made its embeddings; they are not checked")
        if classifier.crowd_ is None and classifier.fingerprint_ is not None and classifier.threshold is None:
            warnings.append(
                f"{recognizer_path} was trained by an older version: its threshold does not hold alike for all groups"
                f" of people; {REMEDY}"
            )
        return classifier, warnings
    if not hasattr(classifier, "predict_proba") or len(getattr(classifier, "classes_", ())) != len(labels.classes_):
        raise PickleError(f"{recognizer_path}: not a recognizer that goes with {le_path}; {REMEDY}")
    warning = f"{recognizer_path} is the recipe's: it has no distances, so it names every stranger; {REMEDY}"
    recognizer = RecipeRecognizer(classifier, labels.classes_)
    wholeness.require_answers(recognizer, np.eye(1, classifier.n_features_in_, dtype=np.float32))
    return recognizer, [warning]


def made_by(le_path: Path) -> Fingerprint | None:
    """Return the models that a label encoder's recognizer was trained with; None if unknown. Raises PickleError."""
    return _fingerprint(le_path, _labels(le_path).fingerprint_)


def models_of(path: Path) -> Fingerprint | None:
    """Return the models of an embeddings file or a label encoder; None if it is not there or does not name them.

    Raises PickleError for another file.
    """
    if not path.exists():
        return None
    try:
        content = encodings.as_gallery(_read_labels(path))
    except (TypeError, ValueError) as error:
        raise PickleError(f"{path}: not embeddings ({error}); {REMEDY}") from error
    models = content.get("fingerprint") if isinstance(content, dict) else getattr(content, "fingerprint_", None)
    return _fingerprint(path, models)


def _fingerprint(path: Path, models: Any) -> Fingerprint | None:
    try:
        return Fingerprint.from_dict(models) if models else None
    except (KeyError, TypeError, AttributeError) as error:
        raise PickleError(f"{path}: does not name its models ({type(error).__name__}); {REMEDY}") from error


def _read_labels(path: Path) -> Any:
    return pickles.load(path, "a label encoder", REMEDY, {**pickles.ARRAYS, LABEL_ENCODER: LabelEncoder})


def _labels(le_path: Path) -> LabelEncoder:
    labels = _read_labels(le_path)
    if isinstance(labels, LabelEncoder) and _are_texts(getattr(labels, "classes_", None)):
        return labels
    raise PickleError(f"{le_path}: not a label encoder; {REMEDY}")


def _are_texts(values: Any) -> bool:
    return np.ndim(values) == 1 and all(isinstance(value, str) for value in np.asarray(values).tolist())
