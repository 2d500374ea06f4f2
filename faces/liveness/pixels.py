"""Presentation attack detection by Silent-Face's two networks (minivision-ai/Silent-Face-Anti-Spoofing, Apache-2.0)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faces.liveness.squares import blob, judged
from faces.models import conversion, zoo
from faces.models.engine import Engine, OnnxEngine
from faces.types import Faces, Floats, Image

SCALES = {"minifasnet-v2": 2.7, "minifasnet-v1se": 4.0}  # times that the box is enlarged, by the row of the model table
SIDE = 80  # px of the networks' input
LIVE = 1  # their class of live faces; 0 and 2 are attacks
THRESHOLD = 0.084
"""Least probability of a live face: the least at which at most 1 % of NUAA's 399 pictures of printed photographs pass.

python -m benchmarks.liveness errors; docs/liveness.md has what was measured.
"""


class PixelLiveness:
    """Judges from one picture whether faces are alive; may be called from several threads at once.

    networks: each with the times that a box is enlarged for it. It takes float32 (N, 3, 80, 80), BGR from 0 to 255, and
    returns probabilities, float32 (N, 3).
    threshold: least probability of a face that counts as alive.
    """

    threshold = THRESHOLD

    def __init__(self, networks: Sequence[tuple[Engine, float]]) -> None:
        self._networks = tuple(networks)

    @classmethod
    def load(cls, threads: int | None = None) -> PixelLiveness:
        """Load the two networks; raise ModelError as ``conversion.converted`` does.

        threads: within one network; by default the number of cores.
        """
        return cls(
            [(OnnxEngine(conversion.converted(zoo.MODELS[name]), threads), scale) for name, scale in SCALES.items()]
        )

    def of(self, image: Image, faces: Faces) -> Floats:
        """Return how probably each of N >= 0 faces is alive: float32 (N,) in [0, 1].

        It is the mean of the networks, and no share of faces: compare it with ``THRESHOLD``. NaN, cannot tell, for a
        face that is too small, cut off by the picture's edge, or so large that nothing is around it.
        image: uint8 (H, W, 3), BGR.
        faces: as a detector returns them; the thresholds were measured with YuNet's boxes.
        """

        def mean(boxes: Floats) -> Floats:
            answers = [engine.run(blob(image, boxes, scale, SIDE))[0][:, LIVE] for engine, scale in self._networks]
            return np.asarray(np.mean(answers, axis=0), np.float32)

        return judged(image, faces, mean)
