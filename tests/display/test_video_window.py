"""The window of a video: its keys, with a window that answers from a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.display import video_window
from faces.display.video_window import VideoWindow
from faces.images import read_image

PICTURE = np.full((40, 60, 3), 90, np.uint8)


class Keys:
    """A window whose user presses the keys of a list."""

    def __init__(self, keys: list[str], is_open: bool = True) -> None:
        self.keys, self.open = keys, is_open

    def show(self, image: object) -> str:
        return self.keys.pop(0)

    def wait(self, wait_ms: int) -> str:
        return self.keys.pop(0)

    def close(self) -> None:
        self.open = False


def shown(monkeypatch: pytest.MonkeyPatch, folder: Path, window: Keys) -> tuple[VideoWindow, list[str]]:
    messages: list[str] = []
    monkeypatch.setattr(video_window, "Window", lambda title, tell: window)
    return VideoWindow("title", folder, messages.append), messages


def test_q_quits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = Keys(["", "", "q"])
    video, _ = shown(monkeypatch, tmp_path, keys)
    with video:
        assert video.show(PICTURE) and video.wait() and not video.show(PICTURE)
    assert not keys.open


def test_p_pauses_and_s_saves_a_snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    video, messages = shown(monkeypatch, tmp_path, Keys(["p", "", "s", "p", "p", "q"]))
    assert video.show(PICTURE)
    assert not video.show(PICTURE)
    (snapshot,) = tmp_path.iterdir()
    assert messages == [f"snapshot -> {snapshot}"]
    assert (read_image(snapshot) == PICTURE).all()  # without the frame rate


def test_no_snapshot_before_the_first_frame(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    video, messages = shown(monkeypatch, tmp_path, Keys(["s"]))
    assert video.wait()
    assert messages == []


def test_a_window_that_is_not_open_shows_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    video, _ = shown(monkeypatch, tmp_path, Keys([], is_open=False))
    assert video.show(PICTURE)
