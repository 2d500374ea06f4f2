"""Moving pictures: out into a file and in again, and what cannot be opened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces import video
from faces.errors import FacesError, SourceError
from faces.types import Image
from faces.video import CODECS, VideoSink, VideoSource

LEVELS = (30, 90, 150, 210)


def frame(level: int) -> Image:
    """A level in blue, and none in red."""
    image = np.full((48, 64, 3), level, np.uint8)
    image[:, :, 2] = 0
    return image


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", [*CODECS, ".AVI"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new folder" / f"vidéo{suffix}"
    with VideoSink(path, 10) as sink:
        for level in LEVELS:
            sink.write(frame(level))
        assert not path.exists()  # not before it is whole
    with VideoSource(str(path)) as source:
        found = list(source.frames())
        assert (source.live, round(source.rate)) == (False, 10)
    assert [image.shape for image in found] == [(48, 64, 3)] * len(LEVELS)
    for image, level in zip(found, LEVELS, strict=True):
        assert image.dtype == np.uint8
        assert abs(float(image[:, :, 0].mean()) - level) < 12
        assert image[:, :, 2].mean() < 25
    assert names_in(path.parent) == [path.name]


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_drops_the_video_unless_it_is_to_be_kept(
    tmp_path: Path, keep: bool, error: type[BaseException]
) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(b"old")
    with pytest.raises(error), VideoSink(path, 10, keep=keep) as sink:
        sink.write(frame(100))
        raise error
    assert names_in(tmp_path) == ["a.avi"]
    if keep:
        with VideoSource(str(path)) as source:
            assert len(list(source.frames())) == 1
    else:
        assert path.read_bytes() == b"old"


def test_a_video_without_frames_is_none(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "a.avi", 10):
        pass
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpg"])
def test_a_suffix_that_is_no_videos(tmp_path: Path, name: str) -> None:
    with pytest.raises(FacesError, match=r"cannot write such a video; use \.mp4"):
        VideoSink(tmp_path / name, 10)
    assert names_in(tmp_path) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FacesError, match="cannot write"):
        VideoSink(tmp_path / "file" / "a.avi", 10)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none.mp4", "no such video"),
        ("folder", "a folder, not a video"),
        ("text.mp4", "not a video that OpenCV can read"),
        ("empty.avi", "not a video that OpenCV can read"),
    ],
)
def test_sources_that_are_no_videos(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.avi").touch()
    with pytest.raises(SourceError, match=why) as caught:
        VideoSource(str(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("there", "words"), [(["0", "2"], "0, 2"), ([], "none")])
def test_a_camera_that_is_not_there(monkeypatch: pytest.MonkeyPatch, there: list[str], words: str) -> None:
    monkeypatch.setattr(video, "cameras", lambda: there)
    with pytest.raises(SourceError, match=f"camera 97 cannot be opened; cameras here: {words} "):
        VideoSource("97")


def test_a_stream_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="no stream comes from there"):
        VideoSource("http://127.0.0.1:9/video")


def test_cameras_on_linux_are_those_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["video10", "video2", "video-extra"]
    monkeypatch.setattr(video.sys, "platform", "linux")
    monkeypatch.setattr(video.Path, "glob", lambda *_: [Path("/dev", name) for name in names])
    assert video.cameras() == ["2", "10"]
