"""The commands face_recognition and face_detection: output, options, warnings, exit statuses."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from faces.synthetic.people import CAST
from faces.synthetic.scenes import portrait
from tests.dlib_models import needs_dlib_models

pytestmark = needs_dlib_models


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Known people, one without a face; photographs to check."""
    known, unknown = tmp_path_factory.mktemp("known"), tmp_path_factory.mktemp("unknown")
    for person in CAST[:2]:
        cv2.imwrite(str(known / f"{person.name}.jpg"), portrait(person, 5, 1).image)
    cv2.imwrite(str(known / "blank.png"), np.zeros((90, 90, 3), np.uint8))
    for number, person in enumerate(CAST[:3]):
        cv2.imwrite(str(unknown / f"{number}.JPG"), portrait(person, 5, 2).image)
    cv2.imwrite(str(unknown / "blank.png"), np.zeros((90, 90, 3), np.uint8))
    return known, unknown


def run(package: ModuleType, command: str, *arguments: object) -> Result:
    module = importlib.import_module(f"{package.__name__}.{command}_cli")
    return CliRunner().invoke(module.main, list(map(str, arguments)))


@pytest.mark.parametrize("cpus", ["-1", "1"])
def test_people_are_named_in_order(face_recognition: ModuleType, folders: tuple[Path, Path], cpus: str) -> None:
    known, unknown = folders
    result = run(face_recognition, "face_recognition", *folders, "--cpus", cpus, "--tolerance", "0.5")
    assert result.exit_code == 0, result.output
    assert result.stderr == f"WARNING: No faces found in {known}/blank.png. Ignoring file.\n"
    lines = result.stdout.splitlines()
    assert f"{unknown}/0.JPG,{CAST[0].name}" in lines and f"{unknown}/blank.png,no_persons_found" in lines
    assert [line.partition(",")[0] for line in lines] == sorted(line.partition(",")[0] for line in lines)


def test_distances_are_shown(face_recognition: ModuleType, folders: tuple[Path, Path]) -> None:
    known, _ = folders
    photo = known / f"{CAST[0].name}.jpg"
    result = run(face_recognition, "face_recognition", known, photo, "--show-distance", "1", "--tolerance", "0.1")
    assert result.stdout == f"{photo},{CAST[0].name},0.0\n"
    result = run(face_recognition, "face_recognition", known, photo, "--tolerance", "-1", "--show-distance", "true")
    assert result.stdout == f"{photo},unknown_person,None\n"


def test_locations_are_printed(face_recognition: ModuleType, folders: tuple[Path, Path]) -> None:
    for model in ("hog", "cnn"):
        result = run(face_recognition, "face_detection", folders[1], "--model", model)
        assert result.exit_code == 0
        lines = [line.split(",") for line in result.stdout.splitlines()]
        assert [line[0] for line in lines] == [f"{folders[1]}/{number}.JPG" for number in range(3)]
        assert all(len(line) == 5 and int(line[1]) < int(line[3]) for line in lines)


def test_bad_input_is_one_line(face_recognition: ModuleType, folders: tuple[Path, Path], tmp_path: Path) -> None:
    _, unknown = folders
    (tmp_path / "a.jpg").write_text("no photograph")
    (tmp_path / "b.JPG").write_bytes((unknown / "0.JPG").read_bytes())
    result = run(face_recognition, "face_detection", tmp_path)
    assert result.exit_code == 1 and result.stdout.startswith(f"{tmp_path}/b.JPG,")
    assert result.stderr.startswith(f"ERROR: {tmp_path}/a.jpg: cannot identify image file")
    assert len(result.stderr.splitlines()) == 1
    result = run(face_recognition, "face_recognition", tmp_path / "none", unknown)
    assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path}/none: No such file or directory\n")
    result = run(face_recognition, "face_detection", tmp_path / "none.jpg")
    assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path}/none.jpg: No such file or directory\n")
    assert run(face_recognition, "face_detection", tmp_path, "--cpus", "0").exit_code == 2
