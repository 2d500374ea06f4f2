"""Which face that a look at a frame has found is whose: the looks' side of tracking.

By the Hungarian method, on overlap, and on embeddings where overlap alone could be wrong: where people cross, and
where somebody has come back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.predictor import Attributes
from faces.geometry import iou, pixels_around
from faces.pipeline import Pipeline, sharpness
from faces.recognition.thresholds import distance_at
from faces.types import Faces, Floats, Image
from faces.video.motion import Grey
from faces.video.tracks import Frame
from faces.video.votes import CLEAR, Sample, quality

SAME_FAR, DIFFERENT_FAR = 1e-3, 1e-1  # rates at which two faces nearer are one person, and farther are two
NEAR, OVERLAPPING = 0.1, 0.3  # IoU: that a face may be a track's, and that it is if no other may
REACH = 2.0  # sizes of a face: how far from where it was lost somebody is looked for
UNTOLD = 0.5  # the cost of not having both embeddings: as a distance that says nothing
PROVISIONAL = 1.0  # the cost of being a track that is not confirmed, while somebody who is missed may have come back
SOME = 1e-6  # s
FORBIDDEN = 1e6
SURROUNDINGS = 0.6  # of a face's size, that a picture of it has on every side


@dataclass(frozen=True, slots=True)
class State:
    """The M tracks in a frame, as a look needs to know them; parallel arrays.

    scene: which one, counted by cuts. sure: bool (M,), followed without a gap since the last look found it.
    confirmed: bool (M,), found more than once. waiting: float64 (M,), s since a face of it was embedded, 0 where no
    other is wanted.
    means: M mean embeddings (D,), or None.
    """

    scene: int
    keys: tuple[int, ...]
    xyxy: Floats
    sure: NDArray[np.bool_]
    confirmed: NDArray[np.bool_]
    waiting: NDArray[np.float64]
    means: tuple[Floats | None, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at a frame has found. partners: the track of each face, or None. samples: by the face's index."""

    frame: Frame
    grey: Grey
    state: State
    faces: Faces
    partners: tuple[int | None, ...]
    samples: dict[int, Sample]


class Association:
    """Finds out whose faces are.

    threshold: the distance that the recognizer goes by, for embedders whose operating points were never measured.
    most: faces, at most, that are embedded in one look. attributes: what these faces are asked, too.
    """

    def __init__(self, pipeline: Pipeline, threshold: float, most: int, attributes: Attributes | None = None) -> None:
        self._pipeline = pipeline
        self._attributes = attributes
        self._most = most
        points = pipeline.embedder.spec.operating_points
        self._same = distance_at(points, SAME_FAR, threshold)
        self._different = distance_at(points, DIFFERENT_FAR, 1.2 * threshold)

    def sight(self, frame: Frame, grey: Grey, faces: Faces, state: State) -> Sighting:
        """Whose the faces of a frame are, whose tracks were as ``state`` says."""
        overlap = np.array([iou(box, faces.xyxy) for box in state.xyxy], np.float32).reshape(
            len(state.keys), len(faces)
        )
        near = (overlap >= NEAR) | (~state.sure[:, None] & (_apart(state.xyxy, faces.xyxy) <= REACH))
        plain = (near & (overlap >= OVERLAPPING) & state.sure[:, None]) & (near.sum(axis=0) == 1)
        plain &= near.sum(axis=1, keepdims=True) == 1
        mine = near & state.sure[:, None]
        waiting = np.where(mine, state.waiting[:, None], 0).max(axis=0, initial=0)
        waiting = np.where(plain.any(axis=0), waiting, np.maximum(waiting, SOME))  # the unclear, if there is room
        waiting = np.where(mine.any(axis=0), waiting, np.inf)  # those who are new first
        samples = self._samples(frame.image, faces, waiting)
        cost = np.where(near, 1 - overlap, FORBIDDEN)
        for row, column in zip(*np.nonzero(near), strict=True):
            followed = bool(state.sure[row]) and bool(overlap[row, column] >= NEAR)
            cost[row, column] += 0 if state.confirmed[row] else PROVISIONAL
            cost[row, column] += self._doubt(state.means[row], samples.get(int(column)), followed)
        pairs = cheapest(cost) if (near & ~plain).any() else np.nonzero(plain)
        partners: list[int | None] = [None] * len(faces)
        for row, column in zip(*pairs, strict=True):
            if cost[row, column] < FORBIDDEN:
                partners[column] = state.keys[row]
        return Sighting(frame, grey, state, faces, tuple(partners), samples)

    def _doubt(self, mean: Floats | None, sample: Sample | None, followed: bool) -> float:
        """What speaks against a face being somebody's; followed: its place speaks for it."""
        if mean is None or sample is None or (sample.quality < CLEAR and not followed):
            return UNTOLD if followed else FORBIDDEN
        distance = float(np.linalg.norm(mean - sample.embedding))
        return distance if distance <= (self._different if followed else self._same) else FORBIDDEN

    def _samples(self, image: Image, faces: Faces, waiting: Floats) -> dict[int, Sample]:
        """By their indices: of the faces waited for that tell anything, the ``most`` longest waited for."""
        wanted = np.argsort(-waiting, kind="stable")[: np.count_nonzero(waiting)]
        if len(wanted) == 0:
            return {}
        crops = self._pipeline.embedder.aligner.crop(image, faces[wanted])
        good = quality(faces[wanted], np.array([sharpness(crop) for crop in crops], np.float32))
        best = np.flatnonzero(good > 0)[: self._most]
        embeddings = self._pipeline.embedder.embed(crops[best])
        answers = None if self._attributes is None else self._attributes.of(image, faces[wanted[best]], embeddings)
        return {
            int(wanted[k]): Sample(
                float(good[k]),
                embedding,
                surroundings(image, faces.xyxy[wanted[k]]),
                None if answers is None else answers[row : row + 1],
            )
            for row, (k, embedding) in enumerate(zip(best, embeddings, strict=True))
        }


def surroundings(image: Image, box: Floats) -> Image:
    """A copy of a face and what is around it, from which it can be found again."""
    left, top, right, bottom = pixels_around(box, SURROUNDINGS * size(box), *image.shape[1::-1])
    return np.array(image[top:bottom, left:right], np.uint8)


def cheapest(cost: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns that go together at the least cost in all (Kuhn, Naval Research Logistics Quarterly, 1955)."""
    from scipy.optimize import linear_sum_assignment  # takes most of a second to import

    rows, columns = linear_sum_assignment(cost)
    return np.asarray(rows, np.intp), np.asarray(columns, np.intp)


def _apart(boxes: Floats, others: Floats) -> Floats:
    """float32 (M, N): from the middles of boxes (M, 4) to those of others (N, 4), in sizes of the larger one."""
    middles = (boxes[:, None, :2] + boxes[:, None, 2:] - others[None, :, :2] - others[None, :, 2:]) / 2
    sizes = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1)[:, None], (others[:, 2:] - others[:, :2]).max(axis=1))
    return np.asarray(np.linalg.norm(middles, axis=2) / np.maximum(sizes, 1e-6), np.float32)


def size(box: Floats) -> float:
    return float(np.sqrt(max(box[2] - box[0], 0) * max(box[3] - box[1], 0)))
