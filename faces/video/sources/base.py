"""The interface of a frame source, and what all sources share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from faces.video.tracks import Frame

DEFAULT_RATE = 25.0  # frames per second, for a source that gives no plausible rate
TIMEOUT = 10.0  # s, for a stream to open or to send the next picture

LONGEST_GAP = 600.0  # s between two frames of a file: a longer one is a fault of its time stamps
NOTICED_JUMP = 1.0  # s

Tell = Callable[[str], None]


class FrameSource(Protocol):
    """A source of video frames.

    name: as the user wrote it.
    live: True for a camera or stream, which has no end of its own.
    rate: frames per second, as the source gives it.
    length: number of frames, as far as the source knows it; None if it has no end.
    """

    name: str
    live: bool
    rate: float

    @property
    def length(self) -> int | None:
        """The number of frames."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order, once, then release the source. Raises SourceError."""
        ...

    def close(self) -> None:
        """End ``frames`` soon, even while it waits; may be called from any thread."""
        ...


def usable_rate(rate: float) -> float:
    """Return the rate that a file or device gives if it is plausible (1 to 1000), else ``DEFAULT_RATE``."""
    return rate if 1 <= rate <= 1000 else DEFAULT_RATE


class Timeline:
    """Convert a file's time stamps, which may be missing or jump, to increasing times from 0.

    After a jump backwards, or of more than ``LONGEST_GAP`` forwards, times count on from the frame before.

    jumped: time of the first frame after a jump, s; None if there was none.
    """

    def __init__(self, rate: float) -> None:
        self.jumped: float | None = None
        self._step = 1 / rate
        self._last = -self._step
        self._origin: float | None = None

    def __call__(self, stamp: float | None) -> float:
        """Return the next frame's time in s; stamp: the file's time in s, None for one frame after the last."""
        if stamp is None or self._origin is None:
            gap = 0.0
        else:
            gap = stamp - self._origin - self._last
            if self._step / 100 < gap <= LONGEST_GAP:
                self._last += gap
                return self._last
        self._last += self._step
        self._origin = None if stamp is None else stamp - self._last
        if abs(gap) > NOTICED_JUMP and self.jumped is None:
            self.jumped = self._last
        return self._last
