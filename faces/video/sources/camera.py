"""Cameras of this machine, by OpenCV."""

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

SYSTEM = Path("/sys/class/video4linux")  # where Linux lists them
LAST = 2**31 - 1  # OpenCV takes no larger number
PROBED = 5  # numbers that are tried where the system does not list its cameras
TRIES = 2  # a camera may miss one picture


@dataclass(frozen=True, slots=True)
class Camera:
    """number: OpenCV's. device: such as ``/dev/video0``, or empty. name: as its maker calls it."""

    number: int
    device: str
    name: str

    def __str__(self) -> str:
        return f"{self.number} ({self.name})"


def cameras() -> list[Camera]:
    """The cameras of this machine: as Linux lists them, elsewhere those of the first numbers that can be opened."""
    if sys.platform.startswith("linux"):
        return listed()
    with _quiet():
        captures = [(number, cv2.VideoCapture(number)) for number in range(PROBED)]
        found = [Camera(number, "", f"camera {number}") for number, capture in captures if capture.isOpened()]
        for _, capture in captures:
            capture.release()
    return found


def listed() -> list[Camera]:
    """The cameras that the system lists: none but on Linux."""
    found = []
    for path in SYSTEM.glob("video*"):
        number = path.name.removeprefix("video")
        device = Path("/dev", path.name)
        if number.isdecimal() and _captures(device):
            try:
                name = (path / "name").read_text(encoding="utf-8", errors="replace").strip()
            except OSError:
                name = path.name
            found.append(Camera(int(number), str(device), name))
    return sorted(found, key=lambda camera: camera.number)


def _captures(device: Path) -> bool:
    """Whether it gives pictures: many cameras have a second device, for metadata alone. True where it cannot be told.

    Source: VIDIOC_QUERYCAP, https://docs.kernel.org/userspace-api/media/v4l/vidioc-querycap.html
    """
    try:
        import fcntl

        with device.open("rb", buffering=0) as file:
            answer = fcntl.ioctl(file, 0x80685600, bytes(104))
    except (ImportError, OSError):
        return True
    whole, own = struct.unpack_from("=II", answer, 84)
    return bool((own if whole & 0x80000000 else whole) & 0x1001)  # pictures in one plane, or in several


def find_camera(name: str) -> Camera | None:
    """The camera of that number, device or name, or of a part of its name; None where there is none.

    Raises SourceError where that part is of several cameras' names.
    """
    if name.isdecimal():
        return Camera(min(int(name), LAST), "", f"camera {name}")
    if name.startswith("/dev/"):
        device = str(Path(name).resolve())  # /dev/v4l/by-id/... are links
        number = device.removeprefix("/dev/video")
        return Camera(int(number), device, name) if number.isdecimal() else None
    named = [camera for camera in listed() if name.casefold() in camera.name.casefold()]
    exact = [camera for camera in named if camera.name.casefold() == name.casefold()]
    found = exact or named
    if len(found) > 1:
        raise SourceError(f"{name}: several cameras are called so; give a number: {', '.join(map(str, found))}")
    return found[0] if found else None


class CameraSource:
    """A camera's pictures, as they come."""

    live = True

    def __init__(self, name: str, camera: Camera, size: tuple[int, int] | None, rate: float | None) -> None:
        self.name = name
        self._shown = f"camera {name if name.isdecimal() else camera.number}"
        self._closed = threading.Event()
        with _quiet():
            self._capture = cv2.VideoCapture(camera.number)
        if not self._capture.isOpened():
            there = ", ".join(map(str, cameras())) or "none"
            raise SourceError(f"{self._shown} cannot be opened; cameras here: {there} (a video file: --source FILE)")
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if rate is not None:
            self._capture.set(cv2.CAP_PROP_FPS, rate)
        self.rate = usable_rate(float(self._capture.get(cv2.CAP_PROP_FPS)))

    def frames(self) -> Iterator[Frame]:
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
        for _ in range(TRIES):
            if self._capture.grab():
                arrived = time.monotonic()
                there, image = self._capture.retrieve()
                if there:
                    return image, arrived
            if self._closed.wait(0.1):
                break
        return None

    def close(self) -> None:
        self._closed.set()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without OpenCV's own lines on stderr about devices that are not there."""
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)
