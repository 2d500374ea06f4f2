"""Photographs that lie on their side, without EXIF: who is enrolled by them is known, and nobody else becomes them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.files.finding import find_images
from faces.images import read_image
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Image

PEOPLE, EACH, STRANGERS = 8, 5, 40


def lying(path: Path, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(read_image(path), quarters))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "people").is_dir(), reason="no photographs in ../shared/data/people")
def test_two_of_eight_people_enrolled_on_their_side() -> None:
    pipeline = Pipeline.load(threads=1)
    folders = sorted(path for path in (DATA / "people").iterdir() if path.is_dir())[:PEOPLE]
    photographs = [list(find_images(folder)) for folder in folders]
    embeddings, names = [], []
    for number, paths in enumerate(photographs):
        for path in paths[:EACH]:
            [enrolment] = pipeline.enrol([cv2.imencode(".jpg", lying(path, number < 2))[1].tobytes()])
            assert enrolment.embedding is not None, enrolment.reason
            embeddings.append(enrolment.embedding)
            names.append(folders[number].name)
    gallery = Gallery(np.stack(embeddings), tuple(names), fingerprint=pipeline.fingerprint)
    recognizer = FaceRecognizer(0.01).fit(gallery)

    def named(path: Path, quarters: int) -> set[str | None]:
        found = pipeline.find(lying(path, quarters))[1]
        return set(recognizer.identify(found).names) - {None} if len(found) else set()

    strangers = list(find_images(DATA / "strangers"))[:STRANGERS]
    for quarters in (1, 3):
        assert sum(bool(named(path, quarters)) for path in strangers) <= 1
    for folder, paths in zip(folders[:3], photographs, strict=False):
        for path in paths[EACH : 2 * EACH]:
            assert [named(path, quarters) for quarters in (0, 1, 3)] == [{folder.name}] * 3
