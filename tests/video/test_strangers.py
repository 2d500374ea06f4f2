"""Folders of unknown people: who shares one, also across runs, and what is left alone."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import FacesError
from faces.files.finding import find_images
from faces.images import read_image, write_image
from faces.models import zoo
from faces.pipeline import Pipeline
from faces.recognition.thresholds import threshold_at
from faces.synthetic.people import CAST, STRANGERS, Person
from faces.synthetic.scenes import portrait
from faces.types import Floats, Image
from faces.video import strangers
from faces.video.strangers import COMPARED_PHOTOGRAPHS, Strangers
from tests.dlib_models import needs_dlib_models

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FAR = 1e-4
THRESHOLD = threshold_at(zoo.MODELS["dlib-resnet"].operating_points, FAR)
photographs = pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to group: {DATA} is not here")

pytestmark = needs_dlib_models  # whose thresholds were measured
Crop = tuple[Image, Floats]


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.load("dlib", "dlib", threads=1)


def crop(pipeline: Pipeline, image: Image) -> Crop:
    """The face of a photograph with its surroundings, twice its box, and its embedding."""
    face = pipeline.best_face(image)
    centre, reach = (face.xyxy[0, :2] + face.xyxy[0, 2:]) / 2, face.sizes[0]
    x1, y1 = np.maximum(centre - reach, 0).astype(int)
    x2, y2 = (centre + reach).astype(int)
    return np.ascontiguousarray(image[y1:y2, x1:x2]), pipeline.embed(image, face)[0]


@pytest.fixture(scope="module")
def drawn(pipeline: Pipeline) -> dict[Person, list[Crop]]:
    """Four photographs of each of three strangers."""
    return {person: [crop(pipeline, portrait(person, 3, k).image) for k in range(4)] for person in STRANGERS}


def folders(parent: Path) -> dict[str, int]:
    """How many photographs each folder has."""
    return {path.name: len(list(find_images(path))) for path in sorted(parent.iterdir())}


def test_a_folder_a_stranger(tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]) -> None:
    kept = Strangers(tmp_path / "new" / "unknown", pipeline, THRESHOLD)
    paths: dict[Person, set[str]] = {}
    for track, (person, k) in enumerate([(person, k) for k in range(4) for person in drawn], start=1):
        path = kept.add(*drawn[person][k], track, track * 7.5)
        assert read_image(path).shape == drawn[person][k][0].shape
        paths.setdefault(person, set()).add(path.parent.name)
    assert list(paths.values()) == [{"unknown-001"}, {"unknown-002"}, {"unknown-003"}]
    assert folders(tmp_path / "new" / "unknown") == {"unknown-001": 4, "unknown-002": 4, "unknown-003": 4}


def test_names_sort_by_time_and_nothing_is_overwritten(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    face = drawn[STRANGERS[0]][0]
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    paths = [kept.add(*face, track, time) for track, time in ((9, 2.0), (10, 12.0), (2, 100.5), (2, 100.5), (2, 4000))]
    assert sorted(paths[:3]) == paths[:3]
    assert paths[-1] == max(paths)
    assert len(set(paths)) == 5
    assert folders(tmp_path) == {"unknown-001": 5}  # and no temporary file
    assert len(list((tmp_path / "unknown-001").iterdir())) == 5


def test_what_was_written_is_found_again(tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]) -> None:
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    for track, (person, crops) in enumerate(drawn.items()):
        path = kept.add(*crops[0], track, 0)
        again = pipeline.enrol([path.read_bytes()])[0].embedding
        assert again is not None, person.name
        assert np.linalg.norm(again - crops[0][1]) < 0.15


def test_runs_continue_each_other_also_in_folders_that_were_renamed(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    ann, bea, cai = drawn.values()
    yesterday = Strangers(tmp_path, pipeline, THRESHOLD)
    yesterday.add(*ann[0], 1, 0)
    yesterday.add(*bea[0], 2, 0)
    (tmp_path / "unknown-001").rename(tmp_path / "Ада Лавлейс")
    today = Strangers(tmp_path, pipeline, THRESHOLD)
    today.add(*cai[1], 1, 0)
    today.add(*ann[1], 2, 0)
    today.add(*bea[1], 3, 0)
    assert folders(tmp_path) == {"unknown-002": 2, "unknown-003": 1, "Ада Лавлейс": 2}


def test_a_folder_that_is_renamed_or_moved_away_meanwhile(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    face = drawn[STRANGERS[0]]
    kept = Strangers(tmp_path / "unknown", pipeline, THRESHOLD)
    kept.add(*face[0], 1, 0)
    (tmp_path / "unknown" / "unknown-001").rename(tmp_path / "unknown" / "Ada")
    kept.add(*face[1], 2, 1)
    assert folders(tmp_path / "unknown") == {"Ada": 2}
    (tmp_path / "unknown" / "Ada").rename(tmp_path / "Ada")
    kept.add(*face[2], 3, 2)
    kept.add(*face[3], 4, 3)
    assert folders(tmp_path / "unknown") == {"Ada": 2}
    assert len(list(find_images(tmp_path / "Ada"))) == 2


def test_a_number_that_was_given_is_no_other_strangers_either(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    """The folder is named and moved into the data set while the video runs."""
    ann, bea, cai = drawn.values()
    Strangers(tmp_path / "unknown", pipeline, THRESHOLD).add(*ann[0], 1, 0)
    kept = Strangers(tmp_path / "unknown", pipeline, THRESHOLD)
    kept.add(*bea[0], 2, 1)
    for number, person in ((1, "Ada"), (2, "Bob")):
        (tmp_path / "unknown" / f"unknown-00{number}").rename(tmp_path / person)
    added = [kept.add(*face, track, 2) for track, face in ((3, cai[0]), (4, ann[1]), (5, bea[1]))]
    assert [path.parent.name for path in added] == ["unknown-003", "unknown-001", "unknown-002"]
    assert folders(tmp_path / "unknown") == {"unknown-001": 1, "unknown-002": 1, "unknown-003": 1}


def test_a_folder_of_somebody_else_in_the_same_place(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    """Another run gave the number once more."""
    ann, bea, _ = drawn.values()
    kept = Strangers(tmp_path / "unknown", pipeline, THRESHOLD)
    kept.add(*ann[0], 1, 0)
    (tmp_path / "unknown" / "unknown-001").rename(tmp_path / "Ada")
    Strangers(tmp_path / "unknown", pipeline, THRESHOLD).add(*bea[0], 2, 0)
    kept.add(*ann[1], 3, 1)
    kept.add(*ann[2], 4, 2)
    assert folders(tmp_path / "unknown") == {"unknown-001": 1, "unknown-002": 2}


def test_a_folder_of_the_same_number_on_the_disk_may_be_somebody_elses(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    """Disks give a removed folder's number (inode) to the next one that is made."""
    ann, bea, _ = drawn.values()
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    kept.add(*ann[0], 1, 0).unlink()
    (tmp_path / "unknown-001").rename(tmp_path / "Bob")
    write_image(tmp_path / "Bob" / "1.jpg", bea[0][0])
    kept.add(*ann[1], 2, 1)
    assert folders(tmp_path) == {"Bob": 1, "unknown-001": 1}


def test_a_number_in_use_is_not_given_again(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    for name in ("unknown-007", "unknown-x", "unknown-008.txt", "unknown-1234567"):
        (tmp_path / name).mkdir()
    (tmp_path / "unknown-1234568").write_text("a file")
    ann, bea, cai = drawn.values()
    first, second = (Strangers(tmp_path, pipeline, THRESHOLD) for _ in range(2))  # two cameras, one folder
    added = [first.add(*ann[0], 1, 0), second.add(*bea[0], 1, 0), first.add(*cai[0], 2, 0)]
    names = [path.parent.name for path in added]
    assert names == ["unknown-1234569", "unknown-1234570", "unknown-1234571"]


def test_what_is_no_face_is_left_alone(tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]) -> None:
    ann, bea, _ = drawn.values()
    folder = tmp_path / "unknown-001"
    write_image(folder / "sub" / "face.png", ann[0][0])
    write_image(folder / "wall.png", np.random.default_rng(0).integers(0, 255, (400, 400, 3), np.uint8))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8no" * 100_000)
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("hers")
    (tmp_path / "unknown-002").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "loose.jpg").touch()
    before = sorted(tmp_path.rglob("*"))
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    assert sorted(tmp_path.rglob("*")) == before
    assert kept.add(*ann[1], 1, 0).parent == folder
    assert kept.add(*bea[1], 2, 0).parent.name == "unknown-003"


def test_only_the_best_few_of_a_folder_are_looked_at(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, *_ = drawn.values()
    for k in range(20):
        write_image(tmp_path / "unknown-001" / f"{k}.jpg", ann[k % 4][0])
    looked = []
    enrol = pipeline.enrol

    def noted(files: Any) -> Any:
        looked.append(1)
        return enrol(files)

    monkeypatch.setattr(pipeline, "enrol", noted)
    Strangers(tmp_path, pipeline, THRESHOLD)
    assert len(looked) == COMPARED_PHOTOGRAPHS


def test_a_folder_that_cannot_be_written(tmp_path: Path, pipeline: Pipeline) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FacesError, match=rf"^cannot write into .*{folder.name}: [a-z ]+$"):
            Strangers(folder, pipeline, THRESHOLD)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything is writable for root")
def test_a_folder_that_is_read_only(tmp_path: Path, pipeline: Pipeline) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FacesError, match=r"^cannot write into .*: permission denied$"):
        Strangers(tmp_path, pipeline, THRESHOLD)
    tmp_path.chmod(0o700)


def test_a_disk_that_is_full_leaves_nothing_half(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _: Image) -> None:
        raise FacesError(f"cannot write {path}: no space left on device")

    ann, bea, _ = drawn.values()
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    first = kept.add(*ann[0], 1, 0)
    with monkeypatch.context() as patch:
        patch.setattr(strangers, "write_image", full)
        for track, face in ((2, ann[1]), (3, bea[0])):
            with pytest.raises(FacesError, match="no space left on device"):
                kept.add(*face, track, 1)
    assert list(tmp_path.rglob("*.jpg")) == [first]
    assert folders(tmp_path) == {"unknown-001": 1}
    assert kept.add(*bea[0], 3, 2).parent.name == "unknown-002"


def test_a_folder_that_vanished_is_made_again(
    tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]
) -> None:
    kept = Strangers(tmp_path / "unknown", pipeline, THRESHOLD)
    ann, bea, _ = drawn.values()
    kept.add(*ann[0], 1, 0)
    shutil.rmtree(tmp_path / "unknown")
    kept.add(*ann[1], 2, 1)
    kept.add(*bea[0], 3, 1)
    assert folders(tmp_path / "unknown") == {"unknown-001": 1, "unknown-002": 1}


def test_six_people_are_six_folders(tmp_path: Path, pipeline: Pipeline, drawn: dict[Person, list[Crop]]) -> None:
    kept = Strangers(tmp_path, pipeline, THRESHOLD)
    faces = [*(crops[0] for crops in drawn.values()), *(crop(pipeline, portrait(p, 3, 0).image) for p in CAST[:3])]
    assert len({kept.add(*face, track, 0).parent for track, face in enumerate(faces)}) == 6


@photographs
@pytest.mark.accuracy
def test_real_photographs(tmp_path: Path, pipeline: Pipeline) -> None:
    """12 people on two days, three photographs and two, among 36 who come once: nobody is mixed, few are split."""
    people = sorted((DATA / "people").iterdir())[:12]
    once = sorted((DATA / "strangers").iterdir())[::8][:36]
    owner: dict[Path, str] = {}

    def day(paths: list[Path], number: int) -> None:
        kept = Strangers(tmp_path, pipeline, THRESHOLD)
        for track, path in enumerate(paths):
            picture = crop(pipeline, read_image(path))
            owner[kept.add(*picture, track, 100 * number + track)] = path.stem[:-5]

    day([*(path for person in people for path in sorted(person.iterdir())[:3]), *once[:18]], 1)
    day([*(path for person in people for path in sorted(person.iterdir())[3:5]), *once[18:]], 2)
    groups = Counter(path.parent for path in owner)
    pure = sum(Counter(owner[path] for path in owner if path.parent == group).most_common(1)[0][1] for group in groups)
    assert pure == len(owner) == 96
    assert 48 <= len(groups) <= 57


def test_faces_that_are_too_poor_to_tell_are_kept_apart(tmp_path: Path, pipeline: Pipeline) -> None:
    picture = np.zeros((60, 60, 3), np.uint8)
    for _ in range(2):
        kept = Strangers(tmp_path, pipeline, THRESHOLD)
        for track in (1, 2):
            assert kept.add(picture, None, track, 0.5).parent == tmp_path / "unclear"
    assert [path.name for path in tmp_path.iterdir()] == ["unclear"]
    assert len(list((tmp_path / "unclear").iterdir())) == 4
