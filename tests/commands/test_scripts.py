"""The four scripts as a user runs them, in processes of their own: what they print, what they write, and where."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.conftest import PEOPLE, PHOTOS, ROOT, Result, RunScript, command, environment, open_terminal, terminal_output

SCRIPTS = ("extract_embeddings", "train_model", "recognize_image", "recognize_video")
YUNET = ROOT.parent / "shared" / "models" / "face_detection_yunet_2026may.onnx"
EVENTS = ("event", "time", "clock", "track", "name", "probability", "x1", "y1", "x2", "y2")
BOXES = ("frame", "time", "track", "name", "probability", "distance", "x1", "y1", "x2", "y2")
FRAMES = 30  # of the sample's film: enough to go wrong in
LINE = re.compile(
    r"(?P<file>.+): (?P<name>.+?)(?:  nearest (?P<nearest>.+?))?  probability (?P<probability>[01]\.\d\d)"
    r"(?:  match [01]\.\d\d)?  distance (?P<distance>\d\.\d{3})"
    r"  box (?P<box>\d+,\d+,\d+,\d+)"
)


def truth(folder: Path) -> dict[str, Any]:
    """Who is where in the sample pictures."""
    found: dict[str, Any] = json.loads((folder / "sample" / "truth.json").read_text(encoding="utf-8"))
    return found


def rows(table: str) -> list[list[str]]:
    """A printed table's cells."""
    return [re.split(r" {2,}", line.strip()) for line in table.splitlines()]


def people_in(picture: list[dict[str, Any]]) -> list[str]:
    """Their names from left to right, strangers as the scripts call them."""
    return [face["name"] or "unknown" for face in sorted(picture, key=lambda face: face["box"][0])]


def parser_of(script: str) -> ArgumentParser:
    command = importlib.import_module(script).main.__module__
    parser: ArgumentParser = importlib.import_module(command).build_parser()
    return parser


# The command line


@pytest.mark.parametrize(
    ("script", "short", "long", "default"),
    [
        ("extract_embeddings", "-i", "--dataset", "dataset"),
        ("extract_embeddings", "-e", "--embeddings", Path("output/embeddings.pickle")),
        ("extract_embeddings", "-c", "--confidence", None),  # the detector's own: 0.5 for the recipe's
        ("train_model", "-e", "--embeddings", Path("output/embeddings.pickle")),
        ("train_model", "-r", "--recognizer", Path("output/recognizer.pickle")),
        ("train_model", "-l", "--le", Path("output/le.pickle")),
        ("recognize_image", "-r", "--recognizer", Path("output/recognizer.pickle")),
        ("recognize_image", "-l", "--le", Path("output/le.pickle")),
        ("recognize_image", "-c", "--confidence", None),  # the detector's own: 0.5 for the recipe's
        ("recognize_image", "-o", "--output", Path("output/annotated")),
        ("recognize_video", "-r", "--recognizer", Path("output/recognizer.pickle")),
        ("recognize_video", "-l", "--le", Path("output/le.pickle")),
        ("recognize_video", "-c", "--confidence", None),  # the detector's own: 0.5 for the recipe's
        ("recognize_video", "-s", "--source", "0"),
        *((script, "-d", "--detector", None) for script in SCRIPTS if script != "train_model"),
        *((script, "-m", "--embedding-model", None) for script in SCRIPTS if script != "train_model"),
    ],
)
def test_the_recipes_options_with_defaults(script: str, short: str, long: str, default: object) -> None:
    (action,) = (action for action in parser_of(script)._actions if long in action.option_strings)
    assert short in action.option_strings
    assert action.default == default


@pytest.mark.parametrize("script", (*SCRIPTS, "retrain"))
def test_the_help_of_a_script_shows_it_in_its_examples(script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [f"{script}.py"])
    parser = parser_of(script)
    assert f"examples:\n  python {script}.py" in parser.format_help()
    assert "(default: " in parser.format_help()


def test_help_as_a_user_asks_for_it(run_script: RunScript, tmp_path: Path) -> None:
    result = run_script("recognize_video.py", "--help", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "--max-frames" in result.stdout


# extract_embeddings.py


def test_extraction_counts_people_photographs_and_faces(extraction: Result, sample: Path) -> None:
    people = sorted(path.name for path in (sample / "dataset").iterdir() if path.is_dir())
    table = rows(extraction.stdout.split("\n\n")[-2])
    assert table[0] == ["person", "photographs", "faces"]
    assert table[1:-1] == [[person, str(PHOTOS), str(PHOTOS)] for person in people]
    assert table[-1] == ["all", str(PEOPLE * PHOTOS), str(PEOPLE * PHOTOS)]
    assert extraction.stdout.splitlines()[-1] == (
        f"{PEOPLE * PHOTOS} embeddings of {PEOPLE} people -> {Path('output/embeddings.pickle')}"
    )


def test_no_progress_bar_where_stderr_is_no_terminal(extraction: Result) -> None:
    assert extraction.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of our own are POSIX")
def test_a_progress_bar_on_a_terminal(project: Path) -> None:
    reader, terminal = open_terminal()
    with subprocess.Popen(
        command("extract_embeddings.py", "--rebuild"),
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=terminal,
    ) as process:
        shown = terminal_output(reader, terminal)
        assert process.stdout is not None
        printed = process.stdout.read().decode()
    assert process.returncode == 0
    assert f"{PEOPLE * PHOTOS}/{PEOPLE * PHOTOS}" in shown
    assert "photo/s" not in printed


def test_the_file_of_embeddings(trained: Path) -> None:
    with (trained / "output" / "embeddings.pickle").open("rb") as file:
        content = pickle.load(file)
    count = PEOPLE * PHOTOS
    assert set(content) == {
        "embeddings",
        "names",
        "paths",
        "hashes",
        "boxes",
        "scores",
        "chosen",
        "fingerprint",
        "sizes",
        "stamps",
        "settings",
        "left_out",
    }
    assert content["embeddings"].shape == (count, 128)
    np.testing.assert_allclose(np.linalg.norm(content["embeddings"], axis=1), 1, rtol=1e-5)
    for name, path, digest in zip(content["names"], content["paths"], content["hashes"], strict=True):
        assert path.split("/")[0] == name
        assert hashlib.sha256((trained / "dataset" / path).read_bytes()).hexdigest() == digest
    assert content["boxes"].shape == (count, 4)
    assert ((content["scores"] >= 0.5) & (content["scores"] <= 1)).all()
    assert set(content["fingerprint"]) == {"detector", "aligner", "embedder"}
    assert all(re.fullmatch("[0-9a-f]{64}", model["sha256"]) for model in content["fingerprint"].values())


def test_skipped_csv_has_only_its_heading_when_nothing_was_left_out(trained: Path) -> None:
    assert (trained / "output" / "skipped.csv").read_text("utf-8-sig") == "photograph,reason\n"


@pytest.fixture(scope="module")
def gathered(trained: Path, tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> tuple[Path, Result]:
    """A data set of all that people do with folders, and its extraction with short options."""
    folder = tmp_path_factory.mktemp("gathered")
    portrait = cv2.imread(str(trained / "sample" / "photo.jpg"))
    assert portrait is not None
    ada, zoe, nobody = (folder / "photos" / name for name in ("Ada  Lovelace", "Зоя 李", "Nobody yet"))
    (ada / "2019" / "summer").mkdir(parents=True)
    zoe.mkdir()
    nobody.mkdir()
    cv2.imwrite(str(ada / "2019" / "summer" / "beach.PNG"), portrait)
    cv2.imwrite(str(ada / "one.jpeg"), portrait)
    cv2.imwrite(str(zoe / "1.webp"), portrait)
    cv2.imwrite(str(zoe / "2.tiff"), portrait)
    cv2.imwrite(str(zoe / "blurred.png"), cv2.GaussianBlur(portrait, (0, 0), 10))
    cv2.imwrite(str(zoe / "wall.bmp"), np.full((300, 400, 3), 128, np.uint8))
    (zoe / "notes.txt").write_text("not a photograph")
    cv2.imwrite(str(zoe / ".hidden.jpg"), portrait)
    (folder / "photos" / "readme.jpg").write_text("beside the people's folders: nobody's")
    result = run_script("extract_embeddings.py", "-i", "photos", "-e", "made/up/faces.pickle", "-c", 0.6, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder, result


def test_people_by_folder_at_any_depth_in_any_script(gathered: tuple[Path, Result]) -> None:
    folder, result = gathered
    with (folder / "made" / "up" / "faces.pickle").open("rb") as file:
        content = pickle.load(file)
    assert content["names"] == ["Ada  Lovelace"] * 2 + ["Зоя 李"] * 2
    assert content["paths"] == [
        "Ada  Lovelace/2019/summer/beach.PNG",
        "Ada  Lovelace/one.jpeg",
        "Зоя 李/1.webp",
        "Зоя 李/2.tiff",
    ]
    table = result.stdout.split("\n\n")[-2]
    assert [re.split(r" {3,}", line)[0] for line in table.splitlines()[1:]] == [
        "Ada  Lovelace",
        "Nobody yet",
        "Зоя 李",
        "all",
    ]
    assert re.search(r"Nobody yet +0 +0$", table, re.MULTILINE)
    assert re.search(r"Зоя 李 +4 +2$", table, re.MULTILINE)


def test_what_was_left_out_and_why(gathered: tuple[Path, Result]) -> None:
    folder, result = gathered
    with (folder / "made" / "up" / "skipped.csv").open(encoding="utf-8-sig", newline="") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["photograph", "reason"]
    reasons = {Path(path).name: reason for path, reason in listed[1:]}
    assert reasons.pop("blurred.png").startswith("too blurred to help")
    notes = "not a photograph that can be read"
    assert reasons == {
        "readme.jpg": "not in a person's folder: move it into one",
        "notes.txt": notes,
        "wall.bmp": "no face",
    }
    table, other = result.stdout.split("\n\n")[:2]
    assert rows(table)[0] == ["left out", "reason"]
    assert [row[-2:] for row in rows(table)[1:]] == [row for row in listed[1:] if row[1] != notes]
    assert other == f"1 file is {notes}: photos/Зоя 李/notes.txt; see made/up/skipped.csv"


@pytest.mark.skipif(not YUNET.is_file(), reason=f"needs {YUNET}: the built-in detector finds none that is too small")
def test_a_face_that_is_too_small(project: Path, run_script: RunScript) -> None:
    portrait = cv2.imread(str(project / "sample" / "photo.jpg"))
    assert portrait is not None
    far = np.full((480, 480, 3), 128, np.uint8)
    far[200:250, 200:250] = cv2.resize(portrait, (50, 50), interpolation=cv2.INTER_AREA)
    people = project / "far" / "Ada"
    people.mkdir(parents=True)
    cv2.imwrite(str(people / "far.png"), far)
    shutil.copy(project / "sample" / "photo.jpg", people / "near.jpg")
    result = run_script("extract_embeddings.py", "-i", "far", "-e", "far.pickle", "-d", YUNET, cwd=project)
    assert result.returncode == 0, result.stderr
    assert re.search(r"far\.png +face too small: \d+ px, at least \d+", result.stdout)


# train_model.py


def test_training_says_how_many_and_the_threshold(training: Result) -> None:
    first, second, few, third = training.stdout.splitlines()
    assert few == "the rate is uncertain with 4 people, so the limit is stricter than with many"
    assert first == f"{PEOPLE * PHOTOS} embeddings of {PEOPLE} people -> " + ", ".join(
        str(Path("output", name)) for name in ("recognizer.pickle", "le.pickle")
    )
    assert re.fullmatch(r"unknown beyond a distance of \d\.\d{3} \(1\.0% of strangers named; expected .*\)", second)
    assert third == (
        f"leaving one photograph out: 100.0% right, 0.0% wrong, 0.0% unknown (of {PEOPLE * PHOTOS} photographs)"
    )
    assert training.stderr == ""  # no deprecation warning of scikit-learn's either


@pytest.mark.slow
def test_fewer_strangers_named_means_a_tighter_threshold(project: Path, run_script: RunScript) -> None:
    distances = []
    for options in ((), ("--fpir", "0.001"), ("--threshold", "0.21")):
        files = ("-e", "output/embeddings.pickle", "-r", "strict.pickle", "-l", "names.pickle")
        result = run_script("train_model.py", *files, *options, cwd=project)
        assert result.returncode == 0, result.stderr
        distances.append(float(re.findall(r"distance of (\S+)", result.stdout)[0]))
    assert distances[0] > distances[1]
    assert distances[2] == 0.21
    assert "set by --threshold" in result.stdout
    # It is kept in the recognizer: at 0.01 even the enrolled are strangers.
    run_script("train_model.py", "--threshold", 0.01, cwd=project)
    result = run_script("recognize_image.py", "-i", "sample/photo.jpg", cwd=project)
    assert LINE.fullmatch(result.stdout.strip())["name"] == "unknown"  # type: ignore[index]


def test_one_person_with_one_photograph(project: Path, run_script: RunScript) -> None:
    name = truth(project)["pictures"]["photo.jpg"][0]["name"]
    alone = project / "alone" / name
    alone.mkdir(parents=True)
    shutil.copy(project / "dataset" / name / "01.jpg", alone)
    for script, options in (("extract_embeddings.py", ("--dataset", "alone")), ("train_model.py", ())):
        result = run_script(script, *options, cwd=project)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
    result = run_script("recognize_image.py", "--image", "sample/photo.jpg", "sample/group_2.jpg", cwd=project)
    assert result.returncode == 0, result.stderr
    lines = [LINE.fullmatch(line) for line in result.stdout.splitlines()]
    found = [(Path(line["file"]).name, line["name"]) for line in lines if line]
    assert found[0] == ("photo.jpg", name)
    assert sorted(found[1:]) == [("group_2.jpg", name), *[("group_2.jpg", "unknown")] * 3]


# recognize_image.py


def test_names_and_strangers_in_photographs(project: Path, run_script: RunScript) -> None:
    before = (project / "sample" / "group_1.jpg").read_bytes()
    files = ["sample/group_1.jpg", "sample/group_2.jpg", "sample/photo.jpg"]
    result = run_script("recognize_image.py", "--image", *files, cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    lines = [LINE.fullmatch(line) for line in result.stdout.splitlines()]
    for file in files:
        found = [line for line in lines if line and line["file"] == str(Path(file))]
        assert [line["name"] for line in found] == people_in(truth(project)["pictures"][Path(file).name])
        assert all((line["nearest"] is not None) == (line["name"] == "unknown") for line in found)
        picture = cv2.imread(str(project / file))
        copy = cv2.imread(str(project / "output" / "annotated" / f"{Path(file).stem}_annotated.jpg"))
        assert picture is not None and copy is not None
        assert copy.shape == picture.shape
        assert np.any(copy != picture)
    assert (project / "sample" / "group_1.jpg").read_bytes() == before


KEYS = {"name", "candidate", "probability", "match_probability", "distance", "box", "box_full", "score"}


def test_json_is_one_object_a_photograph_and_nothing_else_on_stdout(project: Path, run_script: RunScript) -> None:
    wall = project / "wall ü.png"
    cv2.imencode(".png", np.full((200, 300, 3), 90, np.uint8))[1].tofile(wall)
    result = run_script("recognize_image.py", "-i", "sample/group_1.jpg", wall.name, "--json", cwd=project)
    assert result.returncode == 0, result.stderr
    group, empty = (json.loads(line) for line in result.stdout.splitlines())
    assert empty == {"file": "wall ü.png", "faces": []}
    assert group["file"] == str(Path("sample/group_1.jpg"))
    for face in group["faces"]:
        assert set(face) == KEYS
        assert 0 <= face["match_probability"] <= 1
        assert 0 <= face["probability"] <= 1 and 0 <= face["distance"] <= 2 and 0.5 <= face["score"] <= 1
        assert face["box"] == face["box_full"]  # everybody is inside the picture
    named = {face["candidate"]: face["name"] for face in group["faces"] if face["name"]}
    assert all(name == candidate for candidate, name in named.items())
    assert [face["name"] for face in group["faces"]].count(None) == 1  # the stranger, with a candidate all the same


def test_a_threshold_of_ones_own(project: Path, run_script: RunScript) -> None:
    """Between the faces' own distances: the one that is farther loses its name."""
    found = run_script("recognize_image.py", "-i", "sample/group_1.jpg", "--json", cwd=project)
    far = sorted(face["distance"] for face in json.loads(found.stdout)["faces"] if face["name"])
    options = ("-i", "sample/group_1.jpg", "--threshold", (far[-2] + far[-1]) / 2, "--json")
    stricter = run_script("recognize_image.py", *options, cwd=project)
    assert (stricter.returncode, stricter.stderr) == (0, "")
    faces = json.loads(stricter.stdout)["faces"]
    assert sorted(face["distance"] for face in faces if face["name"]) == far[:-1]


def test_nobody_is_named_twice_in_a_picture_but_in_a_mirror(project: Path, run_script: RunScript) -> None:
    """A picture beside its mirror image: everybody is there twice."""
    photo = cv2.imread(str(project / "sample" / "photo.jpg"))
    assert photo is not None
    (name,) = people_in(truth(project)["pictures"]["photo.jpg"])
    cv2.imwrite(str(project / "mirror.png"), np.hstack([photo, photo[:, ::-1]]))
    for options, names in ((), [name, "unknown"]), (("--no-exclusive",), [name, name]):
        result = run_script("recognize_image.py", "--image", "mirror.png", *options, cwd=project)
        assert (result.returncode, result.stderr) == (0, "")
        lines = [LINE.fullmatch(line) for line in result.stdout.splitlines()]
        assert sorted(line["name"] for line in lines if line) == names


def test_folders_and_files_of_one_name_get_copies_of_their_own(project: Path, run_script: RunScript) -> None:
    people = sorted(path for path in (project / "dataset").iterdir() if path.is_dir())[:2]
    options = ("-i", *people, "sample/photo.jpg", "-o", "new/copies")
    result = run_script("recognize_image.py", *options, cwd=project)
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == 2 * PHOTOS + 1
    expected = [f"{n:02}_annotated{again}.jpg" for n in range(1, PHOTOS + 1) for again in ("", "_2")]
    copies = sorted(path.name for path in (project / "new" / "copies").iterdir())
    assert copies == sorted([*expected, "photo_annotated.jpg"])


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of our own are POSIX")
def test_a_folder_has_a_bar_below_its_results_which_are_in_order(project: Path) -> None:
    reader, terminal = open_terminal()
    line = command("recognize_image.py", "-i", "dataset")
    with subprocess.Popen(line, cwd=project, env=environment(), stdout=terminal, stderr=terminal) as process:
        shown = terminal_output(reader, terminal)
    assert process.returncode == 0
    rows = [row.rpartition("\r")[2] for row in shown.replace("\r\n", "\n").split("\n")]
    files = [row.partition(":")[0] for row in rows if "  probability " in row]
    assert files == sorted(files) and len(files) >= PEOPLE * PHOTOS
    assert f"{PEOPLE * PHOTOS}/{PEOPLE * PHOTOS}" in rows[-2]


@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_name_that_is_too_long_for_a_copy_is_cut(project: Path, run_script: RunScript, letter: str) -> None:
    stem = letter * (240 // len(letter.encode()))
    names = f"{stem}.jpg", f"{stem[:-1]}z.jpg"
    for name in names:
        shutil.copy(project / "sample" / "photo.jpg", project / name)
    result = run_script("recognize_image.py", "-i", *names, "-o", "copies", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("probability") == 2
    first, second = sorted(path.name for path in (project / "copies").iterdir())
    assert re.fullmatch(rf"{letter}+_annotated\.jpg", first) and re.fullmatch(rf"{letter}+_annotated_2\.jpg", second)


def test_copies_of_earlier_runs_are_no_photographs(project: Path, run_script: RunScript) -> None:
    """But one that is asked for by its name is."""
    (project / "album").mkdir()
    for name in ("1.jpg", "2_annotated.jpg"):
        shutil.copy(project / "sample" / "photo.jpg", project / "album" / name)

    def looked_at(asked: str) -> list[str]:
        result = run_script("recognize_image.py", "-i", asked, "-o", "album/output", cwd=project)
        return [Path(line.partition(":")[0]).as_posix() for line in result.stdout.splitlines()]

    for _ in range(2):
        assert looked_at("album") == ["album/1.jpg", "album/2_annotated.jpg"]
    assert looked_at("album/output/1_annotated.jpg") == ["album/output/1_annotated.jpg"]
    result = run_script("recognize_image.py", "-i", "album/output", "-o", "album/output", cwd=project)
    assert (result.returncode, result.stderr) == (2, "error: album/output: no photographs in this folder\n")


def test_a_photograph_without_a_face_says_so(project: Path, run_script: RunScript) -> None:
    cv2.imwrite(str(project / "wall.png"), np.full((200, 300, 3), 90, np.uint8))
    result = run_script("recognize_image.py", "-i", "wall.png", cwd=project)
    assert (result.returncode, result.stdout, result.stderr) == (0, "wall.png: no face\n", "")


def test_pickles_by_other_names(project: Path, run_script: RunScript) -> None:
    (project / "output" / "recognizer.pickle").rename(project / "who.pickle")
    (project / "output" / "le.pickle").rename(project / "names.pickle")
    for options in (("-r", "who.pickle", "-l", "names.pickle"), ("--recognizer", "who.pickle", "--le", "names.pickle")):
        result = run_script("recognize_image.py", "-i", "sample/photo.jpg", *options, cwd=project)
        assert (result.returncode, result.stderr) == (0, "")


# A stale address is what is left of an ssh or tmux session; OpenCV's window code would end the program there.
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
@pytest.mark.parametrize("display", [{}, {"DISPLAY": ":7654"}], ids=["none", "stale"])
def test_show_without_a_display_says_so_and_goes_on(
    project: Path, run_script: RunScript, display: dict[str, str]
) -> None:
    result = run_script("recognize_image.py", "-i", "sample/photo.jpg", "--show", cwd=project, env=display)
    assert result.returncode == 0, result.stderr
    assert LINE.fullmatch(result.stdout.strip())
    assert result.stderr == "no display here: no window is shown\n"


# recognize_video.py


def frames_of(path: Path) -> tuple[int, tuple[int, int], float]:
    """How many, (width, height) in px, and frames a second."""
    video = cv2.VideoCapture(str(path))
    size = (int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    rate, count = video.get(cv2.CAP_PROP_FPS), 0
    while video.read()[0]:
        count += 1
    video.release()
    return count, size, rate


def cut(source: Path, target: Path, frames: int) -> None:
    """The first frames of a video."""
    whole = cv2.VideoCapture(str(source))
    size = (int(whole.get(cv2.CAP_PROP_FRAME_WIDTH)), int(whole.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), whole.get(cv2.CAP_PROP_FPS), size)
    for _ in range(frames):
        writer.write(whole.read()[1])
    whole.release()
    writer.release()


def test_a_video_whole(project: Path, run_script: RunScript) -> None:
    film = truth(project)["video"]
    film["frames"] = film["frames"][:FRAMES]
    source = Path("short.mp4")
    cut(project / "sample" / film["file"], project / source, FRAMES)
    files = ("--boxes", "output/boxes.csv", "--attendance", "output/attendance.csv")
    options = ("--source", source, "--output", "output/film.mp4", "--no-display", *files)
    result = run_script("recognize_video.py", *options, cwd=project)
    assert result.returncode == 0, result.stderr

    assert frames_of(project / "output" / "film.mp4") == frames_of(project / source)
    assert frames_of(project / source) == (len(film["frames"]), (film["width"], film["height"]), film["fps"])
    events = list(csv.DictReader(io.StringIO(result.stdout)))
    assert tuple(events[0]) == EVENTS
    people = [name or "unknown" for name in film["names"]]
    assert sorted(row["name"] for row in events if row["event"] == "identified") == sorted(people)
    assert [row["event"] for row in events].count("appear") == [row["event"] for row in events].count("leave")

    table = list(csv.DictReader((project / "output" / "boxes.csv").open(encoding="utf-8-sig")))
    assert tuple(table[0]) == BOXES
    settled = max(int(row["frame"]) for row in table if not row["name"]) + 1
    assert settled < FRAMES - 5
    assert all(float(row["time"]) == pytest.approx(int(row["frame"]) / film["fps"], abs=1e-3) for row in table)
    table.sort(key=lambda row: (int(row["frame"]), int(row["x1"])))
    for number in range(settled, FRAMES):
        assert [row["name"] for row in table if int(row["frame"]) == number] == people_in(film["frames"][number])
    assert len({(row["track"], row["name"]) for row in table if row["name"]}) == len(people)  # who is one track each

    attendance = list(csv.DictReader((project / "output" / "attendance.csv").open(encoding="utf-8-sig")))
    assert sorted(row["name"] for row in attendance) == sorted(name for name in film["names"] if name)
    speed, seen = result.stderr.splitlines()
    assert re.fullmatch(rf"{FRAMES} frames in \d+\.\d s: \d+\.\d frames a second -> output/film\.mp4", speed)
    known = len(people) - people.count("unknown")
    assert re.fullmatch(rf"{known} people seen: .*; {people.count('unknown')} unknown", seen)


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of our own are POSIX")
@pytest.mark.parametrize("options", [("--events", "events.csv"), ()], ids=["events in a file", "events in a pipe"])
def test_a_bar_while_no_events_are_to_be_seen(project: Path, options: tuple[str, ...]) -> None:
    line = command("recognize_video.py", "-s", "sample/video.mp4", "--no-display", "--max-frames", FRAMES, *options)
    reader, terminal = open_terminal()
    with subprocess.Popen(
        line, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=terminal, encoding="utf-8"
    ) as process:
        shown = terminal_output(reader, terminal)
        assert process.stdout is not None
        printed = process.stdout.read()
    assert process.returncode == 0
    assert f"{FRAMES}/{FRAMES}" in shown and "frame/s" in shown
    assert ("appear" in printed) == (not options)


def test_a_video_in_part_as_json_lines(project: Path, run_script: RunScript) -> None:
    options = ("-s", "sample/video.mp4", "-o", "part.avi", "--no-display", "--max-frames", 28, "--json")
    result = run_script("recognize_video.py", *options, cwd=project)
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["name"] for row in found if row["event"] == "identified"} == {*truth(project)["video"]["names"]}
    assert all(set(row) == {*EVENTS, "settled", "box_full"} for row in found)
    assert frames_of(project / "part.avi") == (28, (640, 480), 25)
    assert result.stderr.startswith("28 frames in ")


def test_a_video_without_options_or_display(project: Path, run_script: RunScript) -> None:
    before = {path.name for path in project.rglob("*")}
    result = run_script("recognize_video.py", "-s", "sample/video.mp4", "--max-frames", 1, cwd=project)
    assert result.returncode == 0
    assert {path.name for path in project.rglob("*")} - before == {"annotated", "video_annotated.mp4"}
    assert frames_of(project / "output" / "annotated" / "video_annotated.mp4") == (1, (640, 480), 25)
    if sys.platform.startswith("linux"):
        assert result.stderr.splitlines()[0] == "no display here: no window is shown"


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("train_model.py", ()),
        ("recognize_image.py", ("-i", "sample", "dataset")),
        ("recognize_video.py", ("-s", "sample/video.mp4", "--no-display", "--max-frames", "20")),
    ],
)
def test_a_reader_that_has_seen_enough(project: Path, script: str, options: tuple[str, ...]) -> None:
    with subprocess.Popen(
        command(script, *options), cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()  # as head -1 does
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert process.returncode == 0
    assert errors == ""


def test_the_four_in_sequence_where_letters_are_few(project: Path, run_script: RunScript) -> None:
    """A terminal that cannot show a name, and file names that are no Unicode at all, stop nothing."""
    person = project / "few" / "Zoë"
    person.mkdir(parents=True)
    photo = project / "sample" / "photo.jpg"
    odd = os.fsencode(person) + b"/caf\xe9.jpg"
    try:
        shutil.copy(os.fsencode(photo), odd)
        Path(os.fsdecode(person), os.fsdecode(b"broken \xe9.jpg")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    few = {"PYTHONIOENCODING": "ascii"}
    for script, options in (
        ("extract_embeddings.py", ("-i", "few")),
        ("train_model.py", ()),
        ("recognize_image.py", ("-i", "few/Zoë")),
        ("recognize_video.py", ("-s", "sample/video.mp4", "--no-display", "--max-frames", "2")),
    ):
        result = run_script(script, *options, cwd=project, env=few)
        assert "Traceback" not in result.stderr
        assert result.returncode == (1 if script == "recognize_image.py" else 0), result.stderr
    assert b"broken \xe9.jpg,unreadable: empty file\n" in (project / "output" / "skipped.csv").read_bytes()
