"""From photographs to embeddings, with stand-ins for the three models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces import zoo
from faces.aligners import TEMPLATES, Aligner
from faces.embedders import Embedder
from faces.images import write_image
from faces.pipeline import (
    ENROL_BATCH,
    LEAST_SHARPNESS,
    PORTRAIT_SHARES,
    SMALLEST_FACE,
    Enrolment,
    Pipeline,
    sharpness,
)
from faces.types import Faces, Fingerprint, Floats, Image, LandmarkScheme, ModelId
from tests.fakes import FakeDetector, FakeEngine, faces_at, noise

CHIP = TEMPLATES["dlib-chip"]


class FakePredictor:
    """Puts the points where a crop of the box would have them, so that the crop is the box."""

    model = ModelId("fake-points", "e" * 64)

    def __init__(self) -> None:
        self.boxes: list[Floats | None] = []

    def predict(self, image: Image, faces: Faces, boxes: Floats | None = None) -> Faces:
        self.boxes.append(boxes)
        points = CHIP.points["eye-corners"][1] / CHIP.side * (faces.xyxy[:, None, 2:] - faces.xyxy[:, None, :2])
        return replace(faces, landmarks=(faces.xyxy[:, None, :2] + points).astype(np.float32), scheme="eye-corners")


def pipeline(scheme: LandmarkScheme | None = None, template: str = "dlib-chip") -> Pipeline:
    """The embedding of a face is its crop's mean colour."""
    engine = FakeEngine(lambda blob: [blob.mean((1, 2), dtype=np.float32)])
    embedder = Embedder(
        engine, zoo.MODELS["dlib-resnet"], ModelId("fake-colours", "f" * 64), Aligner(TEMPLATES[template]),
        np.ascontiguousarray,
    )  # fmt: skip
    return Pipeline(FakeDetector(scheme), FakePredictor(), embedder)  # type: ignore[arg-type]


def detector(of: Pipeline) -> FakeDetector:
    assert isinstance(of.detector, FakeDetector)
    return of.detector


def photograph(face: Image, wh: tuple[int, int] = (400, 300)) -> Image:
    """A face in the middle of black."""
    image = np.zeros((wh[1], wh[0], 3), np.uint8)
    y, x = (wh[1] - face.shape[0]) // 2, (wh[0] - face.shape[1]) // 2
    image[y : y + face.shape[0], x : x + face.shape[1]] = face
    return image


def coloured(seed: int, side: int = 160) -> Image:
    """Noise with a colour of its own."""
    colour = np.random.default_rng(seed).uniform(0.2, 1, 3)
    return (noise(side, side, seed) * colour).clip(1, 255).astype(np.uint8)


# -- enrolment ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def photographs(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """One of every kind."""
    images = {
        "good": photograph(coloured(1)),
        "nobody": photograph(np.zeros((1, 1, 3), np.uint8)),
        "small": photograph(coloured(2, SMALLEST_FACE - 1)),
        "just-large-enough": photograph(coloured(3, SMALLEST_FACE)),
        "blurred": photograph(np.full((160, 160, 3), 120, np.uint8)),
        "other": photograph(coloured(4)),
    }
    paths = {name: tmp_path / f"{name}.png" for name in (*images, "text", "missing")}
    for name, image in images.items():
        write_image(paths[name], image)
    paths["text"].write_text("no picture")
    yield paths


def test_enrol_says_why_not(photographs: dict[str, Path]) -> None:
    enrolments = pipeline().enrol(list(photographs.values()))
    reasons = {enrolment.path.stem: enrolment.reason for enrolment in enrolments}
    assert list(reasons) == list(photographs)
    assert reasons["good"] == reasons["just-large-enough"] == reasons["other"] == ""
    assert reasons["nobody"] == "no face"
    assert reasons["small"] == "no face"  # so small are not even looked for
    assert reasons["blurred"].startswith("too blurred to help: sharpness ")
    assert reasons["text"] == "unreadable: not an image"
    assert reasons["missing"].lower() == "unreadable: no such file or directory"
    for enrolment in enrolments:
        missing = [enrolment.face is None, enrolment.embedding is None, enrolment.sha256 == ""]
        assert missing == [bool(enrolment.reason)] * 3


def test_a_face_that_a_detector_finds_but_is_too_small(photographs: dict[str, Path]) -> None:
    small = pipeline()
    detector(small).detect = lambda image, min_face=None: faces_at((200, 150, 210.9, 160.9))  # type: ignore[method-assign]
    [enrolment] = small.enrol([photographs["good"]])
    assert enrolment.reason == f"face too small: 10 px, at least {SMALLEST_FACE}"


def test_each_embedding_is_its_own_photographs(photographs: dict[str, Path]) -> None:
    together = pipeline().enrol(list(photographs.values()))
    for enrolment in together:
        [alone] = pipeline().enrol([enrolment.path])
        assert alone.reason == enrolment.reason
        if enrolment.embedding is not None and alone.embedding is not None:
            assert np.allclose(alone.embedding, enrolment.embedding, atol=1e-6)
            assert np.linalg.norm(enrolment.embedding) == pytest.approx(1)
    one, other = (together[list(photographs).index(name)].embedding for name in ("good", "other"))
    assert one is not None
    assert other is not None
    assert np.linalg.norm(one - other) > 0.05


def test_what_is_kept_of_an_enrolled_photograph(photographs: dict[str, Path]) -> None:
    [enrolment] = pipeline().enrol([photographs["good"]])
    assert enrolment.face is not None
    assert enrolment.face.xyxy.tolist() == [[120, 70, 280, 230]]
    assert enrolment.sha256 == hashlib.sha256(photographs["good"].read_bytes()).hexdigest()


def test_nothing_to_enrol() -> None:
    assert pipeline().enrol([]) == []
    assert list(pipeline().enrol_all([], workers=2)) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_many_are_enrolled_in_their_order_whatever_the_workers(tmp_path: Path, workers: int) -> None:
    paths = [tmp_path / f"{index:02}.png" for index in range(6 * ENROL_BATCH + 3)]
    for index, path in enumerate(paths):
        if index % 7 == 3:
            path.write_text("no picture")
        else:
            write_image(path, photograph(coloured(index, 40), (60, 50)))
    enrolments = list(pipeline().enrol_all(iter(paths), workers))
    assert [enrolment.path for enrolment in enrolments] == paths
    for index in (0, 3, ENROL_BATCH, len(paths) - 1):
        [alone] = pipeline().enrol([paths[index]])
        assert enrolments[index].reason == alone.reason == ("unreadable: not an image" if index % 7 == 3 else "")
        if alone.embedding is not None:
            assert np.allclose(enrolments[index].embedding, alone.embedding, atol=1e-6)


def test_stopping_early_stops_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def enrol(self: Pipeline, paths: list[Path]) -> list[Enrolment]:
        asked.extend(paths)
        return [Enrolment(path, reason="no face") for path in paths]

    monkeypatch.setattr(Pipeline, "enrol", enrol)
    everything = pipeline().enrol_all((tmp_path / str(n) for n in range(10_000)), workers=1)
    next(everything)
    everything.close()  # type: ignore[attr-defined]
    assert len(asked) < 100


# -- finding the face --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.9, 0.3, 0.1])
def test_best_face_looks_for_large_faces_first_and_stops_at_the_first_found(share: float) -> None:
    looking = pipeline()
    side = round(600 * share)
    face = looking.best_face(photograph(coloured(0, side), (900, 600)))
    asked = detector(looking).asked
    assert len(face) == 1
    assert face.sizes[0] == pytest.approx(side)
    wanted = [max(share * 600, SMALLEST_FACE) for share in PORTRAIT_SHARES]
    assert asked == wanted[: len(asked)]
    assert [size <= side for size in wanted[: len(asked)]] == [False] * (len(asked) - 1) + [True]


def test_best_face_looks_everywhere_before_it_gives_up() -> None:
    looking = pipeline()
    assert len(looking.best_face(np.zeros((600, 900, 3), np.uint8))) == 0
    assert len(detector(looking).asked) == len(PORTRAIT_SHARES)


def test_detect_asks_for_landmarks_only_where_the_aligner_needs_others() -> None:
    image = photograph(coloured(0))
    for scheme, template, predicted in (
        (None, "dlib-chip", True), ("five-points", "dlib-chip", True), ("five-points", "arcface", False),
        ("eye-corners", "openface", False), (None, "arcface", True),
    ):  # fmt: skip
        finding = pipeline(scheme, template)  # type: ignore[arg-type]
        found = finding.detect(image)
        assert isinstance(finding.predictor, FakePredictor)
        assert len(finding.predictor.boxes) == predicted
        assert found.scheme == ("eye-corners" if predicted else scheme)
        assert detector(finding).asked == [None]
        if predicted:
            assert np.array_equal(finding.predictor.boxes[0], found.xyxy)  # type: ignore[arg-type]


def test_an_image_without_faces() -> None:
    finding = pipeline()
    image = np.zeros((100, 100, 3), np.uint8)
    assert finding.embed(image, finding.detect(image)).shape == (0, 128)


def test_embed_gives_one_embedding_a_face_in_their_order() -> None:
    seeing = pipeline()
    image = np.zeros((200, 400, 3), np.uint8)
    image[:, :200], image[:, 200:] = (200, 0, 0), (0, 0, 200)
    faces = seeing.predictor.predict(image, faces_at((20, 20, 180, 180), (220, 20, 380, 180)))
    assert np.allclose(seeing.embed(image, faces), [[1, 0, 0], [0, 0, 1]], atol=0.01)


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_fingerprint_names_the_predictor_where_it_is_used() -> None:
    plain, predicted = pipeline("five-points", "arcface").fingerprint, pipeline(None, "arcface").fingerprint
    aligner = Aligner(TEMPLATES["arcface"]).model
    embedder = ModelId("fake-colours, mirrored", "f" * 64)
    assert plain == Fingerprint(FakeDetector.model, aligner, embedder)
    assert predicted.aligner.name == "arcface by fake-points"
    assert predicted.aligner.sha256 not in (aligner.sha256, FakePredictor.model.sha256)
    assert replace(predicted, aligner=aligner) == plain
    other = pipeline(None, "arcface")
    other.predictor.model = ModelId("fake-points", "7" * 64)
    assert other.fingerprint.aligner.sha256 != predicted.aligner.sha256
    assert pipeline(None, "openface").fingerprint.aligner != pipeline(None, "dlib-chip").fingerprint.aligner


def test_sharpness_falls_with_blur_and_not_with_brightness() -> None:
    crop = noise(150, 150)
    values = [sharpness(cv2.GaussianBlur(crop, (0, 0), sigma)) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert sharpness(np.full((150, 150, 3), 77, np.uint8)) == 0 < LEAST_SHARPNESS
    darker = (crop // 4).astype(np.uint8)
    assert sharpness(darker + np.uint8(100)) == pytest.approx(sharpness(darker), rel=1e-3)
