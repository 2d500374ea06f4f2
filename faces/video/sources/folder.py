"""A folder of frames."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from faces.errors import ImageError, SourceError, reason_of
from faces.files.finding import SUFFIXES, find_images
from faces.images import read_image
from faces.video.sources.base import USUAL_RATE, Tell
from faces.video.tracks import Frame


class FrameFolder:
    """The image files of a folder, at any depth, in natural order: ``frame_2`` before ``frame_10``."""

    live = False

    def __init__(self, name: str, rate: float | None, tell: Tell) -> None:
        self.name = name
        self.rate = USUAL_RATE if rate is None else rate
        self._tell = tell
        self._closed = threading.Event()
        try:
            self._paths = sorted(find_images(Path(name)), key=_natural)
        except OSError as error:
            raise SourceError(f"{error.filename}: {reason_of(error)}") from error
        if not self._paths:
            raise SourceError(f"{name}: no frames in this folder ({', '.join(sorted(SUFFIXES))})")

    def frames(self) -> Iterator[Frame]:
        count = 0
        for index, path in enumerate(self._paths):
            if self._closed.is_set():
                return
            try:
                image = read_image(path)
            except ImageError as error:
                self._tell(f"{path}: {error}: left out")
                continue
            yield Frame(image, index, index / self.rate, time.monotonic())
            count += 1
        if count == 0:
            raise SourceError(f"{self.name}: not one frame in this folder can be read")

    def close(self) -> None:
        self._closed.set()


def _natural(path: Path) -> list[list[str | int]]:
    """Numbers within names count as numbers."""
    return [[int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)] for name in path.parts]
