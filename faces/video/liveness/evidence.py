"""Judge tracks by their motion as well as by their pixels, and give both as evidence of the answer ``live``.

Motion has a veto: a face that moves as a plane is no live one, whatever its pixels say. It never makes a face live,
since a screen and a print that is waved about move as a head does. python -m benchmarks.liveness_motion --together
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np

from faces.attributes.answers import Answers, Head
from faces.attributes.computed import LIVE
from faces.liveness.motion import MOST_CERTAIN, THRESHOLD, MotionLiveness
from faces.video.tracks import Frame, Tracks

PIXELS = Head("live_pixels", unit="probability")
MOTION = Head("live_motion", unit="probability")


def is_judged(heads: Sequence[Head]) -> bool:
    """Whether ``live`` is among these answers."""
    return any(head.name == LIVE.name for head in heads)


def track_heads(heads: tuple[Head, ...]) -> tuple[Head, ...]:
    """Return the answers of tracks, with the evidence of ``live`` if that is among them.

    heads: of the attributes that are predicted.
    """
    return (*heads, PIXELS, MOTION) if is_judged(heads) else heads


class Evidence:
    """Follows the motion of each track, and adds what it shows to the track's answers.

    heads: of the answers that tracks have, with ``live`` among them.
    """

    def __init__(self, heads: tuple[Head, ...]) -> None:
        self._heads = heads
        self._people: defaultdict[int, MotionLiveness] = defaultdict(MotionLiveness)

    def over(self, steps: Iterable[tuple[Frame | None, Tracks]]) -> Iterator[tuple[Frame | None, Tracks]]:
        """Yield the steps of ``Follower.follow``, whose tracks are as ``marked`` returns them."""
        for frame, tracks in steps:
            if frame is not None:
                self._observe(frame, tracks)
            yield frame, self.marked(tracks)

    def marked(self, tracks: Tracks) -> Tracks:
        """Return tracks with the evidence; ``live`` is spoof where motion says so, and its probability motion's least.

        What cannot be told is NaN. Where the pixels cannot tell, nor can the answer.
        """
        known = tracks.answers or Answers.unknown(self._heads, len(tracks))
        pixels = known.values[LIVE.name][:, 0]
        motion = np.array([self._probability(int(number)) for number in tracks.ids], np.float32)
        live = np.where(motion < THRESHOLD, np.minimum(pixels, np.float32(1 - MOST_CERTAIN)), pixels)  # NaN stays NaN
        values = {
            **known.values,
            LIVE.name: np.stack([live, 1 - live], axis=1),
            PIXELS.name: pixels[:, None],
            MOTION.name: motion[:, None],
        }
        return replace(tracks, answers=Answers(track_heads(known.heads), values))

    def _observe(self, frame: Frame, tracks: Tracks) -> None:
        for number in set(self._people).difference(tracks.ids.tolist()):
            del self._people[number]
        if not tracks.visible.any():
            return
        grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8)
        for number, box in zip(tracks.ids[tracks.visible].tolist(), tracks.xyxy[tracks.visible], strict=True):
            self._people[number].observe(frame.time, grey, box)

    def _probability(self, number: int) -> float:
        return self._people[number].probability if number in self._people else float("nan")
