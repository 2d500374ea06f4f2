"""Show pictures in a window and read keys, if there is a display."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import cv2

from faces.types import Image

LARGEST_WH = 1600, 900  # px: larger pictures open in a smaller window, which the user may enlarge
WINDOW_NAME = "faces"  # OpenCV's identifier; some of its window systems accept ASCII only
POLL_MS = 50  # how soon a closed window is noticed while waiting for a key
ESCAPE = 27


class Window:
    """A window; without a display, or with an OpenCV without windows, it only reports that.

    tell: receives one line if there is no window.

    open: whether the window is open. After the user has closed it, every key is "q".
    """

    def __init__(self, title: str, tell: Callable[[str], None]) -> None:
        self.open = _has_display()
        self._size: tuple[int, int] | None = None
        self._key_when_closed = ""
        if not self.open:
            tell("no display here: no window is shown")
            return
        try:
            cv2.namedWindow(WINDOW_NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.setWindowTitle(WINDOW_NAME, title)
        except cv2.error:  # opencv-python-headless
            tell("this OpenCV is built without windows: none is shown")
            self.open = False

    def show(self, image: Image, wait_ms: int = 1) -> str:
        """Show a picture, wait, and return the key as ``wait`` does."""
        if not self.open:
            return self._key_when_closed
        size = image.shape[1], image.shape[0]
        if size != self._size:
            scale = min(1.0, LARGEST_WH[0] / size[0], LARGEST_WH[1] / size[1])
            cv2.resizeWindow(WINDOW_NAME, max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
            self._size = size
        cv2.imshow(WINDOW_NAME, image)
        return self.wait(wait_ms)

    def wait(self, wait_ms: int) -> str:
        """Return the key pressed within a time, in lower case; "" for none, "q" for Esc and a closed window.

        wait_ms: 0 waits until a key is pressed.
        """
        while self.open:
            code = cv2.waitKeyEx(wait_ms or POLL_MS)
            if not _is_visible():
                self._key_when_closed = "q"
                self.close()
                break
            letter = code & 0xFFFF  # without modifiers such as shift; arrows and function keys are above 127
            if code >= 0 and 0 < letter < 128:
                return "q" if letter == ESCAPE else chr(letter).lower()
            if wait_ms:
                return ""
        return self._key_when_closed

    def close(self) -> None:
        """Close the window."""
        if self.open:
            self.open = False
            with suppress(cv2.error):  # the user has closed it
                cv2.destroyWindow(WINDOW_NAME)
                cv2.waitKey(1)


def _is_visible() -> bool:
    try:
        return bool(cv2.getWindowProperty(WINDOW_NAME, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:  # Qt raises it once the last window is closed
        return False


def _has_display() -> bool:
    """Whether windows can be opened; on Linux, whether an X server accepts us: without one, OpenCV ends the program."""
    if not sys.platform.startswith("linux"):
        return True
    host, _, number = os.environ.get("DISPLAY", "").rpartition(":")
    number = number.partition(".")[0]
    if not number.isdecimal():
        return False
    local = host in ("", "unix")
    place: str | tuple[str, int] = f"/tmp/.X11-unix/X{number}" if local else (host, 6000 + int(number))
    with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as connection:
        connection.settimeout(2)  # Xlib has no such timeout
        try:
            connection.connect(place)
        except OSError:
            return False
    try:
        xlib = ctypes.CDLL("libX11.so.6")  # OpenCV's windows use it
    except OSError:
        return False
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    # Never closed: a bare X server resets when its last client leaves, and would while OpenCV opens its window.
    return bool(xlib.XOpenDisplay(None))
