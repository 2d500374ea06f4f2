"""Windows: where there is no display, and a real one on a display in memory."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import pytest

from faces.display import window as display_window
from faces.display.window import Window
from faces.types import Image
from tests.conftest import ROOT, command, environment, patience
from tests.displays import start_display
from tests.fakes import noise

TITLE = "recognize_video: 李小龍 Übersicht.mp4"

SHOWING = """
import sys
import cv2
from faces.display.window import Window
window = Window(sys.argv[1], print)
keys = ""
while "q" not in keys:
    if (picture := cv2.imread(sys.argv[2])) is not None and (key := window.show(picture, 20)):
        keys += key
        print(f"key {key!r}")
if not window.open:
    print(f"closed: {window.show(picture, 0)!r} {window.wait(0)!r}")
window.close()
print(f"open {window.open}")
"""
WAITING = """
import sys
import cv2
from faces.display.window import Window
window = Window(sys.argv[1], print)
print(f"key {window.show(cv2.imread(sys.argv[2]), 0)!r}")
"""


@pytest.fixture
def messages() -> list[str]:
    return []


def test_no_window_without_a_display(monkeypatch: pytest.MonkeyPatch, messages: list[str]) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a window was opened")

    monkeypatch.setattr(display_window, "_has_display", lambda: False)
    for name in ("namedWindow", "imshow", "waitKeyEx", "destroyWindow"):
        monkeypatch.setattr(cv2, name, fail)
    window = Window("title", messages.append)
    assert window.open is False
    assert window.show(np.zeros((2, 2, 3), np.uint8), 0) == ""
    assert window.wait(0) == ""
    window.close()
    assert messages == ["no display here: no window is shown"]


def test_an_opencv_without_windows(monkeypatch: pytest.MonkeyPatch, messages: list[str]) -> None:
    def fail(*_: object) -> None:
        raise cv2.error("The function is not implemented.")

    monkeypatch.setattr(display_window, "_has_display", lambda: True)
    monkeypatch.setattr(cv2, "namedWindow", fail)
    window = Window("title", messages.append)
    assert window.show(np.zeros((2, 2, 3), np.uint8), 0) == ""
    assert messages == ["this OpenCV is built without windows: none is shown"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are named so on Linux")
@pytest.mark.parametrize("name", [None, "", "nonsense", ":4711", "127.0.0.1:90", ":x"])
def test_displays_that_are_none(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    if name is not None:
        monkeypatch.setenv("DISPLAY", name)
    assert display_window._has_display() is False


# A real window


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    for tool, package in (("Xvfb", "xvfb"), ("xdotool", "xdotool"), ("import", "imagemagick")):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool} (Debian: {package})")
    if "GUI:" not in cv2.getBuildInformation() or "NONE" in cv2.getBuildInformation().split("GUI:")[1].split("\n")[0]:
        pytest.skip("this OpenCV is built without windows")
    server, name = start_display()
    yield name
    server.terminate()
    server.wait()


def python(script: str, picture: Path) -> list[str]:
    return [sys.executable, "-c", script, TITLE, str(picture)]


class CloseMessage(ctypes.Structure):
    """What a window manager sends for a click on the cross: Xlib's XClientMessageEvent, as long as its XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 24),
    )


def click_on_cross(display: str, window: int) -> None:
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    xlib.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(xlib.XOpenDisplay(display.encode()))
    protocols, delete = (xlib.XInternAtom(connection, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
    message = CloseMessage(33, 0, True, None, window, protocols, 32, (ctypes.c_long * 5)(delete))
    xlib.XSendEvent(connection, ctypes.c_ulong(window), False, ctypes.c_long(0), ctypes.byref(message))
    xlib.XCloseDisplay(connection)


class Shown:
    """A process that shows pictures, and what a user sees and does."""

    def __init__(self, display: str, line: list[str], title: str = TITLE, cwd: Path = ROOT) -> None:
        self._env = environment(DISPLAY=display)
        self._process = subprocess.Popen(
            line, cwd=cwd, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            self.window = soon(lambda: self.xdotool("search", "--onlyvisible", "--name", title.split()[0]))
        except AssertionError:
            self._process.kill()
            raise

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def xdotool(self, *arguments: str) -> str:
        result = subprocess.run(["xdotool", *arguments], env=self._env, capture_output=True, text=True, check=False)
        return result.stdout.strip()

    def press(self, key: str) -> None:
        self.xdotool("windowfocus", "--sync", self.window, "key", key)
        time.sleep(0.1)

    def sees(self, picture: Image, within: float = 0) -> bool:
        """Whether a picture, and nothing but it, comes to the corner of the screen.

        Without a window manager and beside much other work, Qt draws nothing at times until the window is mapped anew.
        """
        height, width = picture.shape[:2]

        def there() -> bool:
            shot = subprocess.run(
                ["import", "-silent", "-window", "root", "bmp:-"], env=self._env, check=True, capture_output=True
            )
            screen = cv2.imdecode(np.frombuffer(shot.stdout, np.uint8), cv2.IMREAD_COLOR)
            assert screen is not None
            beside = screen[height:].any() or screen[:, width:].any()
            return not beside and bool(cv2.absdiff(screen[:height, :width], picture).mean() <= within)

        for _ in range(10):
            with suppress(AssertionError):
                return soon(there, attempts=40)
            self.xdotool("windowunmap", "--sync", self.window, "windowmap", "--sync", self.window)
        return False

    def end(self) -> tuple[str, str]:
        """What it printed, once it has ended well."""
        output, errors = self._process.communicate(timeout=patience(20))
        assert self._process.returncode == 0, errors
        return output, errors


Answer = TypeVar("Answer")


def soon(condition: Callable[[], Answer], attempts: int = 400) -> Answer:
    """Return the first true answer. Attempts are counted, not seconds: the machine may stall in between."""
    for _ in range(attempts):
        if answer := condition():
            return answer
        time.sleep(0.05)
    raise AssertionError("nothing came")


def write(path: Path, image: Image) -> Path:
    cv2.imwrite(str(path), image)
    return path


def blocks(height: int, width: int, seed: int = 0) -> Image:
    """A picture without fine detail, which scaling changes little."""
    small = noise(height // 90, width // 90, seed)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def test_a_picture_is_shown_as_it_is_and_keys_are_told(display: str, tmp_path: Path) -> None:
    picture = noise(480, 640)
    with Shown(display, python(SHOWING, write(tmp_path / "a.png", picture))) as shown:
        assert shown.xdotool("getwindowname", shown.window) == TITLE
        assert shown.sees(picture)
        for key in ("p", "S", "Left", "F1", "Shift_L", "space", "q"):  # neither arrows nor function keys are letters
            shown.press(key)
        assert shown.end() == ("key 'p'\nkey 's'\nkey ' '\nkey 'q'\nopen False\n", "")


def test_escape_is_q(display: str, tmp_path: Path) -> None:
    with Shown(display, python(WAITING, write(tmp_path / "a.png", noise(90, 90)))) as shown:
        shown.press("Escape")
        assert shown.end() == ("key 'q'\n", "")


@pytest.mark.parametrize(
    ("script", "output"), [(SHOWING, "key 'q'\nclosed: 'q' 'q'\nopen False\n"), (WAITING, "key 'q'\n")]
)
def test_a_window_that_the_user_closes(display: str, tmp_path: Path, script: str, output: str) -> None:
    picture = noise(480, 640)
    with Shown(display, python(script, write(tmp_path / "a.png", picture))) as shown:
        assert shown.sees(picture)
        click_on_cross(display, int(shown.window))
        assert shown.end() == (output, "")


def test_large_pictures_fit_and_later_ones_change_the_size(display: str, tmp_path: Path) -> None:
    large, small = blocks(2160, 3840), blocks(450, 270, seed=1)
    with Shown(display, python(SHOWING, write(tmp_path / "a.png", large))) as shown:
        assert shown.sees(
            np.asarray(cv2.resize(large, display_window.LARGEST_WH, interpolation=cv2.INTER_AREA)), within=10
        )
        write(tmp_path / "b.png", small).replace(tmp_path / "a.png")  # read anew each time
        assert shown.sees(small)
        shown.press("q")
        assert shown.end() == ("key 'q'\nopen False\n", "")


def test_a_display_that_lets_nobody_in(display: str, tmp_path: Path) -> None:
    """As for root in a user's session: OpenCV would end the program."""
    name, cookie = b"MIT-MAGIC-COOKIE-1", bytes(range(16))
    entry = struct.pack(f">HHHH{len(name)}sH16s", 0xFFFF, 0, 0, len(name), name, len(cookie), cookie)
    (tmp_path / "cookies").write_bytes(entry)
    server, where = start_display("-auth", str(tmp_path / "cookies"))
    try:
        code = "from faces.display.window import Window; Window('a', print)"
        env = environment(DISPLAY=where, XAUTHORITY=str(tmp_path / "none"))
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
    finally:
        server.terminate()
        server.wait()
    assert (result.returncode, result.stdout) == (0, "no display here: no window is shown\n")


@pytest.mark.slow
def test_recognize_image_shows_what_it_writes(display: str, project: Path, tmp_path: Path) -> None:
    """Each photograph until a key; after q no more of them."""
    photographs = sorted((project / "dataset").resolve().glob("*/*.jpg"))[:3]
    line = command("recognize_image.py", "-i", *photographs, "--show")
    with Shown(display, line, "recognize_image", project) as shown:
        for photograph, key in zip(photographs, ("space", "q"), strict=False):
            copy = project / "output" / "annotated" / f"{photograph.stem}_annotated.jpg"
            assert soon(copy.exists)
            assert shown.sees(np.asarray(cv2.imread(str(copy))), within=5)  # JPEG
            shown.press(key)
        output, errors = shown.end()
    assert (len(output.splitlines()), errors) == (2, "")
