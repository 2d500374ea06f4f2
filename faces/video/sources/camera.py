"""Read a local camera with OpenCV."""

from __future__ import annotations

import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np
from cv2.utils import logging

from faces.errors import SourceError
from faces.video.sources.base import usable_rate
from faces.video.tracks import Frame

V4L_FOLDER = Path("/sys/class/video4linux")  # where Linux lists cameras
LARGEST_NUMBER = 2**31 - 1  # OpenCV accepts no larger camera number
PROBED_NUMBERS = 5  # camera numbers to try on systems that do not list cameras
READ_ATTEMPTS = 2  # a camera may miss one picture


@dataclass(frozen=True, slots=True)
class Camera:
    """A local camera.

    number: the number that OpenCV opens it by.
    device: such as ``/dev/video0``; empty if unknown.
    name: the product name.
    """

    number: int
    device: str
    name: str

    def __str__(self) -> str:
        return f"{self.number} ({self.name})"


def cameras() -> list[Camera]:
    """Return the local cameras: as Linux lists them, elsewhere the first numbers that can be opened."""
    if sys.platform.startswith("linux"):
        return linux_cameras()
    with _opencv_silenced():
        captures = [(number, cv2.VideoCapture(number)) for number in range(PROBED_NUMBERS)]
        opened = [Camera(number, "", f"camera {number}") for number, capture in captures if capture.isOpened()]
        for _, capture in captures:
            capture.release()
    return opened


def linux_cameras() -> list[Camera]:
    """Return the cameras that Linux lists, by number; empty on other systems."""
    listed = []
    for path in V4L_FOLDER.glob("video*"):
        number = path.name.removeprefix("video")
        device = Path("/dev", path.name)
        if number.isdecimal() and _captures_video(device):
            try:
                name = (path / "name").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                name = path.name
            listed.append(Camera(int(number), str(device), name))
    return sorted(listed, key=lambda camera: camera.number)


def _captures_video(device: Path) -> bool:
    """Whether the device captures pictures; many cameras have a second device for metadata. True if unknown.

    Source: VIDIOC_QUERYCAP, https://docs.kernel.org/userspace-api/media/v4l/vidioc-querycap.html
    """
    try:
        import fcntl

        with device.open("rb", buffering=0) as file:
            answer = fcntl.ioctl(file, 0x80685600, bytes(104))
    except (ImportError, OSError):
        return True
    capabilities, device_capabilities = struct.unpack_from("=II", answer, 84)
    has_device_capabilities = capabilities & 0x80000000
    # 0x1: single-planar capture, 0x1000: multi-planar capture
    return bool((device_capabilities if has_device_capabilities else capabilities) & 0x1001)


def find_camera(name: str) -> Camera | None:
    """Return the camera with this number, device or (part of a) name; None if there is none.

    Raises SourceError if several cameras have this name.
    """
    if name.isdecimal():
        return Camera(min(int(name), LARGEST_NUMBER), "", f"camera {name}")
    if name.startswith("/dev/"):
        device = str(Path(name).resolve())  # /dev/v4l/by-id/... are links
        number = device.removeprefix("/dev/video")
        return Camera(int(number), device, name) if number.isdecimal() else None
    partial = [camera for camera in linux_cameras() if name.casefold() in camera.name.casefold()]
    exact = [camera for camera in partial if camera.name.casefold() == name.casefold()]
    matches = exact or partial
    if len(matches) > 1:
        raise SourceError(f"{name}: several cameras have this name; give a number: {', '.join(map(str, matches))}")
    return matches[0] if matches else None


class CameraSource:
    """The pictures of a camera, as they arrive."""

    live = True
    length = None

    def __init__(self, name: str, camera: Camera, size: tuple[int, int] | None, rate: float | None) -> None:
        self.name = name
        self._shown = f"camera {name if name.isdecimal() else camera.number}"
        self._closed = threading.Event()
        with _opencv_silenced():
            self._capture = cv2.VideoCapture(camera.number)
        if not self._capture.isOpened():
            available = ", ".join(map(str, cameras())) or "none"
            raise SourceError(
                f"{self._shown} cannot be opened; available cameras: {available} (for a video file: --source FILE)"
            )
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if rate is not None:
            self._capture.set(cv2.CAP_PROP_FPS, rate)
        self.rate = usable_rate(float(self._capture.get(cv2.CAP_PROP_FPS)))

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures as they arrive. Raises SourceError when the camera gives none."""
        started = 0.0
        try:
            for index in count():
                frame = self._next()
                if self._closed.is_set():
                    return
                if frame is None and index == 0:
                    raise SourceError(f"{self._shown} opens, but gives no picture: is another program using it?")
                if frame is None:
                    raise SourceError(f"{self._shown} gives no more pictures: is it still plugged in?")
                image, arrived = frame
                started = started if index else arrived
                yield Frame(np.asarray(image, np.uint8), index, arrived - started, arrived)
        finally:
            self._capture.release()

    def _next(self) -> tuple[object, float] | None:
        for _ in range(READ_ATTEMPTS):
            if self._capture.grab():
                arrived = time.monotonic()
                success, image = self._capture.retrieve()
                if success:
                    return image, arrived
            if self._closed.wait(0.1):
                break
        return None

    def close(self) -> None:
        """End ``frames``; may be called from any thread."""
        self._closed.set()


@contextmanager
def _opencv_silenced() -> Iterator[None]:
    """Silence OpenCV's messages on stderr about missing devices."""
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
