"""Identify a track by the votes of its best faces."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import AVERAGED_FRAMES, Answers
from faces.crops import LEAST_SHARPNESS
from faces.embedding.embedders import unit
from faces.enrolment import SMALLEST_FACE
from faces.recognition.assignment import assign
from faces.recognition.gallery import UNKNOWN
from faces.recognition.recognizers import Recognizer
from faces.types import Faces, Floats, Image

GOOD_SIZE, GOOD_SHARPNESS = 100.0, 15.0  # px, and variance of the Laplacian; better faces gain little
CLEAR_QUALITY = 0.2  # the embeddings of worse faces are close to each other, whoever they are
KEPT_SAMPLES = 5  # per track
QUORUM = 3  # samples needed before a name is shown
MAJORITY = 2 / 3  # of the votes, each weighted by its face's quality
SAMPLE_INTERVAL = 0.25  # s between two samples; the next frame's face is almost the same picture
HANDOVER = 0.06  # of the limit: a voted cost changes by less from one face to the next (benchmarks/together.py)
SETTLED_INTERVAL = 2.0  # s between two samples of a track whose name is settled


@dataclass(frozen=True, slots=True)
class Claim:
    """How the samples of a track vote for a name.

    cost: mean cost of the samples, as in ``Candidates``, weighted by their quality.
    probability, distance: as in ``Matches``, weighted in the same way.
    """

    cost: float
    probability: float
    distance: float


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
    sharpness: (N,), of their crops, from ``crops.sharpness``.
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
    voted: the name that its own votes gave it; None if unknown or not settled.
    name: the same, or what ``name_together`` made of it.
    lost: names that it lost to tracks seen together with it, and their keys.
    probability, distance: of the votes for the name; NaN if not settled.
    mean: float32 (D,), unit length, mean embedding of the best faces; None before the first sample.
    answers: attributes averaged over the last samples, for one face; None if not asked for, or before the first.
    """

    def __init__(self) -> None:
        self.settled = False
        self.voted: str | None = None
        self.name: str | None = None
        self.lost: dict[str, int] = {}
        self.probability = self.distance = float("nan")
        self.mean: Floats | None = None
        self.answers: Answers | None = None
        self._recent_answers: deque[Answers] = deque(maxlen=AVERAGED_FRAMES)
        self._samples: list[Sample] = []  # best first
        self._sampled = float("-inf")  # s, of the last sample
        self._figures = self.probability, self.distance  # of the votes for the voted name
        self._claims: tuple[dict[str, Claim], float] | None = None

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
        self._sampled, self._claims = time, None
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
            self.settled, self.voted = True, leader
        if self.settled:
            agreeing: NDArray[np.bool_] = np.array([name == self.voted for name in matches.names])
            if agreeing.any():
                probability = float(np.average(matches.probability[agreeing], weights=weights[agreeing]))
                self._figures = probability, float(np.average(matches.distance[agreeing], weights=weights[agreeing]))
            self.take(self.voted, None)

    def claims(self, recognizer: Recognizer) -> tuple[dict[str, Claim], float]:
        """Return the claim to each name that the samples vote for, and the cost of no name; once for each sample.

        A majority of the votes is needed, as for a name. What was voted for before is claimed even without it.
        """
        if self._claims is None:
            candidates = recognizer.candidates(np.stack([sample.embedding for sample in self._samples]))
            weights = np.array([sample.quality for sample in self._samples])
            weights /= weights.sum()
            passing, claims = candidates.passing(), dict[str, Claim]()
            limit, rows = float(weights @ candidates.limit), np.arange(len(weights))
            for name in {str(name) for name in candidates.names[passing]} | {self.voted or UNKNOWN}:
                found = candidates.names == name
                columns = np.where(found.any(axis=1), found.argmax(axis=1), -1)  # -1: as far as the farthest
                votes = weights[found.any(axis=1) & passing[rows, columns]].sum()
                if name != UNKNOWN and (name == self.voted or votes >= MAJORITY):
                    parts = candidates.cost, candidates.probability, candidates.distance
                    cost, probability, distance = (float(weights @ part[rows, columns]) for part in parts)
                    claims[name] = Claim(min(cost, limit), probability, distance)
            self._claims = claims, limit
        return self._claims

    def take(self, name: str | None, claim: Claim | None) -> None:
        """Take a name; the claim is None for the voted name and for unknown, whose figures are those of the votes."""
        self.name = name
        self.probability, self.distance = (claim.probability, claim.distance) if claim else self._figures


def name_together(identities: Mapping[int, Identity], recognizer: Recognizer) -> None:
    """Give no two tracks the same name; of those that vote for it, the one with the least cost has it.

    Names are assigned jointly. A name that a track lost to another is not its own either while the other is out of
    sight: a person who leaves does not leave their name to whoever stood beside them.

    identities: of the tracks that are seen together, by their keys.
    """
    named = {key: identity for key, identity in identities.items() if identity.voted is not None}
    names = [identity.voted for identity in named.values()]
    if len(set(names)) == len(names) and not any(identity.voted in identity.lost for identity in named.values()):
        return  # most often
    claims = {key: identity.claims(recognizer) for key, identity in named.items()}
    shape = len(named), max(len(each) for each, _ in claims.values())
    people, cost = np.full(shape, UNKNOWN, object), np.full(shape, np.inf)
    limits = np.array([limit for _, limit in claims.values()])
    for row, (key, identity) in enumerate(named.items()):
        own = claims[key][0][str(identity.voted)].cost
        for column, (name, claim) in enumerate(claims[key][0].items()):
            people[row, column], holder = name, identity.lost.get(name)
            if holder is None or holder in identities:
                is_held = holder is not None and identities[holder].voted == name
                cost[row, column] = min(max(claim.cost, own) + is_held * HANDOVER * limits[row], limits[row])
    given = assign(people.astype(np.str_), cost, limits)
    for row, (key, identity) in enumerate(named.items()):
        if given[row] < 0 or people[row, given[row]] == identity.voted:
            identity.take(identity.voted if given[row] >= 0 else None, None)
        else:
            identity.take(people[row, given[row]], claims[key][0][people[row, given[row]]])
    for key, identity in named.items():
        identity.lost = {name: holder for name, holder in identity.lost.items() if holder not in identities}
        identity.lost |= {other.name: k for k, other in named.items() if k != key and other.name is not None}
