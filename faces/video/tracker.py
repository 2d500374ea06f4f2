"""Faces through time: tracks, each of them one person for as long as it lasts.

Between two looks of the detector a track moves with the pixels in its box (``flow``); a look says where it really is
(``association``). That may arrive some frames later; then it is carried on to the present in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray

from faces.attributes.answers import Answers
from faces.geometry import iou
from faces.recognition.recognizers import Recognizer
from faces.types import Floats
from faces.video.association import NEAR, OVERLAPPING, Sighting, State, size
from faces.video.motion import Grey, carried
from faces.video.tracks import Frame, Tracks
from faces.video.votes import Identity, Sample

PATIENCE = 2.0  # s that a track is waited for
IN_VIEW = 1.0  # s that a face counts as visible which only its motion still shows, as when it turns away
CONFIRMED = 2  # looks in which a face must be found before it is a track
STEADY = 0.5  # how much of a box's jump a look may add: detectors' boxes jitter, motion does not


class Track:
    """One person in front of the camera.

    key: never the same of two. number: from 1, as people see it; 0 until it is confirmed that there is a face.
    """

    def __init__(self, key: int, xyxy: Floats, time: float) -> None:
        self.key = key
        self.number = 0
        self.identity = Identity()
        self.xyxy = xyxy
        self.found = 1  # looks
        self.first = self.last = time  # s, when it was found
        self.missed = False  # by the last look
        self.sure = True
        self.velocity = np.zeros(2, np.float32)  # px a second
        self.anchor = xyxy, time  # where and when it was found last

    def move(self, xyxy: Floats, seen: bool, crowded: bool, elapsed: float, time: float) -> None:
        """To where its pixels went; or on as it went so far, when it is hidden behind somebody."""
        if self.missed and crowded:
            where, when = self.anchor
            self.xyxy = where + np.tile(self.velocity * np.float32(min(time - when, IN_VIEW)), 2)
        elif not seen or (self.missed and not self.sure):
            self.sure = False
        else:
            if elapsed > 0 and not crowded:
                speed = (_middle(xyxy) - _middle(self.xyxy)) / elapsed
                self.velocity = np.asarray(0.8 * self.velocity + 0.2 * speed, np.float32)
            self.xyxy = xyxy

    def find(self, xyxy: Floats, then: Floats, time: float) -> None:
        """Where a look at ``time`` has found it, when its own box was ``then``; what came since is added."""
        close = iou(then, xyxy[None])[0] >= OVERLAPPING and not self.missed
        target = then + np.float32(STEADY) * (xyxy - then) if close else xyxy
        stretch = size(self.xyxy) / max(size(then), 1e-6)
        middle = _middle(self.xyxy) + (_middle(target) - _middle(then)) * stretch
        half = (target[2:] - target[:2]) / 2 * stretch
        self.xyxy = np.concatenate([middle - half, middle + half]).astype(np.float32)
        self.anchor = self.xyxy, time
        self.found, self.last, self.missed, self.sure = self.found + 1, time, False, True


class Tracker:
    """Follows the faces of a video.

    confirmed: looks in which a face must be found before it is a track. ended: is called with each that is over.
    """

    def __init__(self, recognizer: Recognizer, confirmed: int = CONFIRMED) -> None:
        self._recognizer = recognizer
        self._confirmed = confirmed
        self.ended: Callable[[Track], None] = lambda track: None
        self._tracks: list[Track] = []
        self._keys, self._numbers = count(1), count(1)
        self._scene = 0
        self._grey: Grey | None = None
        self._time = 0.0

    def move(self, frame: Frame, grey: Grey) -> None:
        """Follow the tracks to a frame; a cut to another scene ends them all."""
        before, elapsed = self._grey or grey, frame.time - self._time
        self._grey, self._time = grey, frame.time
        if grey.is_cut_from(before):
            self._scene += 1
            self.end()
        boxes, seen = carried(before, grey, self._boxes())
        for track, box, is_seen, crowded in zip(self._tracks, boxes, seen, self._crowded(), strict=True):
            track.move(box, bool(is_seen), bool(crowded), elapsed, frame.time)
        self._drop([track for track in self._tracks if frame.time - track.last > PATIENCE])

    def state(self) -> State:
        """The tracks as they are now."""
        return State(
            self._scene,
            tuple(track.key for track in self._tracks),
            self._boxes(),
            np.array([track.sure and not track.missed for track in self._tracks], np.bool_),
            np.array([track.number > 0 for track in self._tracks], np.bool_),
            np.array([track.identity.waiting(self._time) for track in self._tracks], np.float64),
            tuple(track.identity.mean for track in self._tracks),
        )

    def correct(self, sighting: Sighting) -> None:
        """Let the tracks be where a look has found them, and begin those that it has found anew."""
        state, faces, time = sighting.state, sighting.faces, sighting.frame.time
        if state.scene != self._scene:
            return
        tracks = {track.key: track for track in self._tracks}
        then = dict(zip(state.keys, state.xyxy, strict=True))
        for index, partner in enumerate(sighting.partners):
            if partner in tracks and partner is not None:
                tracks[partner].find(faces.xyxy[index], then[partner], time)
                self._name(tracks[partner], sighting.samples.get(index), time)
        missed = [tracks[key] for key in state.keys if key in tracks and key not in sighting.partners]
        for track in missed:
            track.missed = True
        self._drop([track for track in missed if not track.number])
        fresh = [index for index, partner in enumerate(sighting.partners) if partner is None]
        boxes, _ = carried(sighting.grey, self._grey or sighting.grey, faces.xyxy[fresh])
        for index, box in zip(fresh, boxes, strict=True):
            self._tracks.append(Track(next(self._keys), box, time))
            self._name(self._tracks[-1], sighting.samples.get(index), time)

    def _name(self, track: Track, sample: Sample | None, time: float) -> None:
        """Number a track that is confirmed, and hear what another face of it says."""
        if not track.number and track.found >= self._confirmed:
            track.number = next(self._numbers)
        if sample is not None:
            track.identity.add(sample, time, self._recognizer)

    def tracks(self) -> Tracks:
        """The confirmed ones."""
        some, crowded = [track for track in self._tracks if track.number], self._crowded()
        visible = {
            track.key
            for track, is_crowded in zip(self._tracks, crowded, strict=True)
            if not track.missed or (track.sure and not is_crowded and self._time - track.last <= IN_VIEW)
        }
        return Tracks(
            np.array([track.number for track in some], np.intp),
            np.array([track.xyxy for track in some], np.float32).reshape(-1, 4),
            tuple(track.identity.name for track in some),
            np.array([track.identity.settled for track in some], np.bool_),
            np.array([track.identity.probability for track in some], np.float32),
            np.array([track.identity.distance for track in some], np.float32),
            np.array([track.key in visible for track in some], np.bool_),
            _answers(some),
        )

    def end(self) -> None:
        """Nothing more comes."""
        self._drop(list(self._tracks))

    def _crowded(self) -> NDArray[np.bool_]:
        """bool (M,): the tracks before or behind which there is another one, found by the last look."""
        boxes = self._boxes()
        found = np.array([track.number > 0 and not track.missed for track in self._tracks], np.bool_)
        beside = np.array([iou(box, boxes) for box in boxes]).reshape(len(boxes), len(boxes)) >= NEAR
        np.fill_diagonal(beside, False)
        return np.asarray((beside & found).any(axis=1))

    def _boxes(self) -> Floats:
        return np.array([track.xyxy for track in self._tracks], np.float32).reshape(-1, 4)

    def _drop(self, over: list[Track]) -> None:
        if over:
            self._tracks = [track for track in self._tracks if track not in over]
        for track in over:
            if track.number:
                self.ended(track)


def _answers(tracks: Sequence[Track]) -> Answers | None:
    """What they look like; None where nothing is known of any."""
    each = [track.identity.answers for track in tracks]
    known = next((answers for answers in each if answers is not None), None)
    return known and Answers.joined([answers or Answers.unknown(known.heads, 1) for answers in each])


def _middle(box: Floats) -> Floats:
    return np.asarray((box[:2] + box[2:]) / 2, np.float32)
