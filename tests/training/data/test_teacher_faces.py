"""Faces to distil with: collected once, kept, continued after a kill; and clear errors."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from faces.embedding.aligners import Aligner
from faces.errors import FacesError, ModelError
from faces.images import read_image, write_image
from faces.pipeline import Pipeline
from faces.training.data import teacher_faces
from faces.training.data.face_crops import with_margin
from faces.training.data.teacher_faces import WIDE, collect
from tests.conftest import disk
from tests.dlib_models import needs_dlib_models
from tests.fakes import write_embedder

pytestmark = needs_dlib_models


def never(_: int) -> None:
    """Progress, where nothing is looked at again."""
    pytest.fail("a photograph was looked at")


@pytest.fixture(scope="module")
def photographs(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two of people, one of nobody, one that is none."""
    folder = tmp_path_factory.mktemp("photographs")
    write_image(folder / "wall.png", np.full((300, 300, 3), 90, np.uint8))
    (folder / "note.jpg").write_bytes(b"no photograph")
    first, second = sorted((sample / "dataset").rglob("*.jpg"))[:2]
    return [first, folder / "wall.png", folder / "note.jpg", second]


@pytest.fixture(scope="module")
def kept(photographs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("kept") / "deep" / "faces.npy"
    heard = list[int]()
    collect(photographs, "built-in", file, heard.append)
    assert heard == [4]
    return file


def test_a_face_is_cut_out_widely_and_embedded_by_the_teacher(photographs: list[Path], kept: Path) -> None:
    faces, rows = collect(photographs, "built-in", kept, never)  # nothing is looked at again
    assert rows.tolist() == [0, 3]
    pipeline = Pipeline.load("dlib")
    for row in rows.tolist():
        image = with_margin(read_image(photographs[row]))[0]
        face = pipeline.best_face(image)
        assert np.array_equal(faces.images[row], Aligner(WIDE).crop(image, face)[0])
        assert faces.embeddings[row] == pytest.approx(pipeline.embed(image, face)[0], abs=1e-5)
        assert faces.landmarks[row] == pytest.approx(WIDE.points["eye-corners"][1], abs=6)  # px of 152


def test_a_killed_or_interrupted_run_goes_on(photographs: list[Path], kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "faces.npy"
    file.write_bytes(kept.read_bytes())
    file.with_suffix(".key").write_bytes(kept.with_suffix(".key").read_bytes())
    records = np.lib.format.open_memmap(file, "r+")
    records["state"][3] = teacher_faces.NOT_DONE
    records["image"][[0, 3]] = 7
    records.flush()

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="run the same command again to continue"):
        collect(photographs, "built-in", file, interrupt, workers=1)
    faces, rows = collect(photographs, "built-in", file, never)
    assert rows.tolist() == [0, 3]
    assert (faces.images[0] == 7).all()
    assert (faces.images[3] != 7).any()


def test_of_other_photographs_it_is_made_anew(photographs: list[Path], kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "faces.npy"
    file.write_bytes(kept.read_bytes())
    file.with_suffix(".key").write_bytes(kept.with_suffix(".key").read_bytes())
    faces, rows = collect(photographs[:1], "built-in", file)
    assert (len(faces), rows.tolist()) == (1, [0])


def test_photographs_that_changed_are_looked_at_again(photographs: list[Path], tmp_path: Path) -> None:
    photograph, file = tmp_path / "1.jpg", tmp_path / "faces.npy"
    seen = []
    for source in (photographs[0], photographs[3]):
        shutil.copy(source, photograph)
        seen.append(collect([photograph], "built-in", file, workers=1)[0].embeddings.tolist())
    assert seen[0] != seen[1]
    collect([photograph], "built-in", file, never)


def test_names_of_any_bytes(photographs: list[Path], tmp_path: Path) -> None:
    photograph = tmp_path / os.fsdecode(b"Ren\xe9.jpg")  # no Unicode
    try:
        shutil.copy(photographs[0], photograph)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert len(collect([photograph], "built-in", tmp_path / "faces.npy", workers=1)[1]) == 1


def test_so_they_are_when_the_teacher_changed(photographs: list[Path], tmp_path: Path) -> None:
    teacher, file = tmp_path / "teacher.onnx", tmp_path / "faces.npy"
    seen = []
    for normalizing in (False, True):
        write_embedder(teacher, normalizing=normalizing)
        seen.append(collect(photographs[:1], str(teacher), file, workers=1)[0].embeddings.tolist())
    assert seen[0] != seen[1]


def test_no_face_in_any(photographs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="no face was found in any photograph"):
        collect(photographs[1:3], "built-in", tmp_path / "faces.npy")


def test_a_teacher_that_is_missing(photographs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"teacher\.onnx: no such embedding model"):
        collect(photographs, str(tmp_path / "teacher.onnx"), tmp_path / "faces.npy")
    assert not (tmp_path / "faces.npy").exists()


def test_a_full_disk_says_how_much_is_needed(photographs: list[Path], tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "64k") as folder:
        with pytest.raises(FacesError, match=r"cannot write .*faces\.npy \(1 MB\): no space left on device"):
            collect(photographs, "built-in", folder / "faces.npy")
        assert list(folder.iterdir()) == []


def test_copies_are_told_by_their_embedding() -> None:
    others = np.eye(3, 4, dtype=np.float32)
    turned = [[np.cos(angle), 0, 0, np.sin(angle)] for angle in (0, 0.29, 0.31, np.pi)]  # as far apart as that, nearly
    embeddings = np.tile(np.array(turned, np.float32), (teacher_faces.BLOCK_ROWS // 2, 1))
    assert teacher_faces.distinct(embeddings, others).tolist() == [False, False, True, True] * (
        teacher_faces.BLOCK_ROWS // 2
    )
