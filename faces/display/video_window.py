"""Show a video in a window, with keys to quit, pause and save a snapshot."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from faces.display.drawing import caption
from faces.display.window import Window
from faces.files.redaction import without_password
from faces.images import write_image
from faces.types import Image

RATE_FRAMES = 30  # over which the frames per second are measured


class VideoWindow:
    """A window for a video: q quits, p pauses, s saves a snapshot; use it as a context manager.

    title: of the window; passwords in addresses are hidden.
    snapshots: folder for the snapshots.
    tell: receives one line for each snapshot, or if there is no window.
    """

    def __init__(self, title: str, snapshots: Path, tell: Callable[[str], None]) -> None:
        self._window = Window(without_password(title), tell)
        self._snapshots = snapshots
        self._tell = tell
        self._times: deque[float] = deque(maxlen=RATE_FRAMES)
        self._picture: Image | None = None

    def show(self, picture: Image) -> bool:
        """Show a frame; False if the user quits."""
        if not self._window.open:
            return True
        self._picture = picture
        self._times.append(time.perf_counter())
        rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)
        return self._handle_key(self._window.show(caption(picture, f"{rate:.0f} frames/s")))

    def wait(self) -> bool:
        """Handle keys while no frame arrives; False if the user quits."""
        return self._handle_key(self._window.wait(1))

    def __enter__(self) -> VideoWindow:
        return self

    def __exit__(self, *_: object) -> None:
        self._window.close()

    def _handle_key(self, key: str) -> bool:
        if key == "p":
            while (key := self._window.wait(50)) not in ("p", "q"):
                self._save_snapshot(key)
        self._save_snapshot(key)
        return key != "q"

    def _save_snapshot(self, key: str) -> None:
        if key == "s" and self._picture is not None:
            path = self._snapshots / f"snapshot_{datetime.now():%Y%m%d-%H%M%S-%f}.png"
            write_image(path, self._picture)
            self._tell(f"snapshot -> {path}")
