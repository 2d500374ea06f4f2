"""From photographs to embeddings, with stand-ins for the three models."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faces.crops import LEAST_SHARPNESS, sharpness
from faces.embedding import embedders, face_check
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.embedders import Embedder
from faces.enrolment import NO_FACE, NOT_A_FACE, SMALLEST_FACE
from faces.models import zoo
from faces.pipeline import Pipeline
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
        engine,
        zoo.MODELS["dlib-resnet"],
        ModelId("fake-colours", "f" * 64),
        Aligner(TEMPLATES[template]),
        np.ascontiguousarray,
    )
    return Pipeline(FakeDetector(scheme), embedder, FakePredictor())  # type: ignore[arg-type]


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


COLOURS = (1, 0.7, 0.4), (0.4, 0.7, 1)  # bluish and reddish


# -- enrolment ---------------------------------------------------------------------------------------------------------


def file(image: Image, suffix: str = ".png") -> bytes:
    return bytes(cv2.imencode(suffix, image)[1])


PHOTOGRAPHS: dict[str, bytes | str] = {
    "good": file(photograph(coloured(1))),
    "nobody": file(photograph(np.zeros((1, 1, 3), np.uint8))),
    "small": file(photograph(coloured(2, SMALLEST_FACE - 1))),
    "just-large-enough": file(photograph(coloured(3, SMALLEST_FACE))),
    "blurred": file(photograph(np.full((160, 160, 3), 120, np.uint8))),
    "other": file(photograph(coloured(4))),
    "text": b"no picture",
    "missing": "unreadable: no such file",
}  # one of every kind


def test_enrol_says_why_not() -> None:
    enrolments = dict(zip(PHOTOGRAPHS, pipeline().enrol(iter(PHOTOGRAPHS.values())), strict=True))
    reasons = {name: enrolment.reason for name, enrolment in enrolments.items()}
    assert reasons["good"] == reasons["just-large-enough"] == reasons["other"] == ""
    assert reasons["nobody"] == "no face"
    assert reasons["small"] == f"face too small: {SMALLEST_FACE - 1} px, at least {SMALLEST_FACE}"
    assert reasons["blurred"].startswith("too blurred to help: sharpness ")
    assert reasons["text"] == "unreadable: not an image"
    assert reasons["missing"] == PHOTOGRAPHS["missing"]
    for name, enrolment in enrolments.items():
        assert [enrolment.face is None, enrolment.embedding is None] == [bool(enrolment.reason)] * 2
        data = PHOTOGRAPHS[name]
        assert enrolment.sha256 == ("" if isinstance(data, str) else hashlib.sha256(data).hexdigest())


def test_a_photograph_cut_off_is_unreadable_however_small_it_is_decoded() -> None:
    whole = file(photograph(coloured(1, 1600), (2000, 2000)), ".jpg")
    good, cut = pipeline().enrol([whole, whole[: len(whole) * 9 // 10]])
    assert good.reason == ""
    assert cut.reason.startswith("unreadable: damaged or cut off")


def test_each_embedding_is_its_own_photographs() -> None:
    together = dict(zip(PHOTOGRAPHS, pipeline().enrol(PHOTOGRAPHS.values()), strict=True))
    for name, enrolment in together.items():
        [alone] = pipeline().enrol([PHOTOGRAPHS[name]])
        assert alone.reason == enrolment.reason
        if enrolment.embedding is not None and alone.embedding is not None:
            assert np.allclose(alone.embedding, enrolment.embedding, atol=1e-6)
            assert np.linalg.norm(enrolment.embedding) == pytest.approx(1)
    one, other = together["good"].embedding, together["other"].embedding
    assert one is not None
    assert other is not None
    assert np.linalg.norm(one - other) > 0.05


def test_what_is_kept_of_an_enrolled_photograph() -> None:
    [enrolment] = pipeline().enrol([PHOTOGRAPHS["good"]])
    assert enrolment.face is not None
    assert enrolment.face.xyxy.tolist() == [[120, 70, 280, 230]]
    assert str(pickle.loads(pickle.dumps(enrolment))) == str(enrolment)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0, 1e38])
def test_a_face_whose_embedding_is_none_is_left_out(value: float) -> None:
    def fails_on_reddish(blob: Image) -> list[Floats]:
        means = blob.mean((1, 2), dtype=np.float32)
        means[means[:, 2] > means[:, 0]] = value
        return [means]

    faces = [photograph(np.clip(noise(160, 160) * np.array(colour), 1, 255).astype(np.uint8)) for colour in COLOURS]
    own = pipeline()
    own.embedder._engine = FakeEngine(fails_on_reddish)
    good, bad = own.enrol([file(face) for face in faces])
    assert (good.reason, bad.reason) == ("", embedders.NOT_USABLE)
    assert bad.face is None and bad.embedding is None and bad.sha256
    for face, number in zip(faces, (1, 0), strict=True):
        found, embeddings = own.find(face)
        assert len(found) == len(embeddings) == number and np.isfinite(embeddings).all()


def test_nothing_to_enrol() -> None:
    assert pipeline().enrol([]) == []


# -- finding the face --------------------------------------------------------------------------------------------------


def test_a_crop_is_cut_from_no_more_pixels_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    looking, seen = pipeline(), []
    monkeypatch.setattr(looking.detector, "portrait", lambda picture, smallest: faces_at((400, 200, 2000, 1800)))
    cut = looking.embedder.aligner.crop

    def crop(image: Image, faces: Faces) -> Image:
        seen.append(image.shape)
        return cut(image, faces)

    monkeypatch.setattr(looking.embedder.aligner, "crop", crop)
    image = photograph(np.kron(coloured(1, 100), np.ones((16, 16, 1), np.uint8)), (2400, 2000))
    jpeg, png = looking.enrol([file(image, ".jpg"), file(image)])
    assert seen == [(250, 300, 3), (2000, 2400, 3)]
    for enrolment in (jpeg, png):
        assert enrolment.face is not None
        assert enrolment.face.xyxy.tolist() == [[400, 200, 2000, 1800]]  # px of the whole photograph
    assert jpeg.embedding is not None
    assert png.embedding is not None
    assert np.linalg.norm(jpeg.embedding - png.embedding) < 0.02


def test_best_face_has_landmarks() -> None:
    looking = pipeline()
    face = looking.best_face(photograph(coloured(0)))
    assert face.xyxy.tolist() == [[120, 70, 280, 230]]
    assert face.scheme == "eye-corners"
    assert len(looking.best_face(np.zeros((60, 90, 3), np.uint8))) == 0


def test_detect_asks_for_landmarks_only_where_the_aligner_needs_others() -> None:
    image = photograph(coloured(0))
    for scheme, template, predicted in (
        (None, "dlib-chip", True),
        ("five-points", "dlib-chip", True),
        ("five-points", "arcface", False),
        ("eye-corners", "openface", False),
        (None, "arcface", True),
    ):
        finding = pipeline(scheme, template)  # type: ignore[arg-type]
        found = finding.detect(image)
        assert isinstance(finding.predictor, FakePredictor)
        assert len(finding.predictor.boxes) == predicted
        assert found.scheme == ("eye-corners" if predicted else scheme)
        assert detector(finding).looks == 1
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


# -- what is no face ---------------------------------------------------------------------------------------------------


class Reds:
    """A check that takes what is more red than blue for a face."""

    def passes(self, outputs: Floats, score: Floats) -> NDArray[np.bool_]:
        assert len(outputs) == len(score)
        return np.asarray(outputs[:, 2] > outputs[:, 0])


@pytest.fixture
def checking(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setattr(face_check, "check_of", lambda detector, embedder: Reds())
    return pipeline()


def textured(blue: int, red: int) -> Image:
    return (noise(160, 160) // 4 + np.array([blue, 10, red])).astype(np.uint8)


RED, BLUE = photograph(textured(10, 150)), photograph(textured(150, 10))


def test_what_is_no_face_is_not_detected(checking: Pipeline) -> None:
    assert checking.has_check
    assert [len(checking.candidates(image)) for image in (RED, BLUE)] == [1, 1]
    assert [len(checking.detect(image)) for image in (RED, BLUE)] == [1, 0]


def test_faces_are_found_with_their_embeddings(checking: Pipeline) -> None:
    image = np.concatenate([BLUE, RED], axis=1)
    both = checking.predictor.predict(image, faces_at((120, 70, 280, 230), (520, 70, 680, 230)))
    faces, embeddings = checking.keep_faces(image, both)
    assert faces.xyxy.tolist() == [[520, 70, 680, 230]]
    assert np.allclose(embeddings, checking.embed(image, faces))
    faces, embeddings = checking.find(BLUE)
    assert (len(faces), len(embeddings)) == (0, 0)


def test_what_is_no_face_is_not_enrolled(checking: Pipeline) -> None:
    blue, red, nobody = checking.enrol([file(BLUE), file(RED), PHOTOGRAPHS["nobody"]])
    assert (blue.reason, red.reason, nobody.reason) == (NOT_A_FACE, "", NO_FACE)
    assert blue.face is None
    assert blue.embedding is None
    assert blue.sha256 == hashlib.sha256(file(BLUE)).hexdigest()
    assert red.embedding is not None


def test_other_models_have_no_check() -> None:
    assert not pipeline().has_check
    assert len(pipeline().detect(BLUE)) == 1


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
    values = [sharpness(np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.uint8)) for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert sharpness(np.full((150, 150, 3), 77, np.uint8)) == 0 < LEAST_SHARPNESS
    darker = (crop // 4).astype(np.uint8)
    assert sharpness(darker + np.uint8(100)) == pytest.approx(sharpness(darker), rel=1e-3)
