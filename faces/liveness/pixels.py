"""Presentation attack detection by Silent-Face's two networks (minivision-ai/Silent-Face-Anti-Spoofing, Apache-2.0)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faces.liveness.squares import around, has_enough_around
from faces.models import conversion, zoo
from faces.models.engine import Engine, OnnxEngine
from faces.types import Faces, Floats, Image

SCALES = {"minifasnet-v2": 2.7, "minifasnet-v1se": 4.0}  # times that the box is enlarged, by the row of the model table
SIDE = 80  # px of the networks' input
LIVE = 1  # their class of live faces; 0 and 2 are attacks
BATCH_FACES = 32  # in one call: more take memory and are no faster
THRESHOLD = 0.084
"""Least probability of a live face: the least at which at most 1 % of NUAA's 399 pictures of printed photographs pass.

python -m benchmarks.liveness errors; docs/liveness.md has what was measured.
"""


class PixelLiveness:
    """Judges from one picture whether faces are alive; may be called from several threads at once.

    networks: each with the times that a box is enlarged for it. It takes float32 (N, 3, 80, 80), BGR from 0 to 255, and
    returns probabilities, float32 (N, 3).
    """

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
        live = np.full(len(faces), np.nan, np.float32)
        known = np.flatnonzero(has_enough_around(faces.xyxy, *image.shape[:2]))
        for start in range(0, len(known), BATCH_FACES):
            batch = known[start : start + BATCH_FACES]
            live[batch] = np.mean(
                [self._probability(image, faces.xyxy[batch], *network) for network in self._networks], axis=0
            )
        return live

    def _probability(self, image: Image, boxes: Floats, engine: Engine, scale: float) -> Floats:
        squares = np.stack([around(image, box, scale, SIDE) for box in boxes])
        blob = np.ascontiguousarray(squares.transpose(0, 3, 1, 2), np.float32)
        return np.asarray(engine.run(blob)[0][:, LIVE], np.float32)
