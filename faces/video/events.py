"""Derive events from tracks: who appears, who is identified, who leaves."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from faces.geometry import pixels_around
from faces.types import Floats
from faces.video.tracks import Tracks


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a track.

    time: s from the start, of the frame that shows it.
    clock: the same as a time zone aware clock time; None for a file.
    name: None if unknown or not settled.
    probability: None if not settled.
    xyxy: px, the part inside the picture.
    xyxy_full: px, the whole box, which may stick out of the picture.
    attributes: the face's attributes so far, as from ``Answers.plain``.
    """

    kind: Literal["appear", "identified", "leave"]
    time: float
    clock: datetime | None
    track: int
    name: str | None
    probability: float | None
    xyxy: tuple[int, int, int, int]
    xyxy_full: tuple[int, int, int, int]
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether it is decided who the face is: a name, or unknown."""
        return self.probability is not None


class EventFinder:
    """Derive events from the tracks of one frame after another.

    started: clock time of time 0, time zone aware; None for a file. May be updated, since clocks are corrected.
    picture_wh: width and height of the frames, px; to be set.
    """

    def __init__(self, started: datetime | None = None) -> None:
        self.started = started
        self.picture_wh = sys.maxsize, sys.maxsize
        self._present: dict[int, Event] = {}  # by track: the event that it would leave with

    def observe(self, time: float, tracks: Tracks) -> list[Event]:
        """Return the events since the last frame: who left, who appeared, who was identified, each by track number.

        A lost track that may still return has not left. A track leaves at the time when it was last visible, with its
        last name. A track that is identified as somebody else is identified again.
        """
        left = self._leave(set(self._present).difference(tracks.ids.tolist()))
        appeared, identified = [], []
        for k in np.argsort(tracks.ids).tolist():
            before = self._present.get(int(tracks.ids[k]))
            if (now := self._leave_event(time, tracks, k, before)) is None:
                continue
            self._present[now.track] = now
            if before is None:
                appeared.append(replace(now, kind="appear"))
            if now.settled and (before is None or (before.settled, before.name) != (True, now.name)):
                identified.append(replace(now, kind="identified"))
        return [*left, *appeared, *identified]

    def end(self) -> list[Event]:
        """Return the leave events of all tracks."""
        return self._leave(set(self._present))

    def _leave(self, tracks: set[int]) -> list[Event]:
        return [self._present.pop(track) for track in sorted(tracks)]

    def _leave_event(self, time: float, tracks: Tracks, k: int, before: Event | None) -> Event | None:
        """Return the event with which track ``k`` would leave now; None if it has never been visible."""
        name, probability = (before.name, before.probability) if before else (None, None)
        if tracks.settled[k]:
            name, probability = tracks.names[k], float(tracks.probability[k])
        if tracks.visible[k]:
            return Event(
                kind="leave",
                time=time,
                clock=self.started and self.started + timedelta(seconds=time),
                track=int(tracks.ids[k]),
                name=name,
                probability=probability,
                xyxy=pixels_around(tracks.xyxy[k], 0, *self.picture_wh),
                xyxy_full=whole_pixels(tracks.xyxy[k]),
                attributes=tracks.attributes(k),
            )
        return before and replace(before, name=name, probability=probability)


def whole_pixels(xyxy: Floats) -> tuple[int, int, int, int]:
    """Return a box (4,) rounded to whole pixels."""
    x1, y1, x2, y2 = xyxy.round().astype(int).tolist()
    return x1, y1, x2, y2
