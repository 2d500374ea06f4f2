"""Encode pictures into a video file, so that all but the last half second survives a crash."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EINVAL
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from faces.files.writing import owner_only
from faces.types import Image

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}
FRAGMENT_SECONDS = 0.5  # what a crash or a full disk loses at most
LONGEST_PAUSE, SHORTENED_PAUSE = 5.0, 1.0  # s; a longer pause between two frames, as of a dropped stream, is shortened
TIME_PRECISION = 0.001  # s: containers round times to it; times this close to a multiple of 1 / rate are taken as one
TICKS_PER_FRAME = 8  # resolution of all other times
KEY_FRAME_SECONDS = 4.0  # between two key frames, from which players can start
LARGEST_SIDE = {"libx264": 16384, "mpeg4": 8190}  # px
LARGEST_MPEG4_CLOCK = 65535  # ticks per second
MPEG4_QUALITY = 4 * 118  # a quantizer of 4, in FFmpeg's units
BT601, LIMITED_RANGE = 6, 1  # FFmpeg's numbers for what OpenCV converts BGR to
HYBRID_FRAGMENTS = (61, 7, 0)  # libavformat of FFmpeg 7.1, which writes fragments and a usual index at the end


class VideoEncoder:
    """Write pictures into a file, which is a valid video after each of them, but for the last half second.

    path: its suffix is one of ``CONTAINERS``.
    rate: frames per second.
    shorten_pauses: whether long pauses between two frames are shortened.
    Raises OSError or FFmpegError, in all methods.
    """

    def __init__(self, path: Path, rate: float, shorten_pauses: bool = False) -> None:
        import av

        suffix = path.suffix.lower()
        h264 = suffix != ".avi" and "libx264" in av.codecs_available
        self._codec: Literal["libx264", "mpeg4"] = "libx264" if h264 else "mpeg4"
        limit = 1001 if h264 else max(1, min(1001, int(LARGEST_MPEG4_CLOCK / rate)))
        self._rate = Fraction(rate).limit_denominator(limit)
        self._clock = _FrameClock(self._rate, TICKS_PER_FRAME if h264 else 1, shorten_pauses)
        options = {"flush_packets": "1"}
        if suffix == ".mkv":
            options["cluster_time_limit"] = str(round(FRAGMENT_SECONDS * 1e3))
        elif suffix != ".avi":
            hybrid = av.library_versions["libavformat"] >= HYBRID_FRAGMENTS
            options["movflags"] = "hybrid_fragmented" if hybrid else "frag_keyframe+empty_moov+default_base_moof"
            options["frag_duration"] = str(round(FRAGMENT_SECONDS * 1e6))
        self._file = _RewindableFile(path)
        self._container = av.open(self._file, "w", format=CONTAINERS[suffix], options=options)
        self._stream: VideoStream | None = None

    def add(self, image: Image, time: float) -> None:
        """Append a picture; time in s."""
        import av

        if self._stream is None:
            self._stream = self._new_stream(image)
        fitted = fit(image, self._stream.width, self._stream.height)
        planes = np.asarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2YUV_I420), np.uint8)  # a quarter of FFmpeg's own time
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.time_base, frame.pts = self._clock.unit, self._clock.ticks(time)
        self._write(self._stream, frame)

    def finish(self) -> None:
        """Write the remaining packets and close the file."""
        if self._stream is not None:
            self._write(self._stream, None)
        self._container.close()
        self._file.close()

    def abort(self) -> None:
        """Close the file as it was after the last packet that was written completely."""
        self._file.rewind()
        with suppress(Exception):
            self._container.close()
        self._file.close()

    def _new_stream(self, image: Image) -> VideoStream:
        height, width = image.shape[:2]
        if max(height, width) > LARGEST_SIDE[self._codec]:
            raise OSError(EINVAL, f"{width} x {height} px is too large for a video")
        stream = self._container.add_stream(self._codec, self._rate)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        codec = stream.codec_context
        codec.time_base = self._clock.unit
        codec.thread_count = 2
        codec.gop_size = max(1, round(KEY_FRAME_SECONDS * self._rate))
        codec.colorspace, codec.color_range = BT601, LIMITED_RANGE
        if self._codec == "libx264":
            codec.options = {"preset": "ultrafast", "crf": "23"}
        else:
            codec.options = {"flags": "+qscale", "global_quality": str(MPEG4_QUALITY)}
        return stream

    def _write(self, stream: VideoStream, frame: av.VideoFrame | None) -> None:
        for packet in stream.encode(frame):
            self._container.mux_one(packet)
            self._file.mark()


class _FrameClock:
    """Convert frame times to strictly increasing numbers of ticks, from 0."""

    def __init__(self, rate: Fraction, ticks_per_frame: int, shorten_pauses: bool) -> None:
        self.unit = 1 / (rate * ticks_per_frame)
        self._rate = rate
        self._ticks_per_frame = ticks_per_frame
        self._shortened_pause = max(SHORTENED_PAUSE, float(1 / rate))
        self._longest_pause = max(LONGEST_PAUSE, 2 * self._shortened_pause) if shorten_pauses else inf
        self._start = self._before = 0.0
        self._last = -1

    def ticks(self, time: float) -> int:
        """Return the ticks of the next frame; time in s."""
        if self._last < 0:
            self._start = time
        elif time - self._before > self._longest_pause:
            self._start += time - self._before - self._shortened_pause
        self._before = time
        frames = (time - self._start) * float(self._rate)
        if abs(frames - round(frames)) <= TIME_PRECISION * self._rate:
            frames = round(frames)
        self._last = max(self._last + 1, round(frames * self._ticks_per_frame))
        return self._last


class _RewindableFile:
    """A file for FFmpeg to write, which can return to its state at the last mark."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0, opener=owner_only)  # noqa: SIM115 (closed by ``close``)
        self._size = 0
        self._overwritten: list[tuple[int, bytes]] = []  # places and bytes since the mark
        self._rewound = False

    def write(self, data: bytes) -> int:
        """Write all bytes, or raise OSError."""
        if self._rewound:
            return len(data)
        position = self._file.tell()
        if position < self._size:
            self._overwritten.append((position, self._file.read(min(len(data), self._size - position))))
            self._file.seek(position)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, as files do."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position, as files do."""
        return self._file.tell()

    def mark(self) -> None:
        """Set the state to return to."""
        self._size = os.fstat(self._file.fileno()).st_size
        self._overwritten.clear()

    def rewind(self) -> None:
        """Return to the mark, and ignore all later writes."""
        for position, data in reversed(self._overwritten):
            self._file.seek(position)
            self._file.write(data)
        self._file.truncate(self._size)
        self._rewound = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def fit(image: Image, width: int, height: int) -> Image:
    """Return a picture in a size: itself, with a row or column repeated, or scaled between black bars."""
    if image.shape[:2] == (height, width):
        return image
    if not (0 <= width - image.shape[1] <= 1 and 0 <= height - image.shape[0] <= 1):
        scale = min(width / image.shape[1], height / image.shape[0])
        wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = np.asarray(cv2.resize(image, wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    x, y = width - image.shape[1], height - image.shape[0]
    border = cv2.BORDER_REPLICATE if max(x, y) == 1 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.copyMakeBorder(image, y // 2, y - y // 2, x // 2, x - x // 2, border), np.uint8)


def duration(path: Path) -> float:
    """Return the duration of a video, which may be cut off, in s; 0 for anything else."""
    import av

    try:
        with path.open("rb") as file, av.open(file) as container:
            stream = container.streams.video[0]
            ends = [packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
            return float(max(ends, default=0) * (stream.time_base or 0))
    except (OSError, av.FFmpegError, IndexError):
        return 0.0
