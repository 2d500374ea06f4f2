"""Moving pictures out: a video file that is sound from its first second on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from errno import EINVAL
from fractions import Fraction
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from faces.errors import FacesError, reason_of
from faces.files.writing import check_writable, owner_only, put_in_place
from faces.types import Image

if TYPE_CHECKING:
    import av
    from av.video.stream import VideoStream

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}
WAITING = 4  # pictures between the caller and the encoder: enough to even out the two, few enough to hold
FRAGMENT = 0.5  # s: what a crash or a full disk costs at most
WORTH = 1.0  # s: a video cut off before that is not worth a file
LONGEST_PAUSE, PAUSE = 5.0, 1.0  # s: more between two frames, as while a stream is away, becomes the shorter one
NEAR = 0.001  # s: containers round times to that; so these are taken for whole multiples of 1 / rate
FINE = 8  # parts of 1 / rate, in which all other times are counted
KEY_FRAMES = 4.0  # s between two, from which players can start
LARGEST = {"libx264": 16384, "mpeg4": 8190}  # px, either way
CLOCK_LIMIT = 65535  # ticks a second that MPEG-4 can count
QUALITY = 4 * 118  # of MPEG-4: a quantizer of 4, in FFmpeg's units
BT601, LIMITED = 6, 1  # what OpenCV makes of BGR, as FFmpeg numbers it
FFMPEG_7_1 = (61, 7, 0)  # its libavformat writes fragments first, and in the end the index of a usual file


class VideoSink:
    """A video file without sound, there under its name only once it is whole.

    rate: frames a second. H.264 where FFmpeg has libx264, else MPEG-4, as always in .avi. Its size is the first
    frame's, made even by repeating the last row or column; frames of another size are scaled into it. They are encoded
    in a thread. As a context manager it keeps the video when the block ends well, and drops it when the block is
    interrupted or breaks, unless ``keep``; one of a second or more is also kept after an error that is told in a line.
    Raises FacesError when it cannot be written; when a disk fills, the video so far is kept.
    """

    def __init__(self, path: Path, rate: float, keep: bool = False) -> None:
        self.path = path
        self._rate = rate
        self._keep = keep
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        # Not a Queue(WAITING): Ctrl-C in the middle of its put can leave the thread asleep for good.
        self._pictures: SimpleQueue[tuple[Image, float] | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()  # a token for each picture that may wait
        for _ in range(WAITING):
            self._room.put(None)
        self._thread: Thread | None = None
        self._failure: Exception | None = None
        if path.suffix.lower() not in CONTAINERS:
            raise FacesError(f"{path}: cannot write such a video; use {', '.join(CONTAINERS)}")
        check_writable(path)

    def write(self, image: Image, time: float) -> None:
        """Append a picture, which must not change any more; waits for the encoder. time: s, ``Frame.time``."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="video sink", daemon=True)
            self._thread.start()
        self._room.get()
        self._pictures.put((image, time))
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> VideoSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is None:
            return
        keep = kind is None or self._keep
        told = kind is not None and issubclass(kind, (FacesError, BrokenPipeError))
        try:
            self._pictures.put(None)
            self._thread.join()
            if self._failure is None and (keep or (told and _length(self._partial) >= WORTH)):
                put_in_place(self._partial, self.path)
        except OSError as failure:
            self._failure = self._why(failure)
        except KeyboardInterrupt:  # once more: what is to be kept stays under its hidden name, where it plays
            if not keep:
                self._partial.unlink(missing_ok=True)
            raise
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)
        if self._failure is not None and self._failure is not error:
            raise self._failure

    def _work(self) -> None:
        """What the thread does: encode all pictures up to None. After a failure they are taken and forgotten."""
        import av

        pictures = self._taken()
        try:
            self._encode(pictures)
        except Exception as error:
            self._failure = self._salvage(error) if isinstance(error, (OSError, av.FFmpegError)) else error
            for _ in pictures:
                pass

    def _taken(self) -> Iterator[tuple[Image, float]]:
        for picture in iter(self._pictures.get, None):
            yield picture
            self._room.put(None)

    def _encode(self, pictures: Iterator[tuple[Image, float]]) -> None:
        encoder = _Encoder(self._partial, self._rate)
        try:
            for image, time in pictures:
                encoder.add(image, time)
            encoder.finish()
        except BaseException:
            encoder.give_up()
            raise

    def _salvage(self, error: OSError | av.FFmpegError) -> FacesError:
        """Give the video so far its name, where it is worth that; the error, which says so."""
        seconds = _length(self._partial)
        if seconds < WORTH:
            return self._why(error)
        with suppress(OSError):
            put_in_place(self._partial, self.path)
        return self._why(error, f"; the first {seconds:.1f} s are in it")

    def _why(self, error: OSError | av.FFmpegError, more: str = "") -> FacesError:
        return FacesError(f"cannot write {self.path}: {reason_of(error)}{more}")


class _Encoder:
    """Pictures into a file, which is a whole video after any of them, but for the last half second."""

    def __init__(self, path: Path, rate: float) -> None:
        import av

        suffix = path.suffix.lower()
        h264 = suffix != ".avi" and "libx264" in av.codecs_available
        self._codec: Literal["libx264", "mpeg4"] = "libx264" if h264 else "mpeg4"
        limit = 1001 if h264 else max(1, min(1001, int(CLOCK_LIMIT / rate)))
        self._rate = Fraction(rate).limit_denominator(limit)
        self._times = _Times(self._rate, FINE if h264 else 1)
        options = {"flush_packets": "1"}
        if suffix == ".mkv":
            options["cluster_time_limit"] = str(round(FRAGMENT * 1e3))
        elif suffix != ".avi":
            hybrid = av.library_versions["libavformat"] >= FFMPEG_7_1
            options["movflags"] = "hybrid_fragmented" if hybrid else "frag_keyframe+empty_moov+default_base_moof"
            options["frag_duration"] = str(round(FRAGMENT * 1e6))
        self._file = _Rewindable(path)
        self._container = av.open(self._file, "w", format=CONTAINERS[suffix], options=options)
        self._stream: VideoStream | None = None

    def add(self, image: Image, time: float) -> None:
        import av

        if self._stream is None:
            self._stream = self._new_stream(image)
        fitted = _fit(image, self._stream.width, self._stream.height)
        planes = np.asarray(cv2.cvtColor(fitted, cv2.COLOR_BGR2YUV_I420), np.uint8)  # a quarter of FFmpeg's own time
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.time_base, frame.pts = self._times.unit, self._times.count(time)
        self._write(self._stream, frame)

    def finish(self) -> None:
        """Write what is left. Raises OSError."""
        if self._stream is not None:
            self._write(self._stream, None)
        self._container.close()
        self._file.close()

    def give_up(self) -> None:
        """Leave the file as it was after the last packet that went in well."""
        self._file.rewind()
        with suppress(Exception):
            self._container.close()
        self._file.close()

    def _new_stream(self, image: Image) -> VideoStream:
        height, width = image.shape[:2]
        if max(height, width) > LARGEST[self._codec]:
            raise OSError(EINVAL, f"{width} x {height} px is too large for a video")
        stream = self._container.add_stream(self._codec, self._rate)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        codec = stream.codec_context
        codec.time_base = self._times.unit
        codec.thread_count = 2
        codec.gop_size = max(1, round(KEY_FRAMES * self._rate))
        codec.colorspace, codec.color_range = BT601, LIMITED
        if self._codec == "libx264":
            codec.options = {"preset": "ultrafast", "crf": "23"}
        else:
            codec.options = {"flags": "+qscale", "global_quality": str(QUALITY)}
        return stream

    def _write(self, stream: VideoStream, frame: av.VideoFrame | None) -> None:
        for packet in stream.encode(frame):
            self._container.mux_one(packet)
            self._file.mark()


class _Times:
    """Frames' times as counts of a unit, from 0, each more than the one before."""

    def __init__(self, rate: Fraction, parts: int) -> None:
        self.unit = 1 / (rate * parts)
        self._rate = rate
        self._parts = parts
        self._pause = max(PAUSE, float(1 / rate))
        self._longest = max(LONGEST_PAUSE, 2 * self._pause)
        self._start = self._before = 0.0
        self._last = -1

    def count(self, time: float) -> int:
        if self._last < 0:
            self._start = time
        elif time - self._before > self._longest:
            self._start += time - self._before - self._pause
        self._before = time
        frames = (time - self._start) * float(self._rate)
        if abs(frames - round(frames)) <= NEAR * self._rate:
            frames = round(frames)
        self._last = max(self._last + 1, round(frames * self._parts))
        return self._last


class _Rewindable:
    """A file for FFmpeg to write, which can go back to how it was at its last mark."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0, opener=owner_only)  # noqa: SIM115 (closed by ``close``)
        self._size = 0
        self._before: list[tuple[int, bytes]] = []  # what was written over since, and where
        self._done = False

    def write(self, data: bytes) -> int:
        """Write all of it, or raise OSError."""
        if self._done:
            return len(data)
        at = self._file.tell()
        if at < self._size:
            self._before.append((at, self._file.read(min(len(data), self._size - at))))
            self._file.seek(at)
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def mark(self) -> None:
        self._size = os.fstat(self._file.fileno()).st_size
        self._before.clear()

    def rewind(self) -> None:
        """Go back to the mark; what is written from now on is forgotten."""
        for at, data in reversed(self._before):
            self._file.seek(at)
            self._file.write(data)
        self._file.truncate(self._size)
        self._done = True

    def close(self) -> None:
        self._file.close()


def _fit(image: Image, width: int, height: int) -> Image:
    """The picture in a size: itself, with a row or column repeated, or scaled and between black bars."""
    if image.shape[:2] == (height, width):
        return image
    if not (0 <= width - image.shape[1] <= 1 and 0 <= height - image.shape[0] <= 1):
        scale = min(width / image.shape[1], height / image.shape[0])
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))
    x, y = width - image.shape[1], height - image.shape[0]
    border = cv2.BORDER_REPLICATE if max(x, y) == 1 else cv2.BORDER_CONSTANT
    return np.asarray(cv2.copyMakeBorder(image, y // 2, y - y // 2, x // 2, x - x // 2, border), np.uint8)


def _length(path: Path) -> float:
    """How long a video is that may be cut off, s; 0 where it is none."""
    import av

    try:
        with path.open("rb") as file, av.open(file) as container:
            stream = container.streams.video[0]
            ends = [packet.pts + (packet.duration or 0) for packet in container.demux(stream) if packet.pts is not None]
            return float(max(ends, default=0) * (stream.time_base or 0))
    except (OSError, av.FFmpegError, IndexError):
        return 0.0
