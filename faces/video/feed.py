"""Read a source in its own thread, so that processing one frame and reading the next overlap."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import TracebackType

from faces.video.sources import FrameSource
from faces.video.tracks import Frame

QUEUED_FRAMES = 4  # waiting at most, if none may be dropped
JOIN_TIMEOUT = 0.5  # s, for the thread to end; a thread inside a system call ends when the call does


class Feed:
    """The frames of a source, as a context manager whose end closes the source.

    newest: drop a waiting frame when the next one arrives, so that no frame is older than the time between two
        requests. Otherwise every frame is delivered, and the source waits. ``Frame.index`` shows which were dropped.
    realtime: deliver the frames at their own times, as a camera would, the newest only.
    """

    def __init__(self, source: FrameSource, newest: bool = False, realtime: bool = False) -> None:
        self._source = source
        self._newest = newest or realtime
        self._realtime = realtime
        self._queue: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._ended = self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, name=f"feed {source.name}", daemon=True)

    def frames(self, wait: float | None = None) -> Iterator[Frame | None]:
        """Yield the frames in order, and None whenever none arrives for ``wait`` s. Raises the source's error last."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._ended, wait)
                frame = self._queue.popleft() if self._queue else None
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
                    frame = self._delayed(frame, started + frame.time)
                if not self._put(frame):
                    break
        except BaseException as error:  # any error is raised in the consumer's thread
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _delayed(self, frame: Frame, due: float) -> Frame:
        """Wait until a frame is due, s of ``time.monotonic``; that is its arrival."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing, max(0.0, due - time.monotonic()))
        return replace(frame, arrived=time.monotonic())

    def _put(self, frame: Frame) -> bool:
        """Queue a frame as soon as there is room; False once the feed is closing."""
        with self._changed:
            if self._newest:
                self._queue.clear()
            self._changed.wait_for(lambda: self._closing or len(self._queue) < QUEUED_FRAMES)
            self._queue.append(frame)
            self._changed.notify_all()
            return not self._closing

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._source.close()
        self._thread.join(JOIN_TIMEOUT)


def first_frames(frames: Iterable[Frame | None], count: int | None) -> Iterator[Frame | None]:
    """Yield the first ``count`` frames, all if it is None; None in place of a frame does not count."""
    number = 0
    for frame in frames:
        number += frame is not None
        yield frame
        if number == count:
            return
