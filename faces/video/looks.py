"""Warn when faces are looked for too seldom to follow and name anybody."""

from __future__ import annotations

from collections.abc import Callable

from faces.video.tracker import LOST_SECONDS
from faces.video.votes import QUORUM

SLOW_IN_A_ROW = 2  # intervals: a single one may be a pause of a stream


class Looks:
    """Count the looks for faces in a video; a look is a frame in which they are detected.

    warn: receives a line when looks are far apart, once.
    """

    def __init__(self, warn: Callable[[str], object]) -> None:
        self._warn = warn
        self._count = self._slow = 0
        self._warned = False
        self._last = float("-inf")  # s, of the last look

    def observe(self, looked: float) -> None:
        """Take the time of the last look into account, s from the start; the same time again is the same look."""
        if not looked > self._last:
            return
        interval = looked - self._last if self._count else 0.0
        self._count, self._last = self._count + 1, looked
        self._slow = self._slow + 1 if interval > LOST_SECONDS else 0
        if self._slow == SLOW_IN_A_ROW and not self._warned:
            self._warned = True
            self._warn(
                f"faces are looked for only every {interval:.1f} s, and a name takes {QUORUM} looks: who is there for"
                " less is counted, but not named"
            )

    def too_few(self) -> str:
        """Return a line if there were too few looks for any name, else nothing."""
        if not 0 < self._count < QUORUM:
            return ""
        looks = "1 look" if self._count == 1 else f"{self._count} looks"
        advice = "recognize_image.py names the faces of single pictures"
        return f"{looks} for faces in the whole video, but a name takes {QUORUM}; {advice}"
