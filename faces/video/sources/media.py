"""Read with FFmpeg: a video file, a video in a pipe, a video at an address."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.images import on_ground
from faces.types import Image
from faces.video.sources.base import TIMEOUT, Tell, Timeline, usable_rate
from faces.video.sources.pipe import Pipe
from faces.video.tracks import Frame

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter

COMPLETE_SHARE = 0.9  # of the announced frames; a whole file may hold a few that are not to be shown
ROTATIONS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}


class Media:
    """A video that FFmpeg has opened, to be read once.

    rate: frames per second.
    length: number of frames; 0 if unknown.
    finite: whether it has a known end, such as a finished file.
    segmented: whether it comes in segments of some seconds, each at once (HLS, DASH).
    indexed: whether it needs an index, which may be at its end (MP4, MOV).
    damaged: number of packets that could not be decoded so far.
    Raises SourceError if it cannot be opened.
    """

    def __init__(self, place: str | Pipe, name: str, options: Mapping[str, str], timeout: float | None = None) -> None:
        import av

        started = time.monotonic()
        try:
            self._container = av.open(place, "r", options=dict(options), timeout=timeout)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            timed_out = timeout is not None and time.monotonic() - started > timeout  # FFmpeg gives it various names
            reason = ffmpeg_reason(TimeoutError() if timed_out else error)
            raise SourceError(f"{without_password(name)}: {reason}") from error
        streams = self._container.streams
        stream = streams.best("video")
        if not isinstance(stream, av.VideoStream):
            raise SourceError(f"{without_password(name)}: it contains no video")
        if stream.codec_context is None:
            raise SourceError(f"{without_password(name)}: FFmpeg has no decoder for this video")
        self._stream = stream
        self.rate = usable_rate(float(stream.average_rate or stream.guessed_rate or 0))
        self.length = stream.frames
        self.finite = bool((self._container.duration or 0) > 0 or stream.frames)
        self.segmented = self._container.format.name in ("hls", "dash")
        self.indexed = "mp4" in self._container.format.name.split(",")
        self.damaged = 0

    def pictures(self, closed: threading.Event, live: bool) -> Iterator[tuple[Image, float | None, float]]:
        """Yield (image, the file's own time in s, arrival time in s of ``time.monotonic``) until the end.

        closed: ends the pictures when set.
        live: decode each picture as soon as possible, at the cost of using one core.
        Raises FFmpegError when reading fails, and TimeoutError when a live video sends no more pictures.
        """
        import av
        from av.video.reformatter import VideoReformatter

        self._stream.thread_type = "SLICE" if live else "AUTO"  # decoding frames in several threads delays them
        reformatter = VideoReformatter()
        arrived = time.monotonic()
        try:
            for packet in self._container.demux():  # of all streams: a stream with sound alone must not block here
                if closed.is_set():
                    break
                if packet.stream.index == self._stream.index:
                    try:
                        frames = self._stream.decode(packet)
                        arrived = time.monotonic() if frames else arrived
                        pictures = [(_upright_image(frame, reformatter), frame.time) for frame in frames]
                    except av.error.FFmpegError:
                        self.damaged += 1
                        continue
                    for image, stamp in pictures:
                        yield image, stamp, arrived
                if live and time.monotonic() - arrived > TIMEOUT:
                    raise TimeoutError
        finally:
            self._container.close()


def _upright_image(frame: VideoFrame, reformatter: VideoReformatter) -> Image:
    """Convert a frame to an upright image; shares FFmpeg's memory if the rows are contiguous."""
    transparent = frame.format.name == "pal8" or any(component.is_alpha for component in frame.format.components)
    pixels = reformatter.reformat(frame, format="bgra" if transparent else "bgr24", threads=1).to_ndarray()
    image = on_ground(np.asarray(pixels, np.uint8)) if transparent else np.ascontiguousarray(pixels, np.uint8)
    rotation = ROTATIONS.get(round(frame.rotation / 90) * 90 % 360)  # phones record sideways and note the rotation
    return image if rotation is None else np.asarray(cv2.rotate(image, rotation), np.uint8)


def ffmpeg_reason(error: BaseException) -> str:
    """Explain why FFmpeg cannot read something, without the address and its password."""
    import av

    if isinstance(error, (av.error.ExitError, TimeoutError)):
        return f"no data arrived for {TIMEOUT:.0f} s"
    if isinstance(error, av.error.InvalidDataError):
        return "damaged, cut off, or not a video that FFmpeg can read"
    if isinstance(error, av.error.ProtocolNotFoundError):
        return "PyAV's FFmpeg does not support this kind of address"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].lower()


class RecordingSource:
    """A video with an end: a file, a video at an address or in a pipe. Every frame, at the file's own times."""

    live = False

    def __init__(self, name: str, media: Media, tell: Tell, pipe: Pipe | None = None) -> None:
        self.name = name
        self.rate = media.rate
        self.length = media.length or None
        self._media = media
        self._tell = tell
        self._pipe = pipe
        self._shown = "stdin" if name == "-" else without_password(name)
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """Yield every frame; report damaged and missing ones. Raises SourceError if there is none."""
        import av

        shown, timeline, count = self._shown, Timeline(self.rate), 0
        try:
            for image, stamp, arrived in self._media.pictures(self._closed, live=False):
                yield Frame(image, count, timeline(stamp), arrived)
                count += 1
        except av.error.FFmpegError as error:
            if count:
                self._tell(f"{shown}: reading failed after {count} frames: {ffmpeg_reason(error)}")
        if self._closed.is_set():
            return
        if count == 0 and self._pipe is not None and self._media.indexed:
            raise SourceError(
                f"{shown}: an MP4 with its index at the end cannot be read from a pipe: give the file's name, or pipe"
                " it as MPEG-TS: ffmpeg -i FILE -f mpegts -"
            )
        if count == 0:
            raise SourceError(f"{shown}: it opens, but contains no picture")
        if damaged := self._media.damaged:
            self._tell(f"{shown}: {damaged} damaged {'frame was' if damaged == 1 else 'frames were'} left out")
        if timeline.jumped is not None:
            self._tell(
                f"{shown}: its time stamps jump; from {timeline.jumped:.1f} s on, times count on from the frame before"
            )
        if count + damaged < COMPLETE_SHARE * self._media.length:
            self._tell(f"{shown}: the video is cut off: it has {count} of {self._media.length} frames")

    def close(self) -> None:
        """End ``frames``; may be called from any thread."""
        self._closed.set()
        if self._pipe is not None:
            self._pipe.close()
