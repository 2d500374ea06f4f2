"""The image classifier of the page Classify, loaded on first use and reloaded when its files change."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from faces.errors import ModelError
from faces.files.identity import identity
from faces.image_classifier import Classification, ImageClassifier, decide
from faces.types import Image

THRESHOLD = 0.85  # a class is named if its probability is above
CLASSES_FILE = "classes.json"  # beside the model


class PictureClassifier:
    """A classifier made by ``faces train-classifier``; its file may not exist yet. Thread-safe."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self._loaded: tuple[object, ImageClassifier] | None = None
        self._lock = Lock()

    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes. Raises ModelError if the file is missing or not a classifier."""
        return self._classifier().classes

    def decide(self, image: Image) -> Classification:
        """Classify an image. Raises ModelError if the file is missing or not a classifier."""
        classifier = self._classifier()
        return decide(classifier.classes, classifier.probabilities([image])[0], THRESHOLD)

    def _classifier(self) -> ImageClassifier:
        classes_file = self.model.with_name(CLASSES_FILE)
        with self._lock:
            state = identity(self.model), identity(classes_file)
            if state[0] is None:
                self._loaded = None
                raise ModelError(f"{self.model}: no such file")
            if self._loaded is None or self._loaded[0] != state:
                self._loaded = state, ImageClassifier(self.model, classes_file if state[1] else None)
            return self._loaded[1]
