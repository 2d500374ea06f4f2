"""Track faces through time: a track is one person for as long as it lasts.

Between two detections a track moves with the pixels in its box (``motion``); a detection corrects it
(``association``). A detection may arrive some frames late; it is then moved on to the current frame in the same way.
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
from faces.video.association import CANDIDATE_IOU, MATCH_IOU, Assignment, TrackerState, box_size
from faces.video.motion import GreyFrame, move_boxes
from faces.video.tracks import Frame, Tracks
from faces.video.votes import Identity, Sample, name_together

LOST_SECONDS = 2.0  # for which a lost track is kept; one that no look has missed yet is not lost
UNDETECTED_SECONDS = 1.0  # for which a face counts as visible by its motion alone, such as when it turns away
CONFIRMING_DETECTIONS = 2  # before a track is confirmed
BOX_GAIN = 0.5  # share of a box's correction to apply: detected boxes jitter, motion does not


class Track:
    """One person in front of the camera.

    key: unique among all tracks.
    number: from 1, as shown to the user; 0 until the track is confirmed.
    identity: who the person is.
    xyxy: float32 (4,), px.
    detections: number of detections.
    first, last: s, of the first and last detection.
    missed: whether the last detection did not find it.
    followed: whether its motion was measured without a gap since its last detection.
    velocity: px per second.
    anchor: box and time of the last detection.
    """

    def __init__(self, key: int, xyxy: Floats, time: float) -> None:
        self.key = key
        self.number = 0
        self.identity = Identity()
        self.xyxy = xyxy
        self.detections = 1
        self.first = self.last = time
        self.missed = False
        self.followed = True
        self.velocity = np.zeros(2, np.float32)
        self.anchor = xyxy, time

    def move(self, xyxy: Floats, measured: bool, crowded: bool, elapsed: float, time: float) -> None:
        """Move to a frame: with its pixels, or at its last velocity while it is hidden behind somebody.

        xyxy: float32 (4,), px, where its pixels went.
        measured: whether the motion of its pixels was measured.
        crowded: whether another track overlaps it.
        elapsed: s since the last frame.
        time: s, of the frame.
        """
        if self.missed and crowded:
            box, detected = self.anchor
            self.xyxy = box + np.tile(self.velocity * np.float32(min(time - detected, UNDETECTED_SECONDS)), 2)
        elif not measured or (self.missed and not self.followed):
            self.followed = False
        else:
            if elapsed > 0 and not crowded:
                velocity = (_centre(xyxy) - _centre(self.xyxy)) / elapsed
                self.velocity = np.asarray(0.8 * self.velocity + 0.2 * velocity, np.float32)
            self.xyxy = xyxy

    def correct(self, xyxy: Floats, then: Floats, time: float) -> None:
        """Take over a detection, and add the motion since.

        xyxy: float32 (4,), px, the detected box.
        then: float32 (4,), px, the track's box in the frame of the detection.
        time: s, of the detection.
        """
        close = iou(then, xyxy[None])[0] >= MATCH_IOU and not self.missed
        target = then + np.float32(BOX_GAIN) * (xyxy - then) if close else xyxy
        stretch = box_size(self.xyxy) / max(box_size(then), 1e-6)
        centre = _centre(self.xyxy) + (_centre(target) - _centre(then)) * stretch
        half = (target[2:] - target[:2]) / 2 * stretch
        self.xyxy = np.concatenate([centre - half, centre + half]).astype(np.float32)
        self.anchor = self.xyxy, time
        self.detections += 1
        self.last, self.missed, self.followed = time, False, True


class Tracker:
    """Track the faces of a video.

    confirming_detections: detections before a track is confirmed.
    exclusive: give no two tracks that are seen together the same name.

    ended: called with each confirmed track that ends.
    """

    def __init__(
        self, recognizer: Recognizer, confirming_detections: int = CONFIRMING_DETECTIONS, exclusive: bool = True
    ) -> None:
        self._recognizer = recognizer
        self._exclusive = exclusive
        self._confirming_detections = confirming_detections
        self.ended: Callable[[Track], None] = lambda track: None
        self._tracks: list[Track] = []
        self._keys, self._numbers = count(1), count(1)
        self._scene = 0
        self._seen_once = 0  # ended tracks that were never confirmed
        self._looked = float("nan")  # s, of the last look
        self._grey: GreyFrame | None = None
        self._time = 0.0
        self._interval = float("inf")  # s, between the last two frames

    def move(self, frame: Frame, grey: GreyFrame) -> None:
        """Move all tracks to the next frame; a cut ends them, and a pause longer than a lost track is kept.

        Where frames are always far apart, a pause is more than twice the time between the two frames before.
        """
        before, elapsed = self._grey or grey, frame.time - self._time
        paused = elapsed > max(LOST_SECONDS, 2 * self._interval)
        self._interval = elapsed if self._grey else self._interval
        self._grey, self._time = grey, frame.time
        if paused or grey.is_cut_from(before):
            self._scene += 1
            self.end()
        boxes, measured = move_boxes(before, grey, self._boxes())
        for track, box, is_measured, is_crowded in zip(self._tracks, boxes, measured, self._crowded(), strict=True):
            track.move(box, bool(is_measured), bool(is_crowded), elapsed, frame.time)
        self._drop([track for track in self._tracks if track.missed and frame.time - track.last > LOST_SECONDS])

    def state(self) -> TrackerState:
        """Return the tracks as they are now."""
        return TrackerState(
            scene=self._scene,
            keys=tuple(track.key for track in self._tracks),
            xyxy=self._boxes(),
            followed=np.array([track.followed and not track.missed for track in self._tracks], np.bool_),
            confirmed=np.array([track.number > 0 for track in self._tracks], np.bool_),
            priority=np.array([track.identity.priority(self._time) for track in self._tracks], np.float64),
            means=tuple(track.identity.mean for track in self._tracks),
        )

    def correct(self, assignment: Assignment) -> None:
        """Correct the tracks by detected faces, and start a track for each face without one."""
        state, faces, time = assignment.state, assignment.faces, assignment.frame.time
        self._looked = time
        if state.scene != self._scene:
            self._seen_once += assignment.partners.count(None)
            return
        tracks = {track.key: track for track in self._tracks}
        then = dict(zip(state.keys, state.xyxy, strict=True))
        for index, partner in enumerate(assignment.partners):
            if partner in tracks and partner is not None:
                tracks[partner].correct(faces.xyxy[index], then[partner], time)
                self._identify(tracks[partner], assignment.samples.get(index), time)
        missed = [tracks[key] for key in state.keys if key in tracks and key not in assignment.partners]
        for track in missed:
            track.missed = True
        self._drop([track for track in missed if not track.number])
        new = [index for index, partner in enumerate(assignment.partners) if partner is None]
        boxes, _ = move_boxes(assignment.grey, self._grey or assignment.grey, faces.xyxy[new])
        for index, box in zip(new, boxes, strict=True):
            self._tracks.append(Track(next(self._keys), box, time))
            self._identify(self._tracks[-1], assignment.samples.get(index), time)
        if self._exclusive:
            name_together({t.key: t.identity for t in self._tracks if not t.missed}, self._recognizer)

    def _identify(self, track: Track, sample: Sample | None, time: float) -> None:
        """Give a confirmed track a number, and add a sample to its votes."""
        if not track.number and track.detections >= self._confirming_detections:
            track.number = next(self._numbers)
        if sample is not None:
            track.identity.add(sample, time, self._recognizer)

    def tracks(self) -> Tracks:
        """Return the confirmed tracks."""
        confirmed, crowded = [track for track in self._tracks if track.number], self._crowded()
        visible = {
            track.key
            for track, is_crowded in zip(self._tracks, crowded, strict=True)
            if not track.missed or (track.followed and not is_crowded and self._time - track.last <= UNDETECTED_SECONDS)
        }
        return Tracks(
            ids=np.array([track.number for track in confirmed], np.intp),
            xyxy=np.array([track.xyxy for track in confirmed], np.float32).reshape(-1, 4),
            names=tuple(track.identity.name for track in confirmed),
            settled=np.array([track.identity.settled for track in confirmed], np.bool_),
            probability=np.array([track.identity.probability for track in confirmed], np.float32),
            distance=np.array([track.identity.distance for track in confirmed], np.float32),
            visible=np.array([track.key in visible for track in confirmed], np.bool_),
            answers=_answers(confirmed),
            seen_once=self._seen_once + len(self._tracks) - len(confirmed),
            looked=self._looked,
        )

    def end(self) -> None:
        """End all tracks."""
        self._drop(list(self._tracks))

    def _crowded(self) -> NDArray[np.bool_]:
        """Return which tracks overlap a confirmed track that the last detection found: bool (M,)."""
        boxes = self._boxes()
        detected = np.array([track.number > 0 and not track.missed for track in self._tracks], np.bool_)
        overlapping = np.array([iou(box, boxes) for box in boxes]).reshape(len(boxes), len(boxes)) >= CANDIDATE_IOU
        np.fill_diagonal(overlapping, False)
        return np.asarray((overlapping & detected).any(axis=1))

    def _boxes(self) -> Floats:
        return np.array([track.xyxy for track in self._tracks], np.float32).reshape(-1, 4)

    def _drop(self, ended: list[Track]) -> None:
        if ended:
            self._tracks = [track for track in self._tracks if track not in ended]
        for track in ended:
            if track.number:
                self.ended(track)
            else:
                self._seen_once += 1


def _answers(tracks: Sequence[Track]) -> Answers | None:
    """Return the tracks' attributes; None if nothing is known of any."""
    each = [track.identity.answers for track in tracks]
    known = next((answers for answers in each if answers is not None), None)
    return known and Answers.joined([answers or Answers.unknown(known.heads, 1) for answers in each])


def _centre(box: Floats) -> Floats:
    return np.asarray((box[:2] + box[2:]) / 2, np.float32)
