"""Match detected faces to tracks.

The Hungarian method minimizes a cost of overlap, and of embedding distance where overlap alone is ambiguous: where
people cross, and where somebody returns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.predictor import Attributes
from faces.crops import sharpness
from faces.geometry import iou, pixels_around
from faces.pipeline import Pipeline
from faces.recognition.thresholds import distance_at
from faces.types import Faces, Floats, Image
from faces.video.motion import GreyFrame
from faces.video.tracks import Frame
from faces.video.votes import CLEAR_QUALITY, Sample, quality

SAME_FAR, DIFFERENT_FAR = 1e-3, 1e-1  # false accept rates: a closer face is the same person, a farther one is not
CANDIDATE_IOU, MATCH_IOU = 0.1, 0.3  # a face may be the track's; a face is the track's if no other may be
SEARCH_RADIUS = 2.0  # face sizes around the place where a track was lost
NO_DISTANCE_COST = 0.5  # if an embedding is missing: as much as an embedding distance that decides nothing
UNCONFIRMED_COST = 1.0  # so that somebody who returns is preferred to a track that is not confirmed
LOWEST_PRIORITY = 1e-6  # s
FORBIDDEN_COST = 1e6
PICTURE_MARGIN = 0.6  # around a face in its photograph, as a share of the face's size, on every side


@dataclass(frozen=True, slots=True)
class TrackerState:
    """The M tracks at a frame, as matching needs them; parallel arrays.

    scene: number of the scene, counted by cuts.
    keys: the tracks' keys.
    xyxy: float32 (M, 4), px.
    followed: bool (M,), followed without a gap since the last detection.
    confirmed: bool (M,), detected more than once.
    priority: float64 (M,), s since the track's last embedding; 0 if no further embedding is due.
    means: M mean embeddings (D,), or None.
    """

    scene: int
    keys: tuple[int, ...]
    xyxy: Floats
    followed: NDArray[np.bool_]
    confirmed: NDArray[np.bool_]
    priority: NDArray[np.float64]
    means: tuple[Floats | None, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """The N faces detected in a frame, and the track of each.

    state: the tracks when the frame was taken.
    partners: N track keys, None for a face without a track.
    samples: the embedded faces, by their index.
    """

    frame: Frame
    grey: GreyFrame
    state: TrackerState
    faces: Faces
    partners: tuple[int | None, ...]
    samples: dict[int, Sample]


class Associator:
    """Match detected faces to tracks, and embed those that need it.

    threshold: the recognizer's distance, for embedders without measured operating points.
    max_embedded: faces to embed per frame, at most.
    attributes: predicts the attributes of the embedded faces.
    """

    def __init__(
        self, pipeline: Pipeline, threshold: float, max_embedded: int, attributes: Attributes | None = None
    ) -> None:
        self._pipeline = pipeline
        self._attributes = attributes
        self._max_embedded = max_embedded
        points = pipeline.embedder.spec.operating_points
        self._same = distance_at(points, SAME_FAR, threshold)
        self._different = distance_at(points, DIFFERENT_FAR, 1.2 * threshold)

    def assign(self, frame: Frame, grey: GreyFrame, faces: Faces, state: TrackerState) -> Assignment:
        """Match the faces detected in a frame to the tracks at that frame.

        faces: as ``Pipeline.candidates`` returns them. Those that turn out to be no faces when they are embedded are
        left out, as if they had not been detected.
        """
        overlap = np.array([iou(box, faces.xyxy) for box in state.xyxy], np.float32).reshape(
            len(state.keys), len(faces)
        )
        within_reach = _centre_distances(state.xyxy, faces.xyxy) <= SEARCH_RADIUS
        candidate = (overlap >= CANDIDATE_IOU) | (~state.followed[:, None] & within_reach)
        unambiguous = (candidate & (overlap >= MATCH_IOU) & state.followed[:, None]) & (candidate.sum(axis=0) == 1)
        unambiguous &= candidate.sum(axis=1, keepdims=True) == 1
        samples, kept = self._samples(frame.image, faces, _priorities(candidate, unambiguous, state))
        faces, overlap = faces[kept], overlap[:, kept]
        candidate, unambiguous = candidate[:, kept], unambiguous[:, kept]
        cost = np.where(candidate, 1 - overlap, FORBIDDEN_COST)
        for row, column in zip(*np.nonzero(candidate), strict=True):
            in_place = bool(state.followed[row]) and bool(overlap[row, column] >= CANDIDATE_IOU)
            cost[row, column] += 0 if state.confirmed[row] else UNCONFIRMED_COST
            cost[row, column] += self._embedding_cost(state.means[row], samples.get(int(column)), in_place)
        pairs = cheapest_pairs(cost) if (candidate & ~unambiguous).any() else np.nonzero(unambiguous)
        partners: list[int | None] = [None] * len(faces)
        for row, column in zip(*pairs, strict=True):
            if cost[row, column] < FORBIDDEN_COST:
                partners[column] = state.keys[row]
        return Assignment(frame=frame, grey=grey, state=state, faces=faces, partners=tuple(partners), samples=samples)

    def _embedding_cost(self, mean: Floats | None, sample: Sample | None, in_place: bool) -> float:
        """Return the distance between a track and a face, or ``FORBIDDEN_COST``.

        in_place: whether the face is where the track is, which counts in its favour.
        """
        if mean is None or sample is None or (sample.quality < CLEAR_QUALITY and not in_place):
            return NO_DISTANCE_COST if in_place else FORBIDDEN_COST
        distance = float(np.linalg.norm(mean - sample.embedding))
        return distance if distance <= (self._different if in_place else self._same) else FORBIDDEN_COST

    def _samples(self, image: Image, faces: Faces, priority: Floats) -> tuple[dict[int, Sample], NDArray[np.bool_]]:
        """Embed the faces of highest priority, at most ``max_embedded``: new ones, and others that are good enough.

        Returns the samples of good faces, by their index among the kept ones, and which faces are kept, bool (N,): all
        but those that were embedded and are no faces. A new face is embedded however bad it is, so that what is no face
        starts no track.
        """
        wanted = np.argsort(-priority, kind="stable")[: np.count_nonzero(priority)]
        kept = np.ones(len(faces), np.bool_)
        if len(wanted) == 0:
            return {}, kept
        crop = self._pipeline.embedder.aligner.crop
        sharp = np.array([sharpness(each) for each in crop(image, faces[wanted])], np.float32)
        qualities = quality(faces[wanted], sharp)
        is_new = np.isinf(priority[wanted]) & self._pipeline.has_check
        embedded = np.flatnonzero((qualities > 0) | is_new)[: self._max_embedded]
        refined = self._pipeline.refine(image, faces[wanted[embedded]])
        embeddings, is_face = self._pipeline.embed_crops(crop(image, refined), refined.score)
        kept[wanted[embedded[~is_face]]] = False
        usable = is_face & (qualities[embedded] > 0)
        embedded, embeddings = embedded[usable], embeddings[usable]
        rows, index = wanted[embedded], np.cumsum(kept) - 1
        answers = None if self._attributes is None else self._attributes.of(image, faces[rows], embeddings)
        return {
            int(index[row]): Sample(
                float(qualities[k]),
                embedding,
                face_picture(image, faces.xyxy[row]),
                None if answers is None else answers[number : number + 1],
            )
            for number, (k, row, embedding) in enumerate(zip(embedded, rows, embeddings, strict=True))
        }, kept


def _priorities(candidate: NDArray[np.bool_], unambiguous: NDArray[np.bool_], state: TrackerState) -> Floats:
    """Return how urgently each face is to be embedded, (N,): new faces first, ambiguous ones last; 0 for not at all.

    candidate, unambiguous: bool (M, N), the tracks that each face may belong to, and certainly belongs to.
    """
    followed = candidate & state.followed[:, None]
    priority = np.where(followed, state.priority[:, None], 0).max(axis=0, initial=0)
    priority = np.where(unambiguous.any(axis=0), priority, np.maximum(priority, LOWEST_PRIORITY))
    return np.where(followed.any(axis=0), priority, np.inf)


def face_picture(image: Image, box: Floats) -> Image:
    """Return a copy of a face with a margin, in which the face can be detected again."""
    left, top, right, bottom = pixels_around(box, PICTURE_MARGIN * box_size(box), *image.shape[1::-1])
    return np.array(image[top:bottom, left:right], np.uint8)


def cheapest_pairs(cost: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns paired at the least total cost (Kuhn, Naval Research Logistics Quarterly, 1955)."""
    from scipy.optimize import linear_sum_assignment  # takes most of a second to import

    rows, columns = linear_sum_assignment(cost)
    return np.asarray(rows, np.intp), np.asarray(columns, np.intp)


def _centre_distances(boxes: Floats, others: Floats) -> Floats:
    """Return the distances of box centres (M, 4) to others' (N, 4), in sizes of the larger box: float32 (M, N)."""
    offsets = (boxes[:, None, :2] + boxes[:, None, 2:] - others[None, :, :2] - others[None, :, 2:]) / 2
    sizes = np.maximum((boxes[:, 2:] - boxes[:, :2]).max(axis=1)[:, None], (others[:, 2:] - others[:, :2]).max(axis=1))
    return np.asarray(np.linalg.norm(offsets, axis=2) / np.maximum(sizes, 1e-6), np.float32)


def box_size(box: Floats) -> float:
    """Return the square root of a box's area, px; 0 for an empty box."""
    return float(np.sqrt(max(box[2] - box[0], 0) * max(box[3] - box[1], 0)))
