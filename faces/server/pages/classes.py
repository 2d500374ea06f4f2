"""The classifier of pictures: loaded when it is first asked for, and anew when there is another file."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from faces.errors import ModelError
from faces.files.identity import identity
from faces.image_classifier import ImageClassifier, Verdict, decide
from faces.types import Image

THRESHOLD = 0.85  # a class is named when its probability is above; of two, the other when it is below 1 - this
NAMES = "classes.json"  # beside the model


class Classes:
    """What ``faces train-classifier`` made, in a file that may not be there yet. Used from several threads at once."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self._loaded: tuple[object, ImageClassifier] | None = None
        self._lock = Lock()

    def names(self) -> tuple[str, ...]:
        """Raises ModelError, as ``decide``, where there is no such file, or it is no classifier."""
        return self._classifier().classes

    def decide(self, image: Image) -> Verdict:
        classifier = self._classifier()
        return decide(classifier.classes, classifier.probabilities([image])[0], THRESHOLD)

    def _classifier(self) -> ImageClassifier:
        beside = self.model.with_name(NAMES)
        with self._lock:
            state = identity(self.model), identity(beside)
            if state[0] is None:
                self._loaded = None
                raise ModelError(f"{self.model}: no such file")
            if self._loaded is None or self._loaded[0] != state:
                self._loaded = state, ImageClassifier(self.model, beside if state[1] else None)
            return self._loaded[1]
