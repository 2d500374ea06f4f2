"""The challenges that the page Recognize has asked for and that are not answered yet."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from faces.geometry import iou
from faces.liveness.challenge import Challenge, Reading
from faces.types import Faces, Floats

EXPIRES = 60.0  # s after it was asked for
MOST = 100  # at the same time; the oldest ones end
SAME_FACE = 0.3  # intersection over union of a face's boxes in two pictures


@dataclass(slots=True)
class _Open:
    """A challenge, the face that it is about, and the number that this face has."""

    challenge: Challenge
    started: float
    box: Floats | None = None
    track: int = 0
    lock: Lock = field(default_factory=Lock)


class OpenChallenges:
    """Challenges by their ids, which are secret, expire, and end with the first outcome. Thread-safe.

    draw: makes a challenge. clock: s; both are others for tests.
    """

    def __init__(self, draw: Callable[[], Challenge] = Challenge, clock: Callable[[], float] = time.monotonic) -> None:
        self._draw, self._clock = draw, clock
        self._open: dict[str, _Open] = {}
        self._lock = Lock()

    def begin(self) -> tuple[str, Challenge]:
        """Return a new challenge and its id."""
        name, entry = secrets.token_urlsafe(16), _Open(self._draw(), self._clock())
        with self._lock:
            self._open[name] = entry
            for other in list(self._open)[:-MOST]:
                del self._open[other]
        return name, entry.challenge

    def observe(self, name: str, faces: Faces, measured: Floats) -> Challenge | None:
        """Look at the next picture, and return the challenge; None if there is none of this id any more.

        The face is the one in the place of the last; at first the largest.
        faces: N >= 0 of the picture. measured: float32 (N, 4), as ``faces.display.challenges.measured`` returns it.
        """
        now = self._clock()
        with self._lock:
            self._open = {key: each for key, each in self._open.items() if now - each.started <= EXPIRES}
            entry = self._open.get(name)
        if entry is None:
            return None
        with entry.lock:
            outcome = entry.challenge.observe(_reading(entry, now, faces, measured))
        if outcome != "running":
            with self._lock:
                self._open.pop(name, None)
        return entry.challenge


def _reading(entry: _Open, now: float, faces: Faces, measured: Floats) -> Reading:
    if len(faces) == 0:
        return Reading(now)
    overlap = np.zeros(len(faces)) if entry.box is None else iou(entry.box, faces.xyxy)
    chosen = int(overlap.argmax() if overlap.max() >= SAME_FACE else faces.sizes.argmax())
    entry.track += int(overlap[chosen] < SAME_FACE)
    entry.box = faces.xyxy[chosen]
    return Reading(now, entry.track, *measured[chosen].tolist())
