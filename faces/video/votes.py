"""Identify a track by the votes of its best faces."""

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

GOOD_SIZE, GOOD_SHARPNESS = 100.0, 15.0  # px, and variance of the Laplacian; better faces gain little
CLEAR_QUALITY = 0.2  # the embeddings of worse faces are close to each other, whoever they are
KEPT_SAMPLES = 5  # per track
QUORUM = 3  # samples needed before a name is shown
MAJORITY = 2 / 3  # of the votes, each weighted by its face's quality
SAMPLE_INTERVAL = 0.25  # s between two samples; the next frame's face is almost the same picture
SETTLED_INTERVAL = 2.0  # s between two samples of a track whose name is settled


@dataclass(frozen=True, slots=True)
class Sample:
    """An embedded face of a track.

    quality: in [0, 1].
    embedding: float32 (D,), unit length.
    picture: the face with a margin.
    answers: its attributes, for one face; None if not asked for.
    """

    quality: float
    embedding: Floats
    picture: Image
    answers: Answers | None = None


def quality(faces: Faces, sharpness: Floats) -> Floats:
    """Return how well faces can be recognized, by size, sharpness and frontality: float32 (N,), in [0, 1].

    0 means that a face is too small or too blurred.
    faces: with landmarks.
    sharpness: (N,), of their crops, from ``pipeline.sharpness``.
    """
    usable = (faces.sizes >= SMALLEST_FACE) & (sharpness >= LEAST_SHARPNESS)
    score = np.minimum(faces.sizes / GOOD_SIZE, 1) * sharpness / (sharpness + GOOD_SHARPNESS) * frontality(faces)
    return np.asarray(np.where(usable, score, 0), np.float32)


def frontality(faces: Faces) -> Floats:
    """Return 1 for a nose midway between the eyes, 0 for a nose beside one of them: float32 (N,)."""
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
    """Who a track is, as far as decided.

    settled: whether it is decided.
    name: None if unknown or not settled.
    probability, distance: of the votes for the name; NaN if not settled.
    mean: float32 (D,), unit length, mean embedding of the best faces; None before the first sample.
    answers: attributes averaged over the last samples, for one face; None if not asked for, or before the first.
    """

    def __init__(self) -> None:
        self.settled = False
        self.name: str | None = None
        self.probability = self.distance = float("nan")
        self.mean: Floats | None = None
        self.answers: Answers | None = None
        self._recent_answers: deque[Answers] = deque(maxlen=AVERAGED_FRAMES)
        self._samples: list[Sample] = []  # best first
        self._sampled = float("-inf")  # s, of the last sample

    def priority(self, time: float) -> float:
        """Return the s since the last sample; 0 if no further sample is due."""
        since = time - self._sampled
        return 0.0 if since < (SETTLED_INTERVAL if self.settled else SAMPLE_INTERVAL) else since

    @property
    def best(self) -> Sample | None:
        """The sample of highest quality."""
        return self._samples[0] if self._samples else None

    def add(self, sample: Sample, time: float, recognizer: Recognizer) -> None:
        """Add a sample and count all votes again, since people may have been enrolled meanwhile."""
        self._sampled = time
        if sample.answers is not None:
            self._recent_answers.append(sample.answers)
            self.answers = Answers.averaged(self._recent_answers)
        self._samples = sorted([*self._samples, sample], key=lambda sample: -sample.quality)[:KEPT_SAMPLES]
        embeddings = np.stack([sample.embedding for sample in self._samples])
        self.mean = unit(embeddings.mean(axis=0, keepdims=True))[0]
        matches = recognizer.identify(embeddings)
        weights = np.array([sample.quality for sample in self._samples])
        votes: dict[str | None, float] = defaultdict(float)
        for name, weight in zip(matches.names, weights, strict=True):
            votes[name] += weight
        leader = max(votes, key=votes.__getitem__)
        if len(self._samples) >= QUORUM and votes[leader] >= MAJORITY * weights.sum():
            self.settled, self.name = True, leader
        if self.settled:
            agreeing: NDArray[np.bool_] = np.array([name == self.name for name in matches.names])
            if agreeing.any():
                self.probability = float(np.average(matches.probability[agreeing], weights=weights[agreeing]))
                self.distance = float(np.average(matches.distance[agreeing], weights=weights[agreeing]))
