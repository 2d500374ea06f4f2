"""Who a track is: the votes of the best few faces that were seen of it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import AVERAGED_FRAMES, Answers
from faces.embedding.embedders import unit
from faces.pipeline import LEAST_SHARPNESS, SMALLEST_FACE
from faces.recognition.recognizers import Recognizer
from faces.types import Faces, Floats, Image

LARGE, SHARP = 100.0, 15.0  # px, and variance of the Laplacian: from there on a better face helps little
CLEAR = 0.2  # quality: the embeddings of lesser faces are near to each other, whoever they are
KEPT = 5  # faces of a track
QUORUM = 3  # of them, before a name is shown
MAJORITY = 2 / 3  # of the votes, each as strong as its face is good
APART = 0.25  # s between two of them: the next frame's face is nearly the same picture, and says nothing new
AGAIN = 2.0  # s, after which somebody whose name is settled is looked at again


@dataclass(frozen=True, slots=True)
class Sample:
    """A face of a track. quality: in [0, 1]. embedding: float32 (D,). picture: it and what is around it.

    answers: of one face, what it looks like; None where nobody asks.
    """

    quality: float
    embedding: Floats
    picture: Image
    answers: Answers | None = None


def quality(faces: Faces, sharpness: Floats) -> Floats:
    """float32 (N,), in [0, 1]: how much faces with landmarks will tell, by size, sharpness and frontality; 0: nothing.

    sharpness: (N,), of their crops, see ``pipeline.sharpness``.
    """
    usable = (faces.sizes >= SMALLEST_FACE) & (sharpness >= LEAST_SHARPNESS)
    good = np.minimum(faces.sizes / LARGE, 1) * sharpness / (sharpness + SHARP) * frontality(faces)
    return np.asarray(np.where(usable, good, 0), np.float32)


def frontality(faces: Faces) -> Floats:
    """float32 (N,): 1 where the nose is midway between the eyes, 0 where it is beside one of them."""
    if faces.landmarks is None:
        return np.ones(len(faces), np.float32)
    points = faces.landmarks
    if faces.scheme == "eye-corners":
        right, left, nose = points[:, :2].mean(axis=1), points[:, 2:4].mean(axis=1), points[:, 4]
    else:
        right, left, nose = points[:, 0], points[:, 1], points[:, 2]
    across = left - right
    along = ((nose - right) * across).sum(axis=1) / np.maximum((across**2).sum(axis=1), 1e-6)
    return np.asarray(1 - np.minimum(2 * np.abs(along - 0.5), 1), np.float32)


class Identity:
    """Who somebody is, so far.

    settled: whether that is decided; then name, None for unknown. probability, distance: NaN until then.
    mean: float32 (D,), unit length, of the best faces; None before the first.
    answers: of one face, what the last few looked like on average; None where nobody asks, or before the first.
    """

    def __init__(self) -> None:
        self.settled = False
        self.name: str | None = None
        self.probability = self.distance = float("nan")
        self.mean: Floats | None = None
        self.answers: Answers | None = None
        self._looks: deque[Answers] = deque(maxlen=AVERAGED_FRAMES)
        self._samples: list[Sample] = []  # best first
        self._asked = float("-inf")

    def waiting(self, time: float) -> float:
        """s since a face of it was embedded; 0 while another is not wanted."""
        since = time - self._asked
        return 0.0 if since < (AGAIN if self.settled else APART) else since

    @property
    def best(self) -> Sample | None:
        """The best face."""
        return self._samples[0] if self._samples else None

    def add(self, sample: Sample, time: float, recognizer: Recognizer) -> None:
        """Take another face into account; all votes are cast anew, since people may have been enrolled meanwhile."""
        self._asked = time
        if sample.answers is not None:
            self._looks.append(sample.answers)
            self.answers = Answers.averaged(self._looks)
        self._samples = sorted([*self._samples, sample], key=lambda each: -each.quality)[:KEPT]
        embeddings = np.stack([each.embedding for each in self._samples])
        self.mean = unit(embeddings.mean(axis=0, keepdims=True))[0]
        matches = recognizer.identify(embeddings)
        weights = np.array([each.quality for each in self._samples])
        votes: dict[str | None, float] = defaultdict(float)
        for name, weight in zip(matches.names, weights, strict=True):
            votes[name] += weight
        leader = max(votes, key=votes.__getitem__)
        if len(self._samples) >= QUORUM and votes[leader] >= MAJORITY * weights.sum():
            self.settled, self.name = True, leader
        if self.settled:
            mine: NDArray[np.bool_] = np.array([name == self.name for name in matches.names])
            if mine.any():
                self.probability = float(np.average(matches.probability[mine], weights=weights[mine]))
                self.distance = float(np.average(matches.distance[mine], weights=weights[mine]))
