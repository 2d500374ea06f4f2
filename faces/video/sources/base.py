"""What a source of frames is, and what they all need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from faces.video.tracks import Frame

USUAL_RATE = 25.0  # frames a second, where a source does not tell its own
TIMEOUT = 10.0  # s, for a stream to open and to go on

Tell = Callable[[str], None]


class Source(Protocol):
    """Where frames come from.

    name: as the user wrote it. live: a camera or stream, which has no end of its own.
    rate: frames a second, as the source says.
    """

    name: str
    live: bool
    rate: float

    def frames(self) -> Iterator[Frame]:
        """In order, once; what the source holds open is let go at their end. Raises SourceError."""
        ...

    def close(self) -> None:
        """From any thread; ``frames`` ends soon, also one that waits."""
        ...


def usable_rate(rate: float) -> float:
    """A rate as a source tells it, or the usual one where that cannot be true; what a user says is true."""
    return rate if 1 <= rate <= 1000 else USUAL_RATE


class Timeline:
    """Makes times that start at 0 and go forward from a file's own, which may be missing or start over."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate
        self._last = -self._step
        self._origin: float | None = None

    def __call__(self, stamp: float | None) -> float:
        """The next frame's time: stamp is the file's, s, or None for one frame after the last."""
        if stamp is None:
            self._origin = None
        elif self._origin is not None and stamp - self._origin > self._last + self._step / 100:
            self._last = stamp - self._origin
            return self._last
        self._last += self._step
        if stamp is not None:
            self._origin = stamp - self._last
        return self._last
