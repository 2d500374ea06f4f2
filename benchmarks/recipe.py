"""The recipe as published, to compare with: one photograph at a time through OpenCV, then an SVC of all of them.

python -m benchmarks.recipe EMBEDDER DATASET      both of its first two scripts, on a folder per person

The detector is the Res10 SSD. The embedder is a .t7 file of nn4.small2's layers: with random weights it costs the same.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterable, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import cv2
import imutils
import numpy as np

from faces.cli import running
from faces.errors import ModelError
from faces.files.finding import find_images
from faces.types import Floats

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
SSD = [MODELS / f"opencv_face_detector{suffix}" for suffix in ("_uint8.pb", ".pbtxt")]
WIDTH = 600  # px
CONFIDENCE, SMALLEST_FACE = 0.5, 20


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embedder", type=Path)
    parser.add_argument("dataset", type=Path)
    args = parser.parse_args(argv)
    found = Recipe(args.embedder).embed(find_images(args.dataset))
    train(list(found.values()), [path.parent.name for path in found])
    return 0


def missing() -> str:
    """Why the recipe cannot be run here, or nothing."""
    if not hasattr(cv2.dnn, "readNetFromTorch"):
        return f"OpenCV {cv2.__version__} reads no .t7 files; pip install 'opencv-python<5'"
    return "".join(f"{path} is not here; " for path in SSD if not path.is_file())


class Recipe:
    """Its two networks. Raises ModelError when they cannot be had here."""

    def __init__(self, embedder: Path) -> None:
        if reason := missing():
            raise ModelError(f"the recipe cannot be run: {reason}")
        self._detector = cv2.dnn.readNetFromTensorflow(*map(str, SSD))
        self._embedder = cv2.dnn.readNetFromTorch(str(embedder))

    def embed(self, paths: Iterable[Path]) -> dict[Path, Floats]:
        """The embedding (128,) of each photograph's surest face; those without one are left out."""
        embedded = ((path, self._embed(path)) for path in paths)
        return {path: embedding for path, embedding in embedded if embedding is not None}

    def _embed(self, path: Path) -> Floats | None:
        image = cv2.imread(str(path))
        assert image is not None
        image = imutils.resize(image, width=WIDTH)
        blob = cv2.dnn.blobFromImage(cv2.resize(image, (300, 300)), 1.0, (300, 300), (104.0, 177.0, 123.0))
        self._detector.setInput(blob)
        rows = self._detector.forward()[0, 0]
        best = rows[rows[:, 2].argmax()]
        size = np.tile(image.shape[1::-1], 2)
        x1, y1, x2, y2 = np.clip(best[3:] * size, 0, size).astype(int)
        face = image[y1:y2, x1:x2]
        if best[2] < CONFIDENCE or min(face.shape[:2]) < SMALLEST_FACE:
            return None
        self._embedder.setInput(cv2.dnn.blobFromImage(face, 1.0 / 255, (96, 96), (0, 0, 0), swapRB=True, crop=False))
        return np.asarray(self._embedder.forward(), np.float32).ravel()


def train(embeddings: Sequence[Floats] | Floats, names: Sequence[str]) -> object:
    """The recipe's classifier, fitted anew to everything, or None of fewer than two people."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.preprocessing import LabelEncoder
    from sklearn.svm import SVC

    if len(set(names)) < 2:
        return None
    options: dict[str, Any] = {"C": 1.0, "kernel": "linear"}
    if "probability" in signature(SVC).parameters:
        classifier = SVC(**options, probability=True)
    else:  # from scikit-learn 1.11 on; what it names as the equal
        classifier = CalibratedClassifierCV(SVC(**options), ensemble=False)
    with warnings.catch_warnings():  # of the option's end, and of people with one photograph
        warnings.simplefilter("ignore")
        return classifier.fit(np.asarray(embeddings), LabelEncoder().fit_transform(names))


if __name__ == "__main__":
    running.run(main)
