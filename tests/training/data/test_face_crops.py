"""Face crops: cut as in recognition, kept for the next run, guessed if no face was detected."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.attributes.model import FACE
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.training.data import face_crops


@pytest.fixture(scope="module")
def photographs(sample: Path) -> list[Path]:
    return sorted((sample / "dataset").rglob("*.jpg"))[:6]


def test_chips_are_cut_as_a_photographs_are_and_kept(photographs: list[Path], tmp_path: Path) -> None:
    cache, done = tmp_path / "cache.npz", list[int]()
    cut = face_crops.cut_faces(photographs, cache, "these", done.append)
    assert done[-1] == len(photographs)
    assert cut.found.all()
    pipeline = Pipeline.load()
    for row, path in enumerate(photographs):
        image, _, _ = face_crops.with_margin(read_image(path))
        face = pipeline.best_face(image)
        assert np.array_equal(cut.images[row], Aligner(TEMPLATES[FACE]).crop(image, face)[0])
        assert cut.embeddings[row] == pytest.approx(pipeline.embed(image, face)[0], abs=1e-5)

    again = face_crops.cut_faces([], cache, "these")  # nothing is read: they are there
    assert np.array_equal(again.images, cut.images)


def test_a_damaged_or_foreign_cache_is_made_again(photographs: list[Path], tmp_path: Path) -> None:
    cache = tmp_path / "cache.npz"
    cache.write_bytes(b"PK\3\4 damaged")
    assert len(face_crops.cut_faces(photographs[:1], cache, "one").images) == 1
    assert len(face_crops.cut_faces(photographs[:2], cache, "two").images) == 2


def test_closely_cut_faces_get_a_margin_and_others_are_guessed(photographs: list[Path], tmp_path: Path) -> None:
    pipeline = Pipeline.load()
    tight = []
    for number, path in enumerate(photographs[:3]):
        image = read_image(path)
        x1, y1, x2, y2 = pipeline.best_face(image).xyxy[0].round().astype(int)
        face = image[max(y1 - 10, 0) : y2 + 10, max(x1 - 10, 0) : x2 + 10]
        tight.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(tight[-1]), cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA))
    blank = tmp_path / "blank.png"
    cv2.imwrite(str(blank), np.full((64, 64, 3), 127, np.uint8))
    cut = face_crops.cut_faces([*tight, blank], tmp_path / "cache.npz", "tight")
    assert cut.found.tolist() == [True, True, True, False]
    assert (cut.embeddings[3] == 0).all()
    assert np.abs(cut.images[3].astype(int) - 127).max() <= 1 or (cut.images[3] == 127).mean() > 0.8
