"""Moving pictures: frames from a camera, a file or a stream, and frames into a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from faces.errors import FacesError, SourceError
from faces.types import Image

TIMEOUT = 10_000  # ms, for streams to open and to go on
LAST_CAMERA = 2**31 - 1  # OpenCV takes no larger number
USUAL_RATE = 25.0  # frames a second, where a source does not tell its own


class VideoSource:
    """The frames of a camera (its number), a video file, or a stream (its address).

    live: a camera or stream, which has no end of its own. rate: frames a second, as the source says.
    Raises SourceError when it cannot be opened.
    """

    def __init__(self, source: str) -> None:
        self.name = source
        self.live = source.isdecimal() or "://" in source
        if source.isdecimal():
            self._capture = cv2.VideoCapture(min(int(source), LAST_CAMERA))
        elif self.live:
            limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT]
            self._capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, limits)
        else:
            if not Path(source).is_file():
                raise SourceError(f"{source}: {'a folder, not a video' if Path(source).is_dir() else 'no such video'}")
            self._capture = cv2.VideoCapture(source)
        if not self._capture.isOpened():
            raise SourceError(self._why_not())
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.rate = float(rate) if np.isfinite(rate) and 1 <= rate <= 1000 else USUAL_RATE

    def frames(self) -> Iterator[Image]:
        """uint8 (H, W, 3) BGR, in order. Raises SourceError when not even one comes."""
        count = 0
        while True:
            there, frame = self._capture.read()
            if not there:
                break
            count += 1
            yield np.asarray(frame, np.uint8)
        if count == 0:
            raise SourceError(f"{self.name}: it opens, but no picture comes from it")

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *error: object) -> None:
        self._capture.release()

    def _why_not(self) -> str:
        if self.name.isdecimal():
            there = ", ".join(cameras()) or "none"
            return f"camera {self.name} cannot be opened; cameras here: {there} (a video file: --source FILE)"
        if self.live:
            return f"{self.name}: no stream comes from there (tried for {TIMEOUT // 1000} s)"
        return f"{self.name}: not a video that OpenCV can read"


def cameras() -> list[str]:
    """The numbers of the cameras that can be opened, or on Linux of those that there are."""
    if sys.platform.startswith("linux"):
        numbers = [path.name.removeprefix("video") for path in Path("/dev").glob("video*")]
        return sorted((number for number in numbers if number.isdecimal()), key=int)
    found = []
    for number in range(5):
        capture = cv2.VideoCapture(number)
        if capture.isOpened():
            found.append(str(number))
        capture.release()
    return found


ROOM = 1 << 18  # bytes that are free behind a video that is whole
CODECS = {".mp4": "mp4v", ".m4v": "mp4v", ".avi": "MJPG", ".mkv": "mp4v"}  # OpenCV's wheels write these everywhere


class VideoSink:
    """A video file, there under its name only once it is whole.

    rate: frames a second. Its size is the first frame's. As a context manager it keeps the video when the block ends
    well and drops it when the block fails, unless ``keep``. Raises FacesError when it cannot be written.
    """

    def __init__(self, path: Path, rate: float, keep: bool = False) -> None:
        self.path = path
        self._keep = keep
        self._rate = rate
        self._writer: cv2.VideoWriter | None = None
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        if path.suffix.lower() not in CODECS:
            raise FacesError(f"{path}: cannot write such a video; use {', '.join(CODECS)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(21, "is a folder")
            self._partial.touch()
        except OSError as error:
            raise FacesError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error

    def write(self, frame: Image) -> None:
        """Append a frame, uint8 (H, W, 3) BGR."""
        if self._writer is None:
            codec = cv2.VideoWriter.fourcc(*CODECS[self.path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._partial), codec, self._rate, (frame.shape[1], frame.shape[0]))
            if not self._writer.isOpened():
                raise FacesError(f"{self.path}: this OpenCV cannot write {self.path.suffix} videos; use .avi")
        self._writer.write(frame)

    def __enter__(self) -> VideoSink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._writer is not None:
                self._writer.release()
            if self._writer is not None and (kind is None or self._keep) and self._partial.stat().st_size > 0:
                self._check_room()
                self._partial.replace(self.path)
        except OSError as failure:
            raise FacesError(f"cannot write {self.path}: {(failure.strerror or str(failure)).lower()}") from failure
        finally:
            self._partial.unlink(missing_ok=True)

    def _check_room(self) -> None:
        """Raise OSError when the disk is full, and so the video cut off: OpenCV's writer does not tell."""
        size = self._partial.stat().st_size
        with self._partial.open("ab", buffering=0) as file:
            room = file.write(bytes(ROOM)) == ROOM
            file.truncate(size)
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
