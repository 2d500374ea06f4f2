"""Whether eyes and mouth are open, from the mesh: the height of the opening, seen from the front.

The eye's is a share of its width, the eye aspect ratio of Soukupova and Cech (Computer Vision Winter Workshop 2016);
the mouth's a share of the distance between the outer corners of the eyes, since a smile changes the mouth's width.
The thresholds are measured (python -m benchmarks.mesh --part mouth, --part eyes): the mesh follows the lips well, and
the eyelids badly, so that many closed eyes count as open (docs/landmarks.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.landmarks.mesh import LEFT_EYE, RIGHT_EYE, Meshes
from faces.landmarks.pose import seen_from_the_front
from faces.types import Floats

Pairs = tuple[tuple[int, int], ...]
LIDS: tuple[tuple[Pairs, tuple[int, int]], ...] = (  # right eye, left eye: upper and lower lid, and the corners
    (((160, 144), (159, 145), (158, 153)), (33, 133)),
    (((387, 373), (386, 374), (385, 380)), (263, 362)),
)
LIPS: Pairs = ((82, 87), (13, 14), (312, 317))  # upper and lower, the inner edges
OPEN_EYE, OPEN_MOUTH = 0.2, 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """How far eyes and mouth of N >= 0 faces are open: shares, NaN if unknown.

    eyes: float32 (N, 2), the subject's right eye and left eye: height through width.
    mouth: float32 (N,), between the lips: height through the distance between the eyes' outer corners.
    """

    eyes: Floats
    mouth: Floats

    @property
    def eyes_open(self) -> list[tuple[bool | None, bool | None]]:
        """Whether the right and the left eye are open; None if unknown."""
        return [(_reaches(right, OPEN_EYE), _reaches(left, OPEN_EYE)) for right, left in self.eyes]

    @property
    def mouth_open(self) -> list[bool | None]:
        """Whether the lips are apart; None if unknown."""
        return [_reaches(opening, OPEN_MOUTH) for opening in self.mouth]


def openings(meshes: Meshes) -> Openings:
    """Return how far eyes and mouth of N >= 0 faces are open."""
    points = seen_from_the_front(meshes)
    eyes = [_height(points, pairs) / _width(points, *corners) for pairs, corners in LIDS]
    mouth = _height(points, LIPS) / _width(points, RIGHT_EYE, LEFT_EYE)
    return Openings(np.stack(eyes, axis=1).astype(np.float32), mouth.astype(np.float32))


def _height(points: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """Return the mean height between upper and lower points: (N,); 0 if the lower ones are above."""
    upper, lower = np.array(pairs).T
    return np.asarray(np.maximum((points[:, lower, 1] - points[:, upper, 1]).mean(axis=1), 0))


def _width(points: NDArray[np.float64], one: int, other: int) -> NDArray[np.float64]:
    return np.asarray(np.maximum(np.abs(points[:, one, 0] - points[:, other, 0]), 1e-6))


def _reaches(value: float, threshold: float) -> bool | None:
    return None if np.isnan(value) else bool(value >= threshold)
