"""faces evaluate, on drawn people and as its user would run it."""

from __future__ import annotations

import json
import shutil
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from faces.commands import evaluate
from faces.enrolment import SMALLEST_FACE
from faces.errors import FacesError, UsageError
from faces.evaluation.photographs import Photographs, embed_photographs
from tests.conftest import PEOPLE, PHOTOS, RunScript

WHOLE = PEOPLE * PHOTOS


def by_person(folder: Path) -> dict[str, list[Path]]:
    return {person.name: sorted(person.iterdir()) for person in sorted(folder.iterdir()) if person.is_dir()}


@pytest.fixture
def pairs_csv(trained: Path, tmp_path: Path) -> Path:
    """Pairs of neighbours among each person's photographs, and of each person with the next."""
    people = [paths[:3] for paths in by_person(trained / "dataset").values()]
    lines = [f"{a},{b},1" for paths in people for a, b in pairwise(paths)]
    lines += [f"{one[0]},{other[0]},0" for one, other in pairwise(people)]
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join(["photograph,other,same", *lines]), encoding="utf-8")
    return path


@pytest.mark.slow
def test_verification(pairs_csv: Path, run_script: RunScript, tmp_path: Path) -> None:
    files = "--json", "v.json", "--report", "v.html", "--no-faces"
    result = run_script("evaluate", "verification", "--pairs", pairs_csv, *files, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert "<svg" in (tmp_path / "v.html").read_text(encoding="utf-8")
    lines = result.stdout.splitlines()
    assert lines[0] == f"{3 * PEOPLE - 1} pairs: {2 * PEOPLE} of one person, {PEOPLE - 1} of two people"
    assert lines[3].split()[:2] == ["accuracy", "100.0%"]
    (content,) = json.loads((tmp_path / "v.json").read_bytes())["results"]
    assert (content["accuracy"]["value"], content["auc"]["value"], content["eer"]["value"]) == (1, 1, 0)
    assert content["models"]["embedder"]["name"] == "sface-int8"


@pytest.mark.slow
def test_identification_of_one_data_set(trained: Path, run_script: RunScript) -> None:
    options = "--images", "dataset", "--enrol", "1", "--splits", "2"
    result = run_script("evaluate", "identification", *options, "--json", cwd=trained)
    assert (result.returncode, result.stderr) == (0, "")
    (content,) = json.loads(result.stdout)["results"]
    probes = WHOLE - PEOPLE
    assert [split["probes"] for split in content["splits"]] == [probes, probes]
    assert [split["held_out"] for split in content["splits"]] == [probes, probes]
    assert content["ranks"][0]["mean"] == 1
    again = run_script("evaluate", "identification", *options, "--json", "--workers", "1", cwd=trained)
    assert json.loads(again.stdout)["results"][0]["splits"] == content["splits"]


@pytest.mark.slow
def test_a_recognizer_compared_with_models(trained: Path, run_script: RunScript, tmp_path: Path) -> None:
    for folder, some in (("known", slice(2)), ("probes", slice(2, 4))):
        for name, paths in by_person(trained / "dataset").items():
            (tmp_path / folder / name).mkdir(parents=True)
            for path in paths[some]:
                shutil.copy(path, tmp_path / folder / name)
    shutil.copytree(trained / "output", tmp_path / "output")
    result = run_script(
        "evaluate",
        "identification",
        "--gallery",
        "known",
        "--probes",
        "probes",
        "--compare",
        "built-in",
        "output",
        "nothing.onnx",
        cwd=tmp_path,
    )
    assert result.returncode == 1  # for the last
    known, missing = result.stderr.splitlines()
    assert "are both enrolled and searched for" in known  # it was trained on all that there are
    assert missing.startswith("error: nothing.onnx: no such embedding model")
    lines = result.stdout.splitlines()
    assert [line.split()[:3] for line in lines[3:]] == [
        ["built-in", "100.0%", "100.0%"],
        ["output", "100.0%", "100.0%"],
    ]
    assert all(float(line.split()[-1]) > 0 for line in lines[3:])  # ms a photograph


@pytest.mark.slow
def test_operating_points(trained: Path, run_script: RunScript) -> None:
    result = run_script("evaluate", "operating-points", "--images", "dataset", cwd=trained)
    assert (result.returncode, result.stderr) == (0, "")
    first, *rows = result.stdout.splitlines()
    assert first.startswith("# sface-int8: ") and f"pairs of {PEOPLE} people of dataset" in first
    assert [row[:6] for row in rows] == ["# 1e-5", "# 1e-4", "# 1e-3", "# 1e-2", "(1e-1,"]


def test_centroids_of_an_embedder_that_was_measured_already(trained: Path, run_script: RunScript) -> None:
    options = "--images", "dataset", "--centroids", "dataset"
    result = run_script("evaluate", "operating-points", *options, cwd=trained)
    assert result.returncode == 2
    assert result.stderr == "error: --centroids: the measurements of sface-int8 come with the package\n"


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two people with two photographs each, which are never looked at."""
    monkeypatch.chdir(tmp_path)
    for name in ("Ada", "Bob"):
        (tmp_path / "people" / name).mkdir(parents=True)
        for number in (1, 2):
            (tmp_path / "people" / name / f"{name}_{number:04}.jpg").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "recognizer.pickle").touch()
    (tmp_path / "pairs.txt").write_text("Ada 1 2\nAda 1 Bob 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("verification --pairs none.txt", "none.txt: cannot be read"),
        ("verification --pairs pairs.txt", "there is no photograph Ada/Ada_0001.jpg in ."),
        ("verification --pairs pairs.txt --images none", "none: no such folder"),
        ("verification --pairs pairs.txt --images people --compare version:3", "version:3: there is no"),
        ("verification --pairs pairs.txt --images people --compare empty", "empty: a folder without recognizer.pickle"),
        ("verification --pairs pairs.txt --images people --compare fast old", "old: a recognizer is not used in"),
        ("identification", "give --gallery and --probes, or --images"),
        ("identification --gallery people", "give --gallery and --probes, or --images"),
        ("identification --gallery people --probes people --images people", "give --gallery and --probes, or --images"),
        ("identification --gallery people --probes empty", "empty: no photographs in it"),
        ("identification --gallery people --probes none", "none: no such folder"),
        ("identification --gallery people --probes people --strangers empty", "empty: no photographs of strangers"),
        ("identification --images people --enrol 2", "0 of 2 people have the 3 photographs that --enrol 2 needs"),
        ("operating-points --images people --without people", "everybody in people is in it"),
    ],
)
def test_bad_input_is_one_clear_line(folders: Path, line: str, what: str) -> None:
    with pytest.raises(UsageError) as error:
        evaluate.main(line.split())
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_written_is_told_before_the_work(folders: Path) -> None:
    (folders / "taken").touch()
    with pytest.raises(FacesError, match="taken"):
        evaluate.main(["identification", "--images", "people", "--enrol", "1", "--json", "taken/out.json"])


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_report_without_its_packages_is_refused_before_the_work(
    folders: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=rf"need {package}: pip install 'recognize-faces\[report\]'"):
        evaluate.main(["identification", "--images", "people", "--enrol", "1", "--report", "r.html"])
    assert not (folders / "output").exists()


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["verification"], ["operating-points"], ["identification", "--enrol", "0"]):
        with pytest.raises(SystemExit) as stop:
            evaluate.main(words)
        assert stop.value.code == 2


# -- photographs -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Photographs, list[Path]]:
    """A photograph; made small; a copy of it; nothing; and a file that is none."""
    import cv2

    folder = tmp_path_factory.mktemp("photographs")
    whole = next(iter(by_person(trained / "dataset").values()))[0]
    image = cv2.imread(str(whole))
    assert image is not None
    blurred = cv2.GaussianBlur(image, (0, 0), image.shape[0] / 60)
    paths = [whole, *(folder / name for name in ("blurred.png", "copy.png", "nothing.png", "none.jpg"))]
    cv2.imwrite(str(paths[1]), blurred)
    shutil.copy(whole, paths[2])
    cv2.imwrite(str(paths[3]), np.full((200, 200, 3), 90, np.uint8))
    paths[4].write_text("not a photograph")
    progress: list[tuple[int, int]] = []
    found = embed_photographs([*paths, whole], progress=lambda done, total: progress.append((done, total)))
    assert progress[-1] == (len(paths), len(paths))
    return found, paths


@pytest.mark.slow
def test_faces_are_embedded_whatever_their_sharpness(seen: tuple[Photographs, list[Path]]) -> None:
    found, paths = seen
    assert found.paths == tuple(paths)  # each once
    assert found.has_face.tolist() == [True, True, True, False, False]
    assert np.allclose(np.linalg.norm(found.embeddings[:3], axis=1), 1, atol=1e-5)
    assert np.allclose(found.embeddings[0], found.embeddings[2], atol=1e-4)
    assert (found.boxes[:2, 2:] - found.boxes[:2, :2] > SMALLEST_FACE).all()
    assert [reason.partition(":")[0] for reason in found.reasons] == ["", "", "", "no face", "unreadable"]
    assert found.hashes[0] == found.hashes[2] != found.hashes[1]
    assert found.rows([paths[3], paths[0]]).tolist() == [3, 0]
    assert found.without_face(paths) == tuple(sorted(paths[3:]))


@pytest.mark.slow
def test_no_photographs() -> None:
    assert embed_photographs([]).embeddings.shape == (0, 128)
