"""Frames from every kind of source, with real files, pipes and servers; and sources that cannot be opened."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.images import write_image
from faces.types import Image
from faces.video.sources import FrameSource, base, camera, cameras, media, open_source, stream
from faces.video.tracks import Frame
from tests.conftest import ROOT, patience

av = pytest.importorskip("av")
FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg here to serve streams")
needs_pipes = pytest.mark.skipif(os.name == "nt", reason="Windows cannot wait for a pipe")
SIZE, RATE, COUNT = (64, 48), 10, 12


def picture(index: int, size: tuple[int, int] = SIZE) -> Image:
    """A frame, brighter than the last, with a blue upper left quarter; noise keeps files from being tiny."""
    image = np.random.default_rng(index).integers(0, 20, (size[1], size[0], 3), np.uint8)
    image += np.uint8(10 * index)
    image[: size[1] // 2, : size[0] // 2] = 255, 0, 0
    return image


def film(
    target: Path | BytesIO, container: str, codec: str, count: int = COUNT, size: tuple[int, int] = SIZE, turn: int = 0
) -> None:
    """Write a video of ``picture``s."""
    with av.open(target, "w", format=container, options={"movflags": "faststart"} if container == "mp4" else {}) as out:
        track = out.add_stream(codec, rate=RATE)
        track.width, track.height = size
        track.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if turn:
            track.set_display_rotation(turn)
        for index in range(count):
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture(index, size), format="bgr24")))
        out.mux(track.encode(None))


def level(frame: Frame) -> float:
    """How bright its lower right quarter is."""
    height, width = frame.image.shape[:2]
    return float(frame.image[height // 2 :, width // 2 :].mean())


def all_frames(source: FrameSource) -> list[Frame]:
    frames = list(source.frames())
    for frame in frames:
        assert frame.image.dtype == np.uint8 and frame.image.flags.c_contiguous and frame.image.flags.writeable
    return frames


def assert_is_film(frames: Sequence[Frame], tolerance: float = 6) -> None:
    assert [frame.index for frame in frames] == list(range(COUNT))
    assert np.allclose([frame.time for frame in frames], np.arange(COUNT) / RATE, atol=0.002)
    assert all(frame.image.shape == (SIZE[1], SIZE[0], 3) for frame in frames)
    assert np.allclose([level(frame) for frame in frames], [10 * i + 9.5 for i in range(COUNT)], atol=tolerance)
    assert frames[0].image[8, 8, 0] > 200 and frames[0].image[8, 8, 2] < 60


# Files


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [
        ("a.mp4", "mp4", "libx264"),
        ("vidéo 1%d.mkv", "matroska", "libx264"),
        ("a.avi", "avi", "mjpeg"),
        ("a:b.ts", "mpegts", "mpeg2video"),
        ("no suffix", "mov", "mpeg4"),
    ],
)
def test_a_file(tmp_path: Path, name: str, container: str, codec: str) -> None:
    film(tmp_path / name, container, codec)
    source = open_source(str(tmp_path / name))
    assert (source.live, source.rate, source.name) == (False, RATE, str(tmp_path / name))
    assert_is_film(all_frames(source))


@pytest.mark.parametrize(("turn", "corner"), [(90, (-8, 8)), (-90, (8, -8)), (180, (-8, -8))])
def test_a_phones_video_is_turned_upright(tmp_path: Path, turn: int, corner: tuple[int, int]) -> None:
    """The blue corner, upper left as the camera was held, goes where the file says: counterclockwise."""
    film(tmp_path / "a.mp4", "mp4", "libx264", turn=turn)
    image = next(open_source(str(tmp_path / "a.mp4")).frames()).image
    assert image.shape == ((*SIZE, 3) if turn != 180 else (*SIZE[::-1], 3))
    assert image[corner][0] > 200 and image[corner][2] < 60
    assert image[8, 8, 0] < 60


def test_transparent_frames_lie_on_white(tmp_path: Path) -> None:
    hidden = np.dstack([picture(5), np.zeros(SIZE[::-1], np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), hidden)
    with av.open(tmp_path / "a.mov", "w") as out:
        track = out.add_stream("qtrle", rate=RATE)
        track.width, track.height = SIZE
        track.pix_fmt = "argb"
        out.mux(track.encode(av.VideoFrame.from_ndarray(hidden, format="bgra")))
        out.mux(track.encode())
    for name in ("a.png", "a.mov"):
        (frame,) = open_source(str(tmp_path / name)).frames()
        assert (frame.image == 255).all(), name


def test_frames_that_change_size_in_the_middle(tmp_path: Path) -> None:
    small, large = BytesIO(), BytesIO()
    film(small, "mpegts", "mpeg2video", count=5)
    film(large, "mpegts", "mpeg2video", count=6, size=(160, 96))
    path = tmp_path / "a.ts"
    path.write_bytes(small.getvalue() + large.getvalue())
    frames = all_frames(open_source(str(path)))
    shapes = [frame.image.shape[:2] for frame in frames]
    assert shapes[0] == (48, 64) and shapes[-1] == (96, 160)
    assert shapes == sorted(shapes) and len(shapes) >= 9
    assert np.allclose(np.diff([frame.time for frame in frames]), 1 / RATE, atol=0.002)  # the second starts at 0 again


def test_a_file_that_is_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    path, lines = tmp_path / "a.mp4", list[str]()
    film(path, "mp4", "mjpeg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = all_frames(open_source(str(path), tell=lines.append))
    assert 2 <= len(frames) < COUNT
    assert [line for line in lines if line.endswith(f"the video is cut off: it has {len(frames)} of {COUNT} frames")]


def test_damaged_frames_are_left_out(tmp_path: Path) -> None:
    path, lines = tmp_path / "a.avi", list[str]()
    film(path, "avi", "mjpeg")
    data = path.read_bytes()
    first = data.index(b"\xff\xd8\xff", len(data) // 2)
    end = data.index(b"\xff\xd9", first)
    path.write_bytes(data[:first] + bytes(end - first) + data[end:])
    frames = all_frames(open_source(str(path), tell=lines.append))
    assert len(frames) == COUNT - 1
    assert lines == [f"{path}: 1 damaged frame was left out"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("text.mp4", b"no video", "damaged, cut off, or not a video that FFmpeg can read"),
        ("empty.avi", b"", "damaged, cut off, or not a video that FFmpeg can read"),
        ("zeros.ts", bytes(10**5), "damaged, cut off, or not a video that FFmpeg can read"),
    ],
)
def test_files_that_are_no_videos(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=f"{name}: {why}"):
        open_source(str(tmp_path / name))


def test_a_video_without_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    film(path, "avi", "mjpeg")
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"movi") + 4])  # the header, and nothing after it
    with pytest.raises(SourceError, match="no picture") as caught:
        all_frames(open_source(str(path)))
    assert "\n" not in str(caught.value)


def test_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    with pytest.raises(SourceError, match="it contains no video"):
        open_source(str(path))


@pytest.mark.parametrize("name", ["none.mp4", "no such/folder", "x" * 5000, "a\0b", "/dev/null"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(SourceError, match="no video, folder or camera has this name; available cameras: ") as caught:
        open_source(name)
    assert "\n" not in str(caught.value)


def test_closing_ends_the_frames(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", "mp4", "libx264")
    source = open_source(str(tmp_path / "a.mp4"))
    frames = source.frames()
    next(frames)
    source.close()
    assert len(list(frames)) <= 2  # of one packet


@pytest.mark.parametrize(("size", "rate"), [((64, 48), None), (None, 30.0)])
def test_a_file_has_its_own_size_and_rate(tmp_path: Path, size: tuple[int, int] | None, rate: float | None) -> None:
    film(tmp_path / "a.mp4", "mp4", "libx264")
    with pytest.raises(SourceError, match=r"has its own (size|rate); remove --"):
        open_source(str(tmp_path / "a.mp4"), size, rate)


def test_times_go_forward_whatever_a_file_says() -> None:
    timeline = base.Timeline(10)
    stamps = [5.0, 5.2, None, 5.3, 5.3, 0.0, 0.1, 100.0]
    assert np.allclose([timeline(stamp) for stamp in stamps], [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 100.6])


@pytest.mark.parametrize(
    ("stamps", "times", "jumped"),
    [
        ([0, 0.1, 600, 600.1], [0, 0.1, 600, 600.1], None),  # a gap, as of a camera that records when somebody moves
        ([0, 0.1, 900, 900.1], [0, 0.1, 0.2, 0.3], 0.2),
        ([95443, 95443.1, 0, 0.1, 900], [0, 0.1, 0.2, 0.3, 0.4], 0.2),  # the first of two
        ([0, 0.1, None, 900], [0, 0.1, 0.2, 0.3], None),
        ([0, 0.1, 0.1, 0.3], [0, 0.1, 0.2, 0.4], None),  # a frame that is there twice
    ],
)
def test_time_stamps_that_jump(stamps: list[float | None], times: list[float], jumped: float | None) -> None:
    timeline = base.Timeline(10)
    assert np.allclose([timeline(stamp) for stamp in stamps], times)
    assert timeline.jumped == pytest.approx(jumped)


# Folders


@pytest.mark.parametrize("rate", [10, 0.5])
def test_a_folder_in_natural_order(tmp_path: Path, rate: float) -> None:
    sizes = {"frame_10.png": 30, "frame_2.png": 20, "frame_1.jpg": 10, "b/1.png": 50, "a10/1.png": 45, "a9/1.png": 40}
    for name, size in sizes.items():
        write_image(tmp_path / name, np.full((size, 64, 3), size, np.uint8))
    (tmp_path / "notes.txt").write_text("no frame")
    source = open_source(str(tmp_path), rate=rate)
    assert (source.live, source.rate) == (False, rate)
    frames = all_frames(source)
    assert [frame.image.shape[0] for frame in frames] == [40, 45, 50, 10, 20, 30]
    assert np.allclose([frame.time for frame in frames], np.arange(6) / rate)


def test_an_unreadable_frame_of_a_folder_is_told_and_left_out(tmp_path: Path) -> None:
    lines: list[str] = []
    for name in ("1.png", "3.png"):
        write_image(tmp_path / name, picture(0))
    (tmp_path / "2.png").write_bytes(b"no image")
    frames = all_frames(open_source(str(tmp_path), tell=lines.append))
    assert [(frame.index, frame.time) for frame in frames] == [(0, 0), (2, 2 / base.DEFAULT_RATE)]
    assert lines == [f"{tmp_path / '2.png'}: not an image: left out"]


def test_other_files_of_a_folder_are_told(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png", picture(1))
    for name in ("notes.txt", "sound.wav"):
        (tmp_path / name).touch()
    lines: list[str] = []
    assert len(list(open_source(str(tmp_path), tell=lines.append).frames())) == 1
    assert lines == [f"{tmp_path}: left out, since not photographs that can be read: notes.txt and 1 more"]


def test_folders_without_frames(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the folder has no frames"):
        open_source(str(tmp_path))
    (tmp_path / "1.png").touch()
    with pytest.raises(SourceError, match="no frame in this folder can be read"):
        all_frames(open_source(str(tmp_path)))


# Stdin


@contextmanager
def stdin(monkeypatch: pytest.MonkeyPatch, data: bytes | None) -> Iterator[None]:
    """A pipe in place of stdin, through which ``data`` comes; None: a pipe through which nothing ever does."""
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as file:
            file.write(data or b"")

    with os.fdopen(reader) as file:
        monkeypatch.setattr(sys, "stdin", file)
        thread = threading.Thread(target=write if data is not None else lambda: None)
        thread.start()
        yield
    thread.join()
    if data is None:
        os.close(writer)


@pytest.mark.parametrize("rate", [None, 10.0, 0.25])
def test_bare_frames_on_stdin(monkeypatch: pytest.MonkeyPatch, rate: float | None) -> None:
    images, lines = [picture(index) for index in range(COUNT)], list[str]()
    with stdin(monkeypatch, b"".join(image.tobytes() for image in images) + b"rest"):
        source = open_source("-", SIZE, rate, tell=lines.append)
        frames = all_frames(source)
    assert (source.live, source.rate) == (False, rate or 25)
    assert all(np.array_equal(frame.image, image) for frame, image in zip(frames, images, strict=True))
    assert np.allclose([frame.time for frame in frames], np.arange(COUNT) / source.rate)
    assert lines == ["stdin: the last 4 bytes are not a complete frame: is 64x48 its size?"]


@pytest.mark.parametrize("data", [b"", b"too little"])
def test_not_one_bare_frame(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    with (
        stdin(monkeypatch, data),
        pytest.raises(SourceError, match=f"no complete frame of 64x48 px arrived .{len(data)} bytes"),
    ):
        all_frames(open_source("-", SIZE))


@pytest.mark.parametrize(
    ("container", "codec"), [("yuv4mpegpipe", "rawvideo"), ("mpegts", "libx264"), ("matroska", "libx264")]
)
def test_a_video_on_stdin(monkeypatch: pytest.MonkeyPatch, container: str, codec: str) -> None:
    file = BytesIO()
    film(file, container, codec)
    with stdin(monkeypatch, file.getvalue()):
        source = open_source("-")
        assert (source.live, source.rate) == (False, RATE)
        assert_is_film(all_frames(source))


@pytest.fixture
def unpiped(tmp_path: Path) -> Path:
    """A video with its index at the end, as most are: it cannot be read from start to end."""
    film(tmp_path / "a.mov", "mov", "mpeg4", size=(640, 480))
    return tmp_path / "a.mov"


def test_a_file_on_stdin_is_read_like_one(monkeypatch: pytest.MonkeyPatch, unpiped: Path) -> None:
    with unpiped.open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        source = open_source("-")
        assert (source.live, source.rate, source.name) == (False, RATE, "-")
        assert len(all_frames(source)) == COUNT


def test_a_video_that_no_pipe_can_bring(monkeypatch: pytest.MonkeyPatch, unpiped: Path) -> None:
    with (
        stdin(monkeypatch, unpiped.read_bytes()),
        pytest.raises(SourceError, match=r"^stdin: an MP4 .* from a pipe: give the file's name, .* -f mpegts -"),
    ):
        all_frames(open_source("-"))


def test_jpegs_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    file = BytesIO()
    film(file, "mjpeg", "mjpeg")
    with stdin(monkeypatch, file.getvalue()):
        source = open_source("-")
        frames = all_frames(source)
    assert len(frames) == COUNT
    assert np.allclose([frame.time for frame in frames], np.arange(COUNT) / source.rate)


@pytest.mark.parametrize("data", [b"", b"no video" * 100])
def test_no_video_on_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    with stdin(monkeypatch, data), pytest.raises(SourceError, match=r"^stdin: damaged, cut off, or not a video"):
        all_frames(open_source("-"))


def test_a_terminal_is_no_video(monkeypatch: pytest.MonkeyPatch) -> None:
    with stdin(monkeypatch, b""):
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        with pytest.raises(SourceError, match="stdin is a terminal"):
            open_source("-", SIZE)


@needs_pipes
def test_a_named_pipe_is_read_as_stdin_is(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(picture(3).tobytes()))
    thread.start()
    frames = all_frames(open_source(str(path), SIZE))
    thread.join()
    assert len(frames) == 1


@needs_pipes
@pytest.mark.parametrize("size", [SIZE, None])
def test_a_read_of_stdin_that_waits_is_called_off(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int] | None
) -> None:
    file = BytesIO()
    film(file, "yuv4mpegpipe", "rawvideo")
    reader, writer = os.pipe()
    with os.fdopen(reader) as incoming, os.fdopen(writer, "wb", buffering=0) as outgoing:
        monkeypatch.setattr(sys, "stdin", incoming)
        outgoing.write(file.getvalue() if size is None else picture(0).tobytes())
        started = time.monotonic()
        timer = threading.Timer(0.5, lambda: source.close())
        source = open_source("-", size)
        timer.start()
        assert len(list(source.frames())) >= 1
        assert time.monotonic() - started < 5


@needs_pipes
def test_ctrl_c_ends_the_wait_for_a_video_on_stdin() -> None:
    """Which happens within FFmpeg's probing, where an exception would be lost."""
    code = "from faces.video.sources import open_source; import sys; print('ready', flush=True); open_source('-')"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        assert process.wait(patience(10)) != 0
        assert process.stderr.read().strip().endswith(b"\nKeyboardInterrupt")


# Cameras


class Capture:
    """Stands in for cv2.VideoCapture: of camera 0, which gives three pictures."""

    left = 3

    def __init__(self, number: int) -> None:
        self.number, self.asked, self.left = number, dict[int, float](), type(self).left

    def isOpened(self) -> bool:  # noqa: N802
        return self.number == 0

    def get(self, key: int) -> float:
        return 30.0 if key == cv2.CAP_PROP_FPS else 0.0

    def set(self, key: int, value: float) -> bool:
        self.asked[key] = value
        return True

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Image]:
        return True, picture(self.left)

    def release(self) -> None:
        self.left = 0


def plug(monkeypatch: pytest.MonkeyPatch, folder: Path, **names: str) -> None:
    """Cameras as Linux lists them."""
    for device, name in names.items():
        (folder / device).mkdir()
        (folder / device / "name").write_text(f"{name}\n", encoding="utf-8")
    monkeypatch.setattr(camera, "V4L_FOLDER", folder)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cv2, "VideoCapture", Capture)


def test_cameras_as_linux_lists_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, video10="Späher", video2="Webcam", video3="Webcam", subdev="no camera")
    monkeypatch.setattr(camera, "_captures_video", lambda device: device != Path("/dev/video3"))  # metadata alone
    assert cameras() == [camera.Camera(2, "/dev/video2", "Webcam"), camera.Camera(10, "/dev/video10", "Späher")]


@pytest.mark.parametrize(("device", "gives"), [(0x1, True), (0x1000, True), (0x00A00000, False)])
def test_a_device_for_metadata_is_no_camera(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: int, gives: bool
) -> None:
    fcntl = pytest.importorskip("fcntl")
    answer = bytes(84) + struct.pack("=IIIII", 0x84A00001, device, 0, 0, 0)
    monkeypatch.setattr(fcntl, "ioctl", lambda file, request, data: answer)
    (tmp_path / "video0").touch()
    assert len(answer) == 104
    assert camera._captures_video(tmp_path / "video0") == gives
    assert camera._captures_video(tmp_path / "video1")  # it cannot be asked


def test_cameras_elsewhere_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    assert cameras() == [camera.Camera(0, "", "camera 0")]


@pytest.mark.parametrize("name", ["0", "/dev/video0", "integrated webcam", "GRATED"])
def test_a_camera_that_is_unplugged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    plug(monkeypatch, tmp_path, video0="Integrated Webcam", video2="Integrated Webcam HD")
    if name == "GRATED":
        shutil.rmtree(tmp_path / "video2")
    source, frames = open_source(name), []
    assert (source.live, source.rate, source.name) == (True, 30, name)
    with pytest.raises(SourceError, match=r"^camera 0 gives no more pictures: is it still plugged in\?$"):
        for frame in source.frames():
            frames.append(frame)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].time == 0 and frames[2].arrived - frames[0].arrived == pytest.approx(frames[2].time)


def test_a_camera_without_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, video0="Webcam")
    monkeypatch.setattr(Capture, "left", 0)
    with pytest.raises(SourceError, match="camera 0 opens, but gives no picture"):
        list(open_source("0").frames())


def test_a_camera_is_asked_for_size_and_rate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, video0="Webcam")
    source = open_source("0", (1280, 720), 60)
    assert isinstance(source, camera.CameraSource)
    asked = {cv2.CAP_PROP_FRAME_WIDTH: 1280, cv2.CAP_PROP_FRAME_HEIGHT: 720, cv2.CAP_PROP_FPS: 60}
    capture: Any = source._capture
    assert capture.asked == asked


def test_several_cameras_of_one_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plug(monkeypatch, tmp_path, video0="Webcam left", video2="Webcam right")
    with pytest.raises(SourceError, match=r"give a number: 0 \(Webcam left\), 2 \(Webcam right\)"):
        open_source("webcam")


@pytest.mark.parametrize("name", ["97", "/dev/video97", "9" * 30])
def test_a_camera_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr(camera, "V4L_FOLDER", tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(SourceError, match=r"^camera \d+ cannot be opened; available cameras: none "):
        open_source(name)
    assert capfd.readouterr() == ("", "")  # OpenCV's own lines


# Streams


class Server:
    """ffmpeg, serving a test picture over HTTP for as long as it runs."""

    def __init__(self, kind: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.port = taken.getsockname()[1]
        self.address = f"http://user:secret@127.0.0.1:{self.port}/live?token=secret"
        self._codec = ["-c:v", "libx264", "-tune", "zerolatency", "-g", "5"] if kind == "mpegts" else []
        self._kind = kind
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Once it is there, it serves one client, to its end."""
        source = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", *self._codec]
        out = ["-flush_packets", "1", "-f", self._kind, "-listen", "1", f"http://127.0.0.1:{self.port}"]
        assert FFMPEG is not None
        self._process = subprocess.Popen([FFMPEG, "-loglevel", "quiet", *source, *out], stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def open(self, reconnect: float, tell: Callable[[str], None] = lambda line: None) -> FrameSource:
        """Its stream, as soon as it serves."""
        deadline = time.monotonic() + patience(20)
        while True:
            try:
                return open_source(self.address, reconnect=reconnect, tell=tell)
            except SourceError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


@pytest.fixture(params=["mpegts", "mpjpeg"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(request.param)
    server.start()
    yield server
    server.stop()


@needs_ffmpeg
def test_a_stream_that_drops_comes_back(server: Server) -> None:
    lines: list[str] = []
    source = server.open(reconnect=30, tell=lines.append)
    assert source.live and source.rate == 25 and source.name == server.address
    seen: list[Frame] = []
    for frame in source.frames():
        seen.append(frame)
        if frame.index == 10:
            server.stop()
            threading.Timer(1.5, server.start).start()  # the first try, after 1 s, is too early
        if frame.index == 30:
            source.close()
    assert [frame.index for frame in seen] == list(range(len(seen)))
    times = np.array([frame.time for frame in seen])
    assert times[0] == 0 and np.all(np.diff(times) >= 0) and np.diff(times).max() > 1.5
    assert np.allclose(times, [frame.arrived - seen[0].arrived for frame in seen])
    assert [line.rpartition("; ")[2] for line in lines[:2]] == ["retrying in 1 s", "retrying in 2 s"]
    shown = f"http://user:***@127.0.0.1:{server.port}/live?token=***: "
    assert lines[0].startswith(f"{shown}stream dropped: ") and lines[1].startswith(
        f"{shown}stream is still away: connection refused"
    )
    assert lines[-1].startswith(f"{shown}stream is back after ")
    assert "secret" not in "".join(lines)


@needs_ffmpeg
@pytest.mark.parametrize(("server", "tries"), [("mpjpeg", 0), ("mpjpeg", 2)], indirect=["server"])
def test_a_stream_that_stays_away_ends_with_an_error(server: Server, tries: int) -> None:
    lines: list[str] = []
    source = server.open(reconnect=1.5 if tries else 0, tell=lines.append)
    started = time.monotonic()
    with pytest.raises(SourceError, match="the stream is gone") as caught:
        for frame in source.frames():
            if frame.index == 3:
                server.stop()
                started = time.monotonic()
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
    assert len(lines) == tries
    assert time.monotonic() - started < 10


@needs_ffmpeg
@pytest.mark.parametrize("server", ["mpjpeg"], indirect=True)
def test_closing_ends_the_wait_for_a_stream(server: Server) -> None:
    source = server.open(reconnect=600)
    for frame in source.frames():
        if frame.index == 3:
            server.stop()
            threading.Timer(0.5, source.close).start()
            started = time.monotonic()
    assert time.monotonic() - started < 10


@contextmanager
def hanging() -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that sends everyone some pictures, then nothing, and does not hang up; its address, and the calls."""
    jpeg = cv2.imencode(".jpg", picture(1))[1].tobytes()
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
    head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
    calls: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):  # closed
                while True:
                    calls.append(listener.accept()[0])
                    calls[-1].recv(1000)
                    calls[-1].sendall(head + part * 30)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", calls
    for call in calls:
        call.close()


def test_a_stream_that_hangs_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "TIMEOUT", 1.0)
    monkeypatch.setattr(media, "TIMEOUT", 1.0)
    lines, frames = list[str](), []
    with hanging() as (address, calls):
        source = open_source(address, tell=lines.append)
        for frame in source.frames():
            frames.append(frame)
            if len(calls) == 2:
                source.close()
    assert len(frames) > 20
    assert "dropped: no data arrived for 1 s" in lines[0] and "back after" in lines[-1]


def test_a_program_ends_well_though_a_stream_hangs() -> None:
    """FFmpeg's read cannot be called off: the thread is left behind in it."""
    code = """if True:
        import sys
        from faces.video.feed import Feed
        from faces.video.sources import open_source
        with Feed(open_source(sys.argv[1]), newest=True) as feed:
            for frame in feed.frames(0.5):
                if frame is None:
                    break
        """
    with hanging() as (address, _):
        started = time.monotonic()
        result = subprocess.run(
            [sys.executable, "-c", code, address], cwd=ROOT, capture_output=True, timeout=patience(60), check=False
        )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert time.monotonic() - started < base.TIMEOUT


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A web server of a folder's files; its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


def test_a_finished_file_at_an_address_is_not_live(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4", "mp4", "libx264")
    with serving(tmp_path) as address:
        source = open_source(f"{address}/a.mp4")
        assert not source.live
        assert_is_film(all_frames(source))
        with pytest.raises(SourceError, match=r"none\.mp4: server returned 404 not found"):
            open_source(f"{address}/none.mp4")


@needs_ffmpeg
def test_a_live_stream_in_pieces_runs_at_its_own_speed(tmp_path: Path) -> None:
    """HLS: seconds of video come at once."""
    assert FFMPEG is not None
    make = ["-re", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=25", "-c:v", "libx264", "-g", "25", "-t", "30"]
    command = [FFMPEG, "-loglevel", "quiet", *make, "-f", "hls", "-hls_time", "1", str(tmp_path / "live.m3u8")]
    with serving(tmp_path) as address, subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + patience(20)
            while len(list(tmp_path.glob("*.ts"))) < 3 and time.monotonic() < deadline:
                time.sleep(0.1)
            source = open_source(f"{address}/live.m3u8")
            assert source.live
            frames = []
            for frame in source.frames():
                frames.append(frame)
                if len(frames) == 30:
                    source.close()
        finally:
            process.kill()
    assert frames[29].time == pytest.approx(29 / 25, abs=0.5)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/video", "rtsp://user:secret@127.0.0.1:9/", "nonsense://x", "rtmp://127.0.0.1:9/a"]
)
def test_an_address_with_nothing_there(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match=address.partition(":")[0]) as caught:
        open_source(address)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_an_address_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        started = time.monotonic()
        with pytest.raises(SourceError, match="no data arrived"):
            open_source(f"rtsp://127.0.0.1:{listener.getsockname()[1]}/")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:secret@host:554/a", "rtsp://user:***@host:554/a"),
        ("rtsp://user:se@cr:et@host/a@b", "rtsp://user:***@host/a@b"),
        ("http://host:80/a?user=u&password=secret&x=1", "http://host:80/a?user=u&password=***&x=1"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("C:/videos/a@b.mp4", "C:/videos/a@b.mp4"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert without_password(text) == shown


def test_a_source_without_a_name() -> None:
    with pytest.raises(SourceError, match="the source has no name"):
        open_source("")
