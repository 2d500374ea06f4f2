"""Read the frames in a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from natsort import natsort_keygen, ns

from faces.errors import ImageError, SourceError, reason_of
from faces.files.finding import SUFFIXES, find_images
from faces.images import read_image
from faces.video.sources.base import DEFAULT_RATE, Tell
from faces.video.tracks import Frame


class FolderSource:
    """The image files of a folder, at any depth, in natural order: ``frame_2`` before ``frame_10``."""

    live = False

    def __init__(self, name: str, rate: float | None, tell: Tell) -> None:
        self.name = name
        self.rate = DEFAULT_RATE if rate is None else rate
        self._tell = tell
        self._closed = threading.Event()
        others: list[str] = []
        try:
            images = find_images(Path(name), lambda path, reason: others.append(path.name))
            self._paths = sorted(images, key=natsort_keygen(alg=ns.PATH))
        except OSError as error:
            raise SourceError(f"{error.filename}: {reason_of(error)}") from error
        if not self._paths:
            raise SourceError(f"{name}: the folder has no frames ({', '.join(sorted(SUFFIXES))})")
        if others:
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            tell(f"{name}: left out, since not photographs that can be read: {others[0]}{more}")
        self.length = len(self._paths)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, without unreadable files. Raises SourceError if no file can be read."""
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
            raise SourceError(f"{self.name}: no frame in this folder can be read")

    def close(self) -> None:
        """End ``frames``; may be called from any thread."""
        self._closed.set()
