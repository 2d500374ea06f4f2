"""Live streams, which drop and come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.video.sources.base import TIMEOUT, Tell
from faces.video.sources.media import Media, reason
from faces.video.tracks import Frame

# RTSP by TCP where the server can, since lost datagrams smear pictures. A short look at the stream is enough, and what
# was read in it is kept: without it ("nobuffer") the first picture is the next key frame, seconds later, and none after
# it comes sooner.
OPTIONS = {"rtsp_flags": "prefer_tcp", "analyzeduration": "500000"}
LONGEST_PAUSE = 30.0  # s


def open_address(name: str) -> Media:
    """What is at an address; raises SourceError."""
    return Media(name, name, OPTIONS, TIMEOUT)


class Stream:
    """A live stream, opened again whenever it drops; frames have the clock's times."""

    live = True

    def __init__(self, name: str, media: Media, reconnect: float, tell: Tell) -> None:
        self.name = name
        self.rate = media.rate
        self._media = media
        self._reconnect = reconnect
        self._tell = tell
        self._closed = threading.Event()
        self._shown = without_password(name)

    def frames(self) -> Iterator[Frame]:
        import av

        media, index, started = self._media, 0, 0.0
        last, pause, away = time.monotonic(), 1.0, False
        while not self._closed.is_set():
            try:
                origin = None
                for image, stamp, arrived in media.pictures(self._closed, live=True):
                    if media.in_pieces and stamp is not None:
                        if origin is None or abs(origin + stamp - arrived) > TIMEOUT:  # or its clock was set anew
                            origin = arrived - stamp
                        self._closed.wait(max(0.0, origin + stamp - arrived))
                        arrived = time.monotonic()
                    if away:
                        self._tell(f"{self._shown}: back after {arrived - last:.0f} s")
                    started = started if index else arrived
                    last, pause, away = arrived, 1.0, False
                    yield Frame(image, index, arrived - started, arrived)
                    index += 1
                why = "it ended"
            except (TimeoutError, av.error.FFmpegError) as error:
                why = reason(error)
            if index == 0 and not self._closed.is_set():
                raise SourceError(f"{self._shown}: it opens, but no picture comes from it ({why})")
            while not self._closed.is_set():
                pause = self._rest(why, last, pause, away)
                away = True
                try:
                    media = open_address(self.name)
                    break
                except SourceError as error:
                    why = str(error).removeprefix(f"{self._shown}: ")

    def _rest(self, why: str, last: float, pause: float, away: bool) -> float:
        """Wait before the next try, and say so; how long to wait before the one after it."""
        left = last + self._reconnect - time.monotonic()
        if left <= 0:
            since = f" for {time.monotonic() - last:.0f} s" if away else ""
            raise SourceError(f"{self._shown}: the stream is gone{since}: {why}")
        now = min(pause, left)
        self._tell(f"{self._shown}: {'still away' if away else 'dropped'}: {why}; trying again in {now:.0f} s")
        self._closed.wait(now)
        return min(2 * pause, LONGEST_PAUSE)

    def close(self) -> None:
        self._closed.set()
