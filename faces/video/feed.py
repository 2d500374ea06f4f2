"""A source read in a thread of its own, so that looking at one frame and reading the next go on at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from types import TracebackType

from faces.video.sources import Source
from faces.video.tracks import Frame

ROOM = 4  # frames that wait, at most, where none may be lost
PATIENCE = 0.5  # s, for the thread to end; one that is held in a system's call ends when that does


class Feed:
    """The frames of a source, while in its ``with`` block; its end closes the source.

    newest: a frame that nobody took is dropped when the next one comes, so that none is older than the time from one
    taking to the next; else every frame is given, and the source waits. realtime: frames come at their own times, as
    a camera's would, the newest only. Which were dropped can be told from ``Frame.index``.
    """

    def __init__(self, source: Source, newest: bool = False, realtime: bool = False) -> None:
        self._source = source
        self._newest = newest or realtime
        self._realtime = realtime
        self._waiting: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._ended = self._leaving = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name=f"feed {source.name}", daemon=True)

    def frames(self, wait: float | None = None) -> Iterator[Frame | None]:
        """In order, and None whenever none came for ``wait`` seconds; what the source raises comes last."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended, wait)
                frame = self._waiting.popleft() if self._waiting else None
                if frame is None and self._ended:
                    break
                self._changed.notify_all()
            yield frame
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            started = None
            for frame in self._source.frames():
                if self._realtime:
                    started = started if started is not None else time.monotonic() - frame.time
                    frame = self._at(frame, started + frame.time)
                if not self._put(frame):
                    break
        except BaseException as error:  # whatever it is, it is the consumer's to know
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _at(self, frame: Frame, due: float) -> Frame:
        """Wait until it is time for a frame, which arrives then."""
        with self._changed:
            self._changed.wait_for(lambda: self._leaving, max(0.0, due - time.monotonic()))
        return replace(frame, arrived=time.monotonic())

    def _put(self, frame: Frame) -> bool:
        """Leave a frame for the consumer, once there is room; False when there is none any more."""
        with self._changed:
            if self._newest:
                self._waiting.clear()
            self._changed.wait_for(lambda: self._leaving or len(self._waiting) < ROOM)
            self._waiting.append(frame)
            self._changed.notify_all()
            return not self._leaving

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._source.close()
        self._thread.join(PATIENCE)
