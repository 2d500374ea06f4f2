"""Presentation attack detection by a network of ``faces train-classifier --liveness``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from faces.errors import ModelError
from faces.liveness.squares import blob, judged
from faces.models.engine import OnnxEngine
from faces.types import Faces, Floats, Image

FILE = "liveness.onnx"
CUT = "around"  # the inputs are the parts of a picture around faces
LIVE = "live"  # the output


class TrainedLiveness:
    """Judges from one picture whether faces are alive; may be called from several threads at once.

    path: an ``.onnx`` file whose metadata has the scale of each input, its side and the threshold.
    threads: as for ``OnnxEngine``.
    threshold: least probability of a face that counts as alive.
    Raises ModelError if the file is missing or is not such a network.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self._engine = OnnxEngine(path, threads)
        try:
            about = json.loads(self._engine.metadata["faces"])
            self.threshold, self._side = float(about["threshold"]), int(about["side"])
            self._scales = {str(name): float(scale) for name, scale in about["scales"].items()}
            is_one = about["cut"] == CUT and sorted(self._scales) == sorted(self._engine.input_names)
        except (KeyError, TypeError, ValueError, AttributeError):
            is_one = False
        if not is_one:
            raise ModelError(
                f"{path}: not a network that judges liveness; train one with: faces train-classifier --liveness"
            )

    def of(self, image: Image, faces: Faces) -> Floats:
        """Return how probably each of N >= 0 faces is alive: float32 (N,); as ``PixelLiveness.of``."""

        def probability(boxes: Floats) -> Floats:
            inputs = {name: blob(image, boxes, scale, self._side) for name, scale in self._scales.items()}
            return np.asarray(self._engine.run(inputs)[0][:, 0], np.float32)

        return judged(image, faces, probability)
