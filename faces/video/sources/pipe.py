"""What comes through a pipe, such as stdin."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from io import FileIO

import numpy as np

from faces.errors import SourceError
from faces.video.sources.base import USUAL_RATE, Tell
from faces.video.tracks import Frame


class Pipe:
    """A file to be read from start to end; ``close``, from any thread, ends a read that waits (not on Windows).

    interrupted: whether Ctrl-C came while FFmpeg read.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._closed = self.interrupted = False
        self._woken, self._wake = os.pipe()

    def __del__(self) -> None:
        os.close(self._woken)
        os.close(self._wake)

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, as soon as there are some; none at the end, or once interrupted."""
        try:
            return (self._file.read(size) or b"") if self._ready() else b""
        except KeyboardInterrupt:  # which would be lost in FFmpeg, whom this is called by
            self.interrupted = self._closed = True
            return b""

    def fill(self, buffer: memoryview) -> int:
        """Read until the buffer is full, or the end; how many bytes came."""
        count = 0
        while count < len(buffer) and self._ready():
            got = self._file.readinto(buffer[count:])
            if not got:
                break
            count += got
        return count

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            os.write(self._wake, b"!")

    def _ready(self) -> bool:
        """Wait until there is something to read, or the end; False once closed."""
        if not self._closed and os.name != "nt":
            select.select([self._file.fileno(), self._woken], [], [])
        return not self._closed


class RawStream:
    """Bare frames, one after another: blue, green, red of each pixel, row by row (FFmpeg's rawvideo in bgr24)."""

    live = False

    def __init__(self, name: str, pipe: Pipe, size: tuple[int, int], rate: float | None, tell: Tell) -> None:
        self.name = name
        self.rate = USUAL_RATE if rate is None else rate
        self._pipe = pipe
        self._shown = "stdin" if name == "-" else name
        self._size = size
        self._tell = tell
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        width, height = self._size
        index = 0
        while True:
            image = np.empty((height, width, 3), np.uint8)
            count = self._pipe.fill(image.data.cast("B"))
            if count < image.nbytes:
                break
            yield Frame(image, index, index / self.rate, time.monotonic())
            index += 1
        if self._closed.is_set():
            return
        if index == 0:
            raise SourceError(f"{self._shown}: not one whole picture of {width}x{height} px came ({count} bytes)")
        if count:
            self._tell(f"{self._shown}: the last {count} bytes are no whole picture: is {width}x{height} its size?")

    def close(self) -> None:
        self._closed.set()
        self._pipe.close()
