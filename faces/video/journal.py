"""Write down who comes and goes: events, boxes and attendance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from faces.video.attendance import Attendance
from faces.video.event_logs import BoxLog, EventLog
from faces.video.events import Event, EventFinder
from faces.video.looks import Looks
from faces.video.tracks import Frame, Tracks

ATTENDANCE_INTERVAL = 5.0  # s between two writes of a live source's attendance


class Journal:
    """Write the events, boxes and attendance of a video; use it as a context manager.

    live: whether the source is a camera or stream, whose events have clock times.
    attendance_file: CSV file to write the attendance to: at the end, and for a live source every few seconds.
    warn: receives a line when faces are looked for too seldom, as for ``Looks``.

    attendance: who was there so far.
    looks: how often faces were looked for.
    Raises FacesError when a file cannot be written.
    """

    def __init__(
        self,
        events: EventLog,
        boxes: BoxLog | None = None,
        attendance_file: Path | None = None,
        live: bool = False,
        warn: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.attendance = Attendance()
        self._live = live
        self._attendance_file = attendance_file
        self._finder = EventFinder()
        self.looks = Looks(warn)
        self._events = events
        self._boxes = boxes
        self._stack = ExitStack()
        self._time = 0.0  # s, of the last frame
        self._attendance_written = float("-inf")  # s, of ``time.monotonic``

    def __enter__(self) -> Journal:
        self._stack.enter_context(self._events)
        if self._boxes is not None:
            self._stack.enter_context(self._boxes)
        return self

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Write what a frame shows."""
        if self._live:
            age = time.monotonic() - frame.arrived
            self._finder.started = datetime.now().astimezone() - timedelta(seconds=frame.time + age)
        self._finder.picture_wh = frame.image.shape[1], frame.image.shape[0]
        self._events.begin()
        if self._boxes is not None:
            self._boxes.write(frame, tracks)
        self._time = frame.time
        self.update(tracks)
        due = time.monotonic() >= self._attendance_written + ATTENDANCE_INTERVAL
        if self._live and self._attendance_file is not None and due:
            self.attendance.write(self._attendance_file, frame.time)
            self._attendance_written = time.monotonic()

    def update(self, tracks: Tracks) -> None:
        """Write what happened to the tracks since the last frame, while no new frame arrives."""
        self._log(self._finder.observe(self._time, tracks))
        self.looks.observe(tracks.looked)
        self.attendance.seen_once = tracks.seen_once

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._stack:
            self._log(self._finder.end())
            if self._attendance_file is not None and (self._live or kind is None):
                self.attendance.write(self._attendance_file)

    def _log(self, events: Iterable[Event]) -> None:
        for event in events:
            self._events.write(event)
            self.attendance.add(event)
