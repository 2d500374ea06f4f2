"""recognize_video.py as somebody uses it: streams that are cut, pipes, folders, a window, full disks, privacy."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.images import read_image, write_image
from faces.pipeline import Pipeline
from faces.recognition import recognizer_files
from faces.types import Image
from faces.video.sources import open_source
from tests.commands.test_scripts import truth
from tests.conftest import Result, RunScript, command, contents, disk, environment, patience, running
from tests.displays import start_display

pytestmark = pytest.mark.slow
FFMPEG = shutil.which("ffmpeg")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg here")
needs_screen = pytest.mark.skipif(
    not all(map(shutil.which, ("Xvfb", "xdotool"))), reason="no virtual screen here (xvfb, xdotool)"
)
VIDEO = ("recognize_video.py", "--no-display")
FILM = "sample/video.mp4"


def ffmpeg(*options: object) -> list[str]:
    return [str(FFMPEG), "-hide_banner", "-loglevel", "error", "-nostdin", *map(str, options)]


def events(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


def identified(result: Result) -> set[str]:
    assert result.returncode == 0, result.stderr
    return {row["name"] for row in events(result) if row["event"] == "identified"}


def cast(folder: Path) -> set[str]:
    """Those in the sample's film, strangers as the script calls them."""
    return {name or "unknown" for name in truth(folder)["video"]["names"]}


def frames_of(path: Path) -> list[Image]:
    return [frame.image for frame in open_source(str(path)).frames()]


# Sources


@needs_ffmpeg
@pytest.mark.parametrize("form", ["mpegts", "mjpeg", "yuv4mpegpipe", "rawvideo"])
def test_a_stream_on_stdin(project: Path, form: str) -> None:
    bare = form == "rawvideo"
    options = ("-f", form, "-pix_fmt", "bgr24") if bare else ("-f", form, "-q:v", "3")
    sender = subprocess.Popen(ffmpeg("-i", project / FILM, *options, "-"), stdout=subprocess.PIPE)
    size = ("--size", "640x480", "--rate", "25") if bare else ()
    receiver = subprocess.run(
        command(*VIDEO, "-s", "-", *size, "-o", "piped.mp4"),
        cwd=project,
        env=environment(),
        stdin=sender.stdout,
        capture_output=True,
        encoding="utf-8",
        timeout=patience(120),
        check=False,
    )
    sender.wait()
    assert identified(receiver) == cast(project)
    assert len(frames_of(project / "piped.mp4")) == 100


def test_a_folder_of_frames_whose_sizes_change(project: Path, run_script: RunScript) -> None:
    folder = project / "frames"
    folder.mkdir()
    for index, image in enumerate(frames_of(project / FILM)[:50]):
        scaled = cv2.resize(image, (800, 600)) if index >= 25 else image
        write_image(folder / f"frame_{index}.jpg", np.asarray(scaled, np.uint8))
    result = run_script(*VIDEO, "-s", "frames", "-o", "film.mp4", cwd=project)
    assert identified(result) == cast(project)
    assert {frame.shape for frame in frames_of(project / "film.mp4")} == {(480, 640, 3)}


@needs_ffmpeg
def test_a_file_whose_frames_change_size(project: Path, run_script: RunScript) -> None:
    parts = []
    for number, size in enumerate(("640x480", "800x600", "320x240")):
        parts.append(project / f"{number}.ts")
        subprocess.run(
            ffmpeg("-i", project / FILM, "-t", 1.2, "-s", size, "-c:v", "mpeg2video", "-q:v", 2, parts[-1]), check=True
        )
    (project / "changing.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    result = run_script(*VIDEO, "-s", "changing.ts", "-o", "film.mp4", cwd=project)
    assert identified(result) == cast(project)
    assert {frame.shape for frame in frames_of(project / "film.mp4")} == {(480, 640, 3)}


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@contextmanager
def served(film: Path, port: int) -> Iterator[None]:
    """A live stream by ffmpeg, for one listener."""
    line = ffmpeg("-re", "-stream_loop", -1, "-i", film, "-c", "mpeg2video", "-q:v", 3, "-f", "mpegts", "-listen", 1)
    with subprocess.Popen([*line, f"http://127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(0.5)
            yield
        finally:
            process.kill()


@needs_ffmpeg
def test_a_stream_that_is_cut_and_comes_back(project: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    line = (*VIDEO, "-s", address, "-o", "film.mp4", "--events", "events.csv", "--max-frames", 150)
    with served(project / FILM, port):
        script = running(*line, cwd=project)
        shown = script.__enter__()
        until(lambda: "identified" in text(project / "events.csv"))
    try:
        shown.wait_for("dropped")
        with served(project / FILM, port):
            shown.wait_for("back")
            shown.wait_for("150 frames in", 60)
            assert shown.process.wait(patience(10)) == 0
    finally:
        script.__exit__(None, None, None)
    rows = list(csv.DictReader((project / "events.csv").open(encoding="utf-8-sig")))
    assert {row["name"] for row in rows if row["event"] == "identified"} <= cast(project)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", row["clock"]) for row in rows)
    assert len(frames_of(project / "film.mp4")) == 150


@needs_ffmpeg
def test_a_stream_that_stays_away(project: Path) -> None:
    """The script gives up, with an error; the video so far is kept."""
    port = free_port()
    line = (*VIDEO, "-s", f"http://127.0.0.1:{port}", "-o", "film.mp4", "--reconnect", 2)
    with served(project / FILM, port):
        script = running(*line, cwd=project)
        shown = script.__enter__()
        shown.wait_for("identified")
    try:
        shown.wait_for("error: ")
        assert shown.process.wait(patience(10)) == 1
    finally:
        script.__exit__(None, None, None)
    assert len(frames_of(project / "film.mp4")) > 5


def test_cameras_are_listed(project: Path, run_script: RunScript) -> None:
    result = run_script("recognize_video.py", "--list-cameras", cwd=project)
    assert result.returncode == 0
    assert result.stdout.split()[:3] == ["number", "device", "name"]


def test_a_camera_of_a_name_that_none_has(project: Path, run_script: RunScript) -> None:
    result = run_script(*VIDEO, "-s", "Spyglass 3000", cwd=project)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: Spyglass 3000: no video, folder or camera has this name")


def test_no_frame_at_all(project: Path, run_script: RunScript) -> None:
    (project / "frames").mkdir()
    (project / "rotten").mkdir()
    (project / "rotten" / "1.jpg").write_bytes((project / "sample" / "photo.jpg").read_bytes()[:9000])
    (project / "output" / "e.csv").write_text("of another day")
    before = contents(project / "output")
    for source in ("frames", "-", "rotten"):
        result = run_script(*VIDEO, "-s", source, "-o", "output/film.mp4", "--events", "output/e.csv", cwd=project)
        assert (result.returncode, result.stdout) == (1, "")
        assert re.fullmatch(r"error: .+", result.stderr.splitlines()[-1])
    assert contents(project / "output") == before


@needs_ffmpeg
@pytest.mark.parametrize(("gap", "end"), [(30, 33.92), (4000, 3.96)], ids=["a gap", "a fault"])
def test_the_video_and_the_events_have_one_clock(project: Path, run_script: RunScript, gap: float, end: float) -> None:
    """Of a file whose time stamps jump after two seconds."""
    jump = f"setpts='if(gte(N,50),PTS+{gap}/TB,PTS)'"
    subprocess.run(
        ffmpeg("-i", project / FILM, "-vf", jump, "-fps_mode", "passthrough", project / "jump.mkv"), check=True
    )
    files = ("-o", "film.mkv", "--boxes", "boxes.csv", "--attendance", "who.csv")
    result = run_script(*VIDEO, "-s", "jump.mkv", *files, cwd=project)
    assert identified(result) == cast(project)
    assert ("jump.mkv: its time stamps jump; from 2.0 s on" in result.stderr) == (gap == 4000)
    boxes = list(csv.DictReader((project / "boxes.csv").read_text("utf-8-sig").splitlines()))
    times = [frame.time for frame in open_source(str(project / "film.mkv")).frames()]
    assert len(times) == 100
    for row in boxes:
        assert times[int(row["frame"])] == pytest.approx(float(row["time"]), abs=0.01)
    assert max(float(row["time"]) for row in boxes) == pytest.approx(end, abs=0.1)
    people = list(csv.DictReader((project / "who.csv").read_text("utf-8-sig").splitlines()))
    assert all(float(row["seconds"]) < 4 for row in people)


def test_a_file_at_its_own_speed(project: Path, run_script: RunScript) -> None:
    started = time.monotonic()
    result = run_script(*VIDEO, "-s", FILM, "--realtime", cwd=project)
    assert time.monotonic() - started > 3.9
    assert identified(result) == cast(project)
    assert "frames in " in result.stderr


# Output


def until(done: Any, seconds: float = 40) -> None:
    end = time.monotonic() + patience(seconds)
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


@needs_ffmpeg
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("sent", [getattr(signal, name, 0) for name in ("SIGINT", "SIGTERM", "SIGHUP")])
def test_a_signal_is_how_a_live_source_ends(project: Path, sent: int) -> None:
    """Everything that was written is whole."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    line = (*VIDEO, "-s", address, "-o", "film.mkv", "--events", "e.jsonl", "--attendance", "a.csv")
    with served(project / FILM, port), running(*line, cwd=project) as script:
        until(lambda: "identified" in text(project / "e.jsonl"))
        until(lambda: (project / "a.csv").exists())
        script.process.send_signal(sent)
        script.wait_for("frames in")
        script.wait_for("seen")
        assert script.process.wait(patience(10)) == 0
    assert text(project / "e.jsonl").count('"leave"') == text(project / "e.jsonl").count('"appear"')
    assert {line.split(",")[0] for line in text(project / "a.csv").splitlines()[1:]} <= cast(project)
    assert len(frames_of(project / "film.mkv")) > 5


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--events", "e.csv"), "the events and boxes end here"),
        (("--save-unknown", "strangers"), "the photographs so far are in strangers"),
        (
            ("--events", "e.csv", "--save-unknown", "strangers"),
            "the events and boxes end here, the photographs so far are in strangers",
        ),
    ],
)
def test_stopping_a_file_says_what_it_leaves(project: Path, options: tuple[str, ...], left: str) -> None:
    (project / "film.mp4").write_text("an older one")
    with running(*VIDEO, "-s", FILM, "--realtime", "-o", "film.mp4", *options, cwd=project) as script:
        if "--events" in options:
            until(lambda: "appear" in text(project / "e.csv"))
        else:
            script.wait_for("appear")
        script.process.send_signal(signal.SIGINT)
        script.wait_for(f"stopped; {left}, everything else is unchanged")
        assert script.process.wait(patience(10)) == 130
    assert (project / "film.mp4").read_text() == "an older one"


def test_a_disk_that_fills_leaves_a_video_that_plays(project: Path) -> None:
    """With a limit on the size of files, which fails as a full disk does; tests of the sink fill a real one."""
    limited = (
        "import os, resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        " resource.setrlimit(resource.RLIMIT_FSIZE, (500_000,) * 2); sys.argv = sys.argv[1:];"
        " sys.path[0] = os.path.dirname(sys.argv[0]);"
        " runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    line = command(*VIDEO, "-s", FILM, "-o", "film.mp4")
    result = subprocess.run(
        [line[0], "-c", limited, *line[1:]],
        cwd=project,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=patience(120),
        check=False,
    )
    assert result.returncode == 1
    assert re.fullmatch(
        r"error: cannot write film\.mp4: .+; the first \d\.\d s are in it", result.stderr.splitlines()[-1]
    )
    assert len(frames_of(project / "film.mp4")) > 20


def test_a_disk_that_fills_under_the_events(project: Path, run_script: RunScript) -> None:
    """One line says so; the video so far is kept."""
    with disk(project / "small", "8k") as small:
        result = run_script(*VIDEO, "-s", FILM, "-o", "film.mp4", "--boxes", small / "boxes.csv", cwd=project)
    assert result.returncode == 1
    assert re.fullmatch(r"error: cannot write .*boxes\.csv: no space left on device\n", result.stderr)
    assert len(frames_of(project / "film.mp4")) > 25


def recognized(folder: Path, image: Image) -> list[str | None]:
    pipeline = Pipeline.load()
    recognizer, _ = recognizer_files.load(
        folder / "output/recognizer.pickle", folder / "output/le.pickle", pipeline.fingerprint
    )
    return list(recognizer.identify(pipeline.embed(image, pipeline.detect(image))).names)


@pytest.mark.parametrize("option", ["--blur-unknown", "--blur-all"])
def test_privacy(project: Path, run_script: RunScript, option: str) -> None:
    """From the very first frame; those who may be seen only once they are known."""
    result = run_script(*VIDEO, "-s", FILM, "-o", "film.mp4", option, "--max-frames", 25, cwd=project)
    assert identified(result) == cast(project)
    frames = frames_of(project / "film.mp4")
    known = cast(project) - {"unknown"}
    assert recognized(project, frames[0]) == []
    assert set(recognized(project, frames[-1])) == (known if option == "--blur-unknown" else set())


def test_strangers_are_kept_named_and_enrolled(project: Path, run_script: RunScript) -> None:
    result = run_script(*VIDEO, "-s", FILM, "--save-unknown", "strangers", cwd=project)
    assert identified(result) == cast(project)
    (folder,) = (project / "strangers").iterdir()
    assert folder.name == "unknown-001"
    assert len(list(folder.iterdir())) == list(truth(project)["video"]["names"]).count(None)
    people = project / "people"
    shutil.copytree(project / "dataset", people)
    folder.rename(people / "Stella")
    for script, options in (("extract_embeddings.py", ("-i", "people")), ("train_model.py", ("--fpir", 0.05))):
        assert run_script(script, *options, cwd=project).returncode == 0
    assert "Stella" in identified(run_script(*VIDEO, "-s", FILM, cwd=project))


def test_options_that_do_not_go_together(project: Path, run_script: RunScript) -> None:
    for options, words in (
        (("--blur-all", "--blur-unknown"), "not allowed with"),
        (("--blur-shape", "face"), "--blur-shape face goes with --blur-unknown or --blur-all"),
        (("--events", "e.txt"), "use .csv or .jsonl"),
        (("--size", "640"), "is not a size such as 640x360"),
        (("--reconnect", "-1"), "is not a number above 0"),
        (("--events", "x.csv", "--boxes", "x.csv"), "named twice"),
    ):
        result = run_script(*VIDEO, "-s", FILM, *options, cwd=project)
        assert result.returncode == 2
        assert words in result.stderr.splitlines()[-1]


# The window


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """A virtual screen; what must be in the environment for it."""
    server, name = start_display()
    with server:
        try:
            yield {"DISPLAY": name}
        finally:
            server.terminate()


@needs_screen
def test_a_window(project: Path) -> None:
    """It shows the names; s keeps a snapshot, p pauses, q quits."""

    def xdotool(*words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env={**os.environ, **display}, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    line = ("recognize_video.py", "-s", FILM, "--realtime", "-o", "results/film.mp4", "--boxes", "boxes.csv")
    with screen() as display, running(*line, cwd=project, env=display) as script:
        until(lambda: xdotool("search", "--onlyvisible", "--name", "recognize_video"))
        xdotool("search", "--name", "recognize_video", "windowfocus", "--sync")
        script.wait_for("identified")
        xdotool("key", "s")
        script.wait_for("snapshot -> ")
        xdotool("key", "p")
        time.sleep(0.5)
        paused = len(text(project / "boxes.csv"))
        time.sleep(0.5)
        assert len(text(project / "boxes.csv")) == paused
        xdotool("key", "p")
        until(lambda: len(text(project / "boxes.csv")) > paused)
        xdotool("key", "q")
        script.wait_for("frames in")
        assert script.process.wait(patience(10)) == 0
    (snapshot,) = (project / "results").glob("snapshot_*.png")
    assert read_image(snapshot).shape == (480, 640, 3)
    assert 10 < len(frames_of(project / "results" / "film.mp4")) < 100
