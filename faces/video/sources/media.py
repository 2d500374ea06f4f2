"""What FFmpeg can read: a video file, a video in a pipe, a video at an address."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.types import Image
from faces.video.sources.base import TIMEOUT, Tell, Timeline, usable_rate
from faces.video.sources.pipe import Pipe
from faces.video.tracks import Frame

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

WHOLE = 0.9  # of the frames that a file announces: some are not to be shown, at its ends
TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


class Media:
    """A video that FFmpeg has opened, to be read once.

    rate: frames a second. length: number of frames, 0 where it is not known. finite: it has an end that is known, as
    a finished file's. in_pieces: of some seconds, which come at once (HLS, DASH). indexed: one place in it says what is
    where, and that may be its end (MP4, MOV). damaged: packets that could not be decoded.
    Raises SourceError when it cannot be opened.
    """

    def __init__(self, place: str | Pipe, name: str, options: Mapping[str, str], timeout: float | None = None) -> None:
        import av

        started = time.monotonic()
        try:
            self._container = av.open(place, "r", options=dict(options), timeout=timeout)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            late = timeout is not None and time.monotonic() - started > timeout  # which FFmpeg may give any name
            why = reason(TimeoutError() if late else error)
            raise SourceError(f"{without_password(name)}: {why}") from error
        streams = self._container.streams
        stream = streams.best("video")
        if not isinstance(stream, av.VideoStream):
            raise SourceError(f"{without_password(name)}: there are no pictures in it")
        if stream.codec_context is None:
            raise SourceError(f"{without_password(name)}: a video of a kind that FFmpeg has no decoder for")
        self._stream = stream
        self.rate = usable_rate(float(stream.average_rate or stream.guessed_rate or 0))
        self.length = stream.frames
        self.finite = bool((self._container.duration or 0) > 0 or stream.frames)
        self.in_pieces = self._container.format.name in ("hls", "dash")
        self.indexed = "mp4" in self._container.format.name.split(",")
        self.damaged = 0

    def pictures(self, closed: threading.Event, live: bool) -> Iterator[tuple[Image, float | None, float]]:
        """Image, the file's own time (s), when it was there (s, ``time.monotonic``); until the end or ``closed``.

        live: each is given as soon as it can be, at the cost of using one core.
        Raises FFmpegError where reading breaks, and TimeoutError where a live one shows nothing any more.
        """
        import av
        from av.video.reformatter import VideoReformatter

        self._stream.thread_type = "SLICE" if live else "AUTO"  # frames in several threads come late
        reformatter = VideoReformatter()
        arrived = time.monotonic()
        try:
            for packet in self._container.demux():  # of all streams: sound alone must not hold us here
                if closed.is_set():
                    break
                if packet.stream.index == self._stream.index:
                    try:
                        frames = self._stream.decode(packet)
                        arrived = time.monotonic() if frames else arrived
                        pictures = [(_image(frame, reformatter), frame.time) for frame in frames]
                    except av.error.FFmpegError:
                        self.damaged += 1
                        continue
                    for image, stamp in pictures:
                        yield image, stamp, arrived
                if live and time.monotonic() - arrived > TIMEOUT:
                    raise TimeoutError
        finally:
            self._container.close()


def _image(frame: VideoFrame, reformatter: VideoReformatter) -> Image:
    """Upright; it shares the memory of FFmpeg's own picture where the rows lie close together."""
    bgr = reformatter.reformat(frame, format="bgr24", threads=1)
    image = np.ascontiguousarray(bgr.to_ndarray(), np.uint8)
    turn = TURNS.get(round(frame.rotation / 90) * 90 % 360)  # phones hold the camera sideways, and say so
    return image if turn is None else np.asarray(cv2.rotate(image, turn), np.uint8)


def reason(error: BaseException) -> str:
    """Why FFmpeg cannot read something, in words, without the address and its password."""
    import av

    if isinstance(error, (av.error.ExitError, TimeoutError)):
        return f"nothing comes from there (waited {TIMEOUT:.0f} s)"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged, cut off, or not a video that FFmpeg can read"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "FFmpeg as PyAV brings it knows no such addresses"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].lower()


class Recording:
    """A video with an end: a file, one at an address, one in a pipe. Every frame of it, at the file's own times."""

    live = False

    def __init__(self, name: str, media: Media, tell: Tell, pipe: Pipe | None = None) -> None:
        self.name = name
        self.rate = media.rate
        self._media = media
        self._tell = tell
        self._pipe = pipe
        self._shown = "stdin" if name == "-" else without_password(name)
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        import av

        shown, timeline, count = self._shown, Timeline(self.rate), 0
        try:
            for image, stamp, arrived in self._media.pictures(self._closed, live=False):
                yield Frame(image, count, timeline(stamp), arrived)
                count += 1
        except av.error.FFmpegError as error:
            if count:
                self._tell(f"{shown}: it breaks off after {count} frames: {reason(error)}")
        if self._closed.is_set():
            return
        if count == 0 and self._pipe is not None and self._media.indexed:
            raise SourceError(
                f"{shown}: an MP4 whose index is at its end cannot be read from a pipe: give the file's name, or pipe"
                " it as MPEG-TS: ffmpeg -i FILE -f mpegts -"
            )
        if count == 0:
            raise SourceError(f"{shown}: it opens, but no picture comes from it")
        if damaged := self._media.damaged:
            self._tell(f"{shown}: {damaged} damaged {'frame was' if damaged == 1 else 'frames were'} left out")
        if count + damaged < WHOLE * self._media.length:
            self._tell(f"{shown}: cut off: {count} of {self._media.length} frames are there")

    def close(self) -> None:
        self._closed.set()
        if self._pipe is not None:
            self._pipe.close()
