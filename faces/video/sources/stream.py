"""Read a live stream, and reopen it when it drops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.video.sources.base import TIMEOUT, Tell
from faces.video.sources.media import Media, ffmpeg_reason
from faces.video.tracks import Frame

# RTSP over TCP where the server supports it: lost datagrams smear pictures. A short analysis of the stream is enough,
# and its packets are kept: with "nobuffer" the first picture would be the next key frame, seconds later, without any
# gain afterwards.
FFMPEG_OPTIONS = {"rtsp_flags": "prefer_tcp", "analyzeduration": "500000"}
LONGEST_RETRY_PAUSE = 30.0  # s


def open_address(name: str) -> Media:
    """Open the video at an address. Raises SourceError."""
    return Media(name, name, FFMPEG_OPTIONS, TIMEOUT)


class StreamSource:
    """A live stream, reopened whenever it drops; frame times are those of the clock."""

    live = True
    length = None

    def __init__(self, name: str, media: Media, reconnect: float, tell: Tell) -> None:
        self.name = name
        self.rate = media.rate
        self._media = media
        self._reconnect = reconnect
        self._tell = tell
        self._closed = threading.Event()
        self._shown = without_password(name)

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures as they arrive. Raises SourceError when the stream stays away."""
        import av

        media, index, started = self._media, 0, 0.0
        last, pause, away = time.monotonic(), 1.0, False
        while not self._closed.is_set():
            try:
                origin = None
                for image, stamp, arrived in media.pictures(self._closed, live=True):
                    if media.segmented and stamp is not None:
                        if origin is None or abs(origin + stamp - arrived) > TIMEOUT:  # or its clock was reset
                            origin = arrived - stamp
                        self._closed.wait(max(0.0, origin + stamp - arrived))
                        arrived = time.monotonic()
                    if away:
                        self._tell(f"{self._shown}: stream is back after {arrived - last:.0f} s")
                    started = started if index else arrived
                    last, pause, away = arrived, 1.0, False
                    yield Frame(image, index, arrived - started, arrived)
                    index += 1
                reason = "it ended"
            except (TimeoutError, av.error.FFmpegError) as error:
                reason = ffmpeg_reason(error)
            if index == 0 and not self._closed.is_set():
                raise SourceError(f"{self._shown}: it opens, but sends no picture ({reason})")
            while not self._closed.is_set():
                pause = self._pause_before_retry(reason, last, pause, away)
                away = True
                try:
                    media = open_address(self.name)
                    break
                except SourceError as error:
                    reason = str(error).removeprefix(f"{self._shown}: ")

    def _pause_before_retry(self, reason: str, last: float, pause: float, away: bool) -> float:
        """Report the drop and wait before the next attempt; return how long to wait before the one after it, s."""
        left = last + self._reconnect - time.monotonic()
        if left <= 0:
            since = f" for {time.monotonic() - last:.0f} s" if away else ""
            raise SourceError(f"{self._shown}: the stream is gone{since}: {reason}")
        seconds = min(pause, left)
        state = "stream is still away" if away else "stream dropped"
        self._tell(f"{self._shown}: {state}: {reason}; retrying in {seconds:.0f} s")
        self._closed.wait(seconds)
        return min(2 * pause, LONGEST_RETRY_PAUSE)

    def close(self) -> None:
        """End ``frames``; may be called from any thread."""
        self._closed.set()
