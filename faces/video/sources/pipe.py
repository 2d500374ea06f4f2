"""Read from a pipe, such as stdin."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from io import FileIO

import numpy as np

from faces.errors import SourceError
from faces.video.sources.base import DEFAULT_RATE, Tell
from faces.video.tracks import Frame


class Pipe:
    """A file to read from start to end; ``close``, from any thread, ends a waiting read (not on Windows).

    interrupted: whether Ctrl-C came while FFmpeg was reading.
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._closed = self.interrupted = False
        self._wake_reader, self._wake_writer = os.pipe()

    def __del__(self) -> None:
        self._file.close()  # not stdin's own
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes as soon as there are any; none at the end or after an interrupt."""
        try:
            return (self._file.read(size) or b"") if self._wait() else b""
        except KeyboardInterrupt:  # FFmpeg, the caller, would swallow it
            self.interrupted = self._closed = True
            return b""

    def fill(self, buffer: memoryview) -> int:
        """Read until the buffer is full or the file ends; return the number of bytes read."""
        count = 0
        while count < len(buffer) and self._wait():
            read = self._file.readinto(buffer[count:])
            if not read:
                break
            count += read
        return count

    def close(self) -> None:
        """End a waiting read; may be called from any thread."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_writer, b"!")

    def _wait(self) -> bool:
        """Wait for data or the end of the file; False once closed."""
        if not self._closed and os.name != "nt":
            select.select([self._file.fileno(), self._wake_reader], [], [])
        return not self._closed


class RawSource:
    """Raw frames, one after another: blue, green, red of each pixel, row by row (FFmpeg's rawvideo in bgr24)."""

    live = False
    length = None

    def __init__(self, name: str, pipe: Pipe, size: tuple[int, int], rate: float | None, tell: Tell) -> None:
        self.name = name
        self.rate = DEFAULT_RATE if rate is None else rate
        self._pipe = pipe
        self._shown = "stdin" if name == "-" else name
        self._size = size
        self._tell = tell
        self._closed = threading.Event()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames; report an incomplete last one. Raises SourceError if there is no complete frame."""
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
            raise SourceError(f"{self._shown}: no complete frame of {width}x{height} px arrived ({count} bytes)")
        if count:
            self._tell(f"{self._shown}: the last {count} bytes are not a complete frame: is {width}x{height} its size?")

    def close(self) -> None:
        """End ``frames``; may be called from any thread."""
        self._closed.set()
        self._pipe.close()
