"""Challenge the people before the camera, one after the other, and report who passed as live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from faces.attributes.answers import Answers, Head
from faces.landmarks.mesh import FaceMesh, Meshes
from faces.landmarks.openness import openings
from faces.landmarks.pose import head_pose
from faces.liveness.challenge import Challenge, Reading
from faces.types import Faces, Floats, Image
from faces.video.tracks import Frame, Tracks

LIVE = Head("live", ("live", "spoof"))
TRIES = 3  # of a track; whoever fails the last one is not asked again

Measure = Callable[[Image, Faces], Floats]
"""Measures N >= 0 faces of an image: float32 (N, 4), yaw, pitch, eyes and mouth as in ``Reading``; NaN if unknown."""


def measured(meshes: Meshes) -> Floats:
    """Return what a challenge goes by of N >= 0 faces, as ``Measure`` does."""
    opened = openings(meshes)
    _, yaw, pitch = head_pose(meshes).T
    return np.stack([yaw, pitch, opened.eyes.max(axis=1), opened.mouth], axis=1)


class Challenges:
    """Ask the largest face that has not passed to do what a photograph cannot, and then the next.

    measure: of the faces' poses, eyes and mouths.
    tell: receives each new instruction and outcome, as a line.
    draw: makes a challenge; another one for tests.

    text: what to tell the person now; empty if nobody is asked.
    """

    def __init__(
        self,
        measure: Measure,
        tell: Callable[[str], object] = lambda line: None,
        draw: Callable[[], Challenge] = Challenge,
    ) -> None:
        self.text = ""
        self._measure, self._tell, self._draw = measure, tell, draw
        self._asked: tuple[int, Challenge] | None = None  # the track that is asked
        self._passed: set[int] = set()
        self._failures: dict[int, int] = {}  # by track

    @classmethod
    def load(cls, tell: Callable[[str], object]) -> Challenges:
        """Load the face mesh; raise ModelError if it is missing, with the command that fetches it."""
        mesh = FaceMesh.load()
        return cls(lambda image, faces: measured(mesh.of(image, faces)), tell)

    def heads(self, others: tuple[Head, ...]) -> tuple[Head, ...]:
        """Return the answers of the tracks that ``observe`` returns; others: those that they have already."""
        return others if any(head.name == LIVE.name for head in others) else (*others, LIVE)

    def observe(self, frame: Frame, tracks: Tracks) -> Tracks:
        """Look at the next frame, and return its tracks as ``marked`` does."""
        if self._asked is None:
            self._ask(tracks)
        if self._asked is not None:
            number, challenge = self._asked
            outcome = challenge.observe(self._reading(frame, tracks, number))
            self._say(number, challenge.text)
            if outcome != "running":
                self._asked = None
            if outcome == "passed":
                self._passed.add(number)
            elif outcome != "running":
                self._failures[number] = self._failures.get(number, 0) + 1
        else:
            self.text = ""
        return self.marked(tracks)

    def marked(self, tracks: Tracks) -> Tracks:
        """Return tracks with the answer ``live``: only of those that passed; of all others it is unknown.

        Whoever passed has the answer that the tracks have already, or else is live with probability 1, which is the
        challenge's outcome and no measured probability.
        """
        known = tracks.answers or Answers((), {})
        values, heads = dict(known.values), self.heads(known.heads)
        if LIVE in heads[len(known.heads) :]:
            values[LIVE.name] = np.tile(np.array([[1, 0]], np.float32), (len(tracks), 1))
        passed = np.array([int(number) in self._passed for number in tracks.ids], np.bool_)
        values[LIVE.name] = np.where(passed[:, None], values[LIVE.name], np.float32(np.nan)).astype(np.float32)
        return replace(tracks, answers=Answers(heads, values))

    def _ask(self, tracks: Tracks) -> None:
        """Begin with the largest visible face that has not passed and has tries left."""
        sizes = Faces(tracks.xyxy, np.ones(len(tracks), np.float32)).sizes
        for k in np.argsort(-sizes, kind="stable").tolist():
            number = int(tracks.ids[k])
            if tracks.visible[k] and number not in self._passed and self._failures.get(number, 0) < TRIES:
                self._asked = number, self._draw()
                return

    def _reading(self, frame: Frame, tracks: Tracks, number: int) -> Reading:
        """Return what is measured of a track; nothing where it is not visible."""
        shown = (tracks.ids == number) & tracks.visible
        if not shown.any():
            return Reading(frame.time)
        faces = Faces(tracks.xyxy[shown], np.ones(1, np.float32))
        yaw, pitch, eyes, mouth = self._measure(frame.image, faces)[0].tolist()
        return Reading(frame.time, number, yaw, pitch, eyes, mouth)

    def _say(self, number: int, text: str) -> None:
        """Keep a text, and tell it if it is new."""
        said, self.text = self.text, f"#{number}: {text}"
        if self.text != said:
            self._tell(self.text)
