"""Written videos: what players read from them, and that they stay valid whatever fails."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from faces.errors import FacesError
from faces.types import Image
from faces.video import encoder
from faces.video import sink as video_sink
from faces.video.encoder import CONTAINERS
from faces.video.sink import VideoSink
from faces.video.sources import open_source
from tests.conftest import ROOT, disk
from tests.fakes import noise

pytestmark = pytest.mark.slow

LEVELS = (30, 90, 150, 210)
every_suffix = pytest.mark.parametrize("suffix", CONTAINERS)


def frame(level: int, width: int = 64, height: int = 48) -> Image:
    """A level in blue, and none in red."""
    image = np.full((height, width, 3), level, np.uint8)
    image[:, :, 2] = 0
    return image


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def record(
    path: Path, rate: float, times: Iterable[float], images: Sequence[Image] | None = None, live: bool = False
) -> Path:
    with VideoSink(path, rate, live) as sink:
        for index, when in enumerate(times):
            sink.write(images[index] if images else frame(LEVELS[index % 4]), when)
    return path


def opencv_frames(path: Path) -> list[Image]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(np.asarray(read[1], np.uint8))
    return frames


def times_in(path: Path) -> list[float]:
    """Of all frames that can be decoded, s."""
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def ffprobe(path: Path) -> dict[str, str]:
    """What FFmpeg's own tool finds, every frame decoded; fails where it complains."""
    if shutil.which("ffprobe") is None:
        pytest.skip("needs ffprobe")
    entries = "stream=codec_name,pix_fmt,avg_frame_rate,nb_read_frames"
    result = subprocess.run(
        [
            "ffprobe",
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            entries,
            "-of",
            "default=noprint_wrappers=1",
            path,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    return dict(line.split("=") for line in result.stdout.split())


@pytest.mark.parametrize("suffix", [*CONTAINERS, ".AVI"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "new folder" / f"12:30 vidéo{suffix}"
    with VideoSink(path, 10) as sink:
        for index, level in enumerate(LEVELS):
            sink.write(frame(level), index / 10)
        assert not path.exists()  # not before it is whole
    frames = opencv_frames(path)
    assert [image.shape for image in frames] == [(48, 64, 3)] * len(LEVELS)
    for image, level in zip(frames, LEVELS, strict=True):
        assert abs(float(image[:, :, 0].mean()) - level) < 12
        assert image[:, :, 2].mean() < 25
    assert names_in(path.parent) == [path.name]
    codec = "mpeg4" if suffix.lower() == ".avi" else "h264"
    assert ffprobe(path) == {"codec_name": codec, "pix_fmt": "yuv420p", "avg_frame_rate": "10/1", "nb_read_frames": "4"}


@pytest.mark.parametrize("colour", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (40, 90, 230)])
@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_colours_are_kept(tmp_path: Path, suffix: str, colour: tuple[int, int, int]) -> None:
    image = np.full((720, 1280, 3), colour, np.uint8)  # of a size for which players suppose BT.709 when not told
    [image] = opencv_frames(record(tmp_path / f"a{suffix}", 10, [0], [image]))
    assert np.abs(image.reshape(-1, 3).mean(axis=0) - colour).max() < 6


@every_suffix
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25), Fraction(15, 2)])
def test_a_constant_rate_is_kept_to_the_frame(tmp_path: Path, suffix: str, rate: Fraction) -> None:
    """From a first time that is not 0, and rounded to ms as in Matroska."""
    path = record(tmp_path / f"a{suffix}", float(rate), [7 + round(float(i / rate), 3) for i in range(100)])
    assert (ffprobe(path)["avg_frame_rate"], ffprobe(path)["nb_read_frames"]) == (
        f"{rate.numerator}/{rate.denominator}",
        "100",
    )
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(float(rate))
    assert round(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 100
    assert times_in(path) == pytest.approx([float(i / rate) for i in range(100)], abs=0.001)


@pytest.mark.parametrize(("suffix", "error"), [(".mp4", 0.5 / 8), (".mkv", 0.5 / 8), (".avi", 0.5)])
def test_frames_keep_their_times(tmp_path: Path, suffix: str, error: float) -> None:
    """Of a variable rate, as when frames were dropped; in .avi to the next multiple of 1 / rate."""
    times = np.cumsum(np.random.default_rng(0).uniform(0.04, 0.3, 50))
    stamps = times_in(record(tmp_path / f"a{suffix}", 25, times.tolist()))
    assert np.abs(stamps - (times - times[0])).max() <= error / 25 + 0.001


@every_suffix
def test_times_that_stand_still_or_run_back(tmp_path: Path, suffix: str) -> None:
    stamps = times_in(record(tmp_path / f"a{suffix}", 25, [3, 3, 3.04, 2.9, 3.2]))
    assert len(stamps) == 5
    assert (np.diff(stamps) > 0).all()
    assert stamps[-1] == pytest.approx(0.2, abs=0.041)


@every_suffix
def test_a_long_pause_of_a_live_source_becomes_a_short_one(tmp_path: Path, suffix: str) -> None:
    stamps = times_in(record(tmp_path / f"a{suffix}", 10, [0, 0.1, 4, 604, 604.1], live=True))
    assert stamps == pytest.approx([0, 0.1, 4, 5, 5.1], abs=0.002)


@every_suffix
def test_a_long_pause_of_a_file_is_kept(tmp_path: Path, suffix: str) -> None:
    """The video has the times of the events, which are the file's own."""
    times = [0, 0.1, 4, 604, 604.1]
    assert times_in(record(tmp_path / f"a{suffix}", 10, times)) == pytest.approx(times, abs=0.002)


def test_a_frame_every_ten_seconds_is_no_pause(tmp_path: Path) -> None:
    assert times_in(record(tmp_path / "a.mp4", 0.1, [0, 10, 20], live=True)) == pytest.approx([0, 10, 20])


@every_suffix
@pytest.mark.parametrize("wh", [(63, 47), (64, 47), (63, 48), (1, 1), (3, 200), (200, 3)])
def test_odd_sizes_become_even(tmp_path: Path, suffix: str, wh: tuple[int, int]) -> None:
    images = [frame(120, *wh)] * 3
    frames = opencv_frames(record(tmp_path / f"a{suffix}", 10, [0, 0.1, 0.2], images))
    assert [image.shape[:2] for image in frames] == [(wh[1] + wh[1] % 2, wh[0] + wh[0] % 2)] * 3
    assert abs(float(frames[0][:, :, 0].min()) - 120) < 12  # no dark edge


def test_frames_of_other_sizes_are_scaled_between_black_bars(tmp_path: Path) -> None:
    sizes = [(64, 48), (128, 96), (16, 48), (640, 100), (63, 48), (64, 48)]
    images = [frame(200, *wh) for wh in sizes]
    frames = opencv_frames(record(tmp_path / "a.mp4", 10, np.arange(6) / 10, images))
    assert [image.shape for image in frames] == [(48, 64, 3)] * 6
    bright = [(image[:, :, 0] > 100) for image in frames]
    shapes = [(int(b.any(axis=1).sum()), int(b.any(axis=0).sum())) for b in bright]
    for shape, expected in zip(shapes, [(48, 64), (48, 64), (48, 16), (10, 64), (48, 64), (48, 64)], strict=True):
        assert np.abs(np.subtract(shape, expected)).max() <= 2
    assert bright[2][:, 24:40].all()  # in the middle


@every_suffix
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failure_drops_the_video_unless_it_is_to_be_kept(
    tmp_path: Path, suffix: str, keep: bool, error: type[BaseException]
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(error), VideoSink(path, 10, live=keep) as sink:
        sink.write(frame(100), 0)
        raise error
    assert names_in(tmp_path) == [path.name]
    if keep:
        assert len(opencv_frames(path)) == 1
    else:
        assert path.read_bytes() == b"old"


@pytest.mark.parametrize("error", [FacesError, BrokenPipeError])
@pytest.mark.parametrize("seconds", [0.5, 3])
def test_an_error_that_is_not_the_videos_leaves_what_is_worth_it(
    tmp_path: Path, error: type[Exception], seconds: float
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    with pytest.raises(error), VideoSink(path, 10) as sink:
        for index in range(round(10 * seconds)):
            sink.write(frame(100), index / 10)
        raise error
    assert names_in(tmp_path) == [path.name]
    assert (path.read_bytes() == b"old") == (seconds < 1)
    assert seconds < 1 or len(opencv_frames(path)) == 10 * seconds


def test_a_video_without_frames_is_none(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "a.avi", 10):
        pass
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["a.gif", "a", "a.jpg"])
def test_a_suffix_that_is_no_videos(tmp_path: Path, name: str) -> None:
    with pytest.raises(FacesError, match=r"cannot write this kind of video; use \.mp4"):
        VideoSink(tmp_path / name, 10)
    assert names_in(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path in (tmp_path / "file" / "a.avi", tmp_path / "folder.mp4", tmp_path / f"{'a' * 300}.mp4"):
        with pytest.raises(FacesError, match="cannot write") as caught:
            VideoSink(path, 10)
        assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == ["file", "folder.mp4"]


@every_suffix
def test_pictures_that_no_video_takes(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(FacesError, match=r"cannot write .*: 20001 x 10 px is too large for a video"):
        record(tmp_path / f"a{suffix}", 10, [0], [frame(9, 20001, 10)])
    assert names_in(tmp_path) == []


def test_a_folder_that_vanishes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.mp4"
    with pytest.raises(FacesError, match=r"cannot write .*a\.mp4: no such file"), VideoSink(path, 10) as sink:
        shutil.rmtree(path.parent)
        for index in range(100):
            sink.write(frame(99), index / 10)


def test_our_own_mistakes_come_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(encoder, "fit", fail)
    with pytest.raises(ZeroDivisionError):
        record(tmp_path / "a.mp4", 10, np.arange(100) / 10)
    assert names_in(tmp_path) == []


def test_encoding_overlaps_with_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many pictures as may wait are taken at once, although encoding them takes a while."""
    fit = encoder.fit

    def slowly(*args: Any) -> Any:
        time.sleep(0.1)
        return fit(*args)

    monkeypatch.setattr(encoder, "fit", slowly)
    start = time.monotonic()
    with VideoSink(tmp_path / "a.mp4", 10) as sink:
        for index in range(video_sink.QUEUED_PICTURES):
            sink.write(frame(LEVELS[index]), index / 10)
        taken = time.monotonic() - start
    assert taken < 0.1 * video_sink.QUEUED_PICTURES / 2
    assert len(opencv_frames(sink.path)) == video_sink.QUEUED_PICTURES


# Disks that fill, and crashes

PICTURES = [  # about 4 kB each
    np.asarray(cv2.GaussianBlur(noise(120, 160, seed % 10), (0, 0), 1.5), np.uint8) for seed in range(50)
]
RATE = 10


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 400 kB."""
    with disk(tmp_path / "small", "400k") as folder:
        yield folder


def fill(path: Path) -> tuple[int, FacesError]:
    """Write pictures until there is no more room: how many, and the error."""
    with pytest.raises(FacesError) as caught, VideoSink(path, RATE) as sink:
        for index in range(2000):
            sink.write(PICTURES[index % 50], index / RATE)
    return index, caught.value


@every_suffix
@pytest.mark.parametrize("old", [True, False])
def test_a_disk_that_fills_keeps_the_video_so_far(small_disk: Path, suffix: str, old: bool) -> None:
    path = small_disk / f"out{suffix}"
    if old:
        path.write_bytes(b"old")
    written, error = fill(path)
    seconds = re.fullmatch(rf"cannot write {path}: no space left on device; the first (.*) s are in it", str(error))
    assert seconds is not None
    assert float(seconds[1]) == pytest.approx(len(times_in(path)) / RATE, abs=1.01 / RATE)  # FFmpeg 7: less a frame
    assert names_in(small_disk) == [path.name]
    lost = written - video_sink.QUEUED_PICTURES - len(times_in(path))
    assert lost <= RATE  # the last fragment, and what was on its way
    assert len(times_in(path)) > 30
    assert ffprobe(path)["nb_read_frames"] == str(len(times_in(path)))
    frames = opencv_frames(path)
    assert len(frames) == len(times_in(path))
    for index in (0, len(frames) // 2, len(frames) - 1):
        assert np.abs(frames[index].astype(int) - PICTURES[index % 50]).mean() < 12


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of resources")
@every_suffix
def test_a_disk_that_is_full_at_the_very_end(tmp_path: Path, suffix: str) -> None:
    """The index that comes last finds no room, in part or at all; nor is missed what FFmpeg wrote over before that."""
    import resource

    times, path = np.arange(48) / RATE, tmp_path / f"out{suffix}"
    size = record(path, RATE, times, PICTURES[:48]).stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for missing in (1, 8, 300, 600, 900, 1200, 2500):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - missing, limits[1]))
        try:
            with pytest.raises(FacesError, match=r"file too large; the first 4\.\d s are in it"):
                record(path, RATE, times, PICTURES[:48])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert len(times_in(path)) >= 48 - encoder.FRAGMENT_SECONDS * RATE - 1
        assert len(opencv_frames(path)) == int(ffprobe(path)["nb_read_frames"]) == len(times_in(path))


@pytest.mark.parametrize("old", [True, False])
def test_a_disk_without_room_for_a_second_keeps_what_was_there(small_disk: Path, old: bool) -> None:
    path = small_disk / "out.mp4"
    if old:
        path.write_bytes(b"old")
    (small_disk / "filling").write_bytes(bytes(384 << 10))
    _, error = fill(path)
    assert str(error) == f"cannot write {path}: no space left on device"
    assert names_in(small_disk) == (["filling", "out.mp4"] if old else ["filling"])
    assert not old or path.read_bytes() == b"old"


ENDLESS = """
import sys
from pathlib import Path
from itertools import count
from faces.video.sink import VideoSink
from tests.video.test_sink import PICTURES, RATE
with VideoSink(Path(sys.argv[1]), RATE) as sink:
    for index in count():
        sink.write(PICTURES[index % 50], index / RATE)
        if index == 100:
            print("enough", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.slow
@every_suffix
def test_a_killed_process_leaves_a_video_that_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [partial] = tmp_path.iterdir()
    assert len(opencv_frames(partial)) >= 100 - video_sink.QUEUED_PICTURES - encoder.FRAGMENT_SECONDS * RATE - 2
    assert (
        len(list(open_source(str(partial)).frames())) >= 90 - video_sink.QUEUED_PICTURES
    )  # but for the frame it died in
