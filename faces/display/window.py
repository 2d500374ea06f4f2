"""A window that shows pictures and takes keys, where there is a display."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import cv2

from faces.types import Image

LARGEST = 1600, 900  # px: larger pictures open in a smaller window, which the user may enlarge
NAME = "faces"  # what OpenCV knows the window by; some of its systems take no other letters there
KEY_WAIT = 50  # ms: how soon a closed window is noticed while waiting for a key
ESCAPE = 27


class Window:
    """A window, or nothing but one line to ``tell`` where there is no display or OpenCV is built without windows.

    open: whether it is there; no longer once the user has closed it, from when on the key is always "q".
    """

    def __init__(self, title: str, tell: Callable[[str], None]) -> None:
        self.open = _has_display()
        self._size: tuple[int, int] | None = None
        self._key_without = ""
        if not self.open:
            tell("no display here: no window is shown")
            return
        try:
            cv2.namedWindow(NAME, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.setWindowTitle(NAME, title)
        except cv2.error:  # opencv-python-headless
            tell("this OpenCV is built without windows: none is shown")
            self.open = False

    def show(self, image: Image, wait_ms: int = 1) -> str:
        """Show a picture, then ``wait``."""
        if not self.open:
            return self._key_without
        size = image.shape[1], image.shape[0]
        if size != self._size:
            scale = min(1.0, LARGEST[0] / size[0], LARGEST[1] / size[1])
            cv2.resizeWindow(NAME, max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
            self._size = size
        cv2.imshow(NAME, image)
        return self.wait(wait_ms)

    def wait(self, wait_ms: int) -> str:
        """The key pressed within ``wait_ms`` (0: until there is one), in lower case; "" for none.

        "q" also for Esc and for a window that the user closed.
        """
        while self.open:
            code = cv2.waitKeyEx(wait_ms or KEY_WAIT)
            if not _is_there():
                self._key_without = "q"
                self.close()
                break
            letter = code & 0xFFFF  # above it shift and the like; arrows and function keys come out as more than 127
            if code >= 0 and 0 < letter < 128:
                return "q" if letter == ESCAPE else chr(letter).lower()
            if wait_ms:
                return ""
        return self._key_without

    def close(self) -> None:
        if self.open:
            self.open = False
            with suppress(cv2.error):  # the user was first
                cv2.destroyWindow(NAME)
                cv2.waitKey(1)


def _is_there() -> bool:
    try:
        return bool(cv2.getWindowProperty(NAME, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:  # of Qt, once the last window is closed
        return False


def _has_display() -> bool:
    """Whether windows can be opened; on Linux whether an X server lets us in, without which OpenCV ends the program."""
    if not sys.platform.startswith("linux"):
        return True
    host, _, number = os.environ.get("DISPLAY", "").rpartition(":")
    number = number.partition(".")[0]
    if not number.isdecimal():
        return False
    local = host in ("", "unix")
    place: str | tuple[str, int] = f"/tmp/.X11-unix/X{number}" if local else (host, 6000 + int(number))
    with socket.socket(socket.AF_UNIX if local else socket.AF_INET) as connection:
        connection.settimeout(2)  # which Xlib does not take
        try:
            connection.connect(place)
        except OSError:
            return False
    try:
        xlib = ctypes.CDLL("libX11.so.6")  # what OpenCV's windows use
    except OSError:
        return False
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    # Never closed: a bare X server begins anew when its last client leaves, and would while OpenCV opens its window.
    return bool(xlib.XOpenDisplay(None))
