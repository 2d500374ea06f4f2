"""The rebuilt networks against dlib itself (dlib-bin), on photographs, and on drawn people where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.detection import MmodDetector, YuNetDetector
from faces.embedding import embedders
from faces.embedding.embedders import Embedder
from faces.embedding.landmarks import SCHEME_ORDER, ShapePredictor
from faces.evaluation.searches.trials import by_person
from faces.files.finding import find_images
from faces.geometry import iou
from faces.images import read_image
from faces.models import cache, packages, zoo
from faces.synthetic.people import CAST, STRANGERS
from faces.synthetic.scenes import group, portrait
from faces.types import Faces, Floats, Image
from tests.dlib_models import needs_dlib_models

dlib: Any = pytest.importorskip("dlib", reason="dlib-bin is not installed: pip install -e '.[dev]'")
pytestmark = [pytest.mark.dlib, needs_dlib_models]

YUNET = DATA.parent / "models" / "face_detection_yunet_2026may.onnx"
WITH_PHOTOGRAPHS = [
    pytest.param(
        "photographs",
        marks=[
            pytest.mark.accuracy,
            pytest.mark.exhaustive,
            pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to compare on: {DATA} is not here"),
        ],
    ),
    "drawn",
]
# dlib takes half a second for 250 x 250 px, and 8 s for a megapixel: the smaller ones, none of them alike in shape.
PHOTOS = (
    "examples__lin-manuel-miranda.png",
    "examples__obama-480p.jpg",
    "examples__obama_small.jpg",
    "examples__two_people.jpg",
    "tests__test_images__obama_partial_face.jpg",
)
LARGE_FAMILY = "detection3.jpg"


class Dlib:
    """dlib's three models, by the files that ours are made of; pictures are BGR, as ours are."""

    @cached_property
    def detector(self) -> Any:
        return dlib.cnn_face_detection_model_v1(_file("dlib-mmod"))

    @cached_property
    def predictor(self) -> Any:
        return dlib.shape_predictor(_file("dlib-5-points"))

    @cached_property
    def network(self) -> Any:
        return dlib.face_recognition_model_v1(_file("dlib-resnet"))

    def detect(self, image: Image) -> tuple[Floats, Floats]:
        """Boxes (N, 4) as ours, and the network's own scores (N,)."""
        found = self.detector(_rgb(image), 0)
        sides = [(f.rect.left(), f.rect.top(), f.rect.right() + 1, f.rect.bottom() + 1) for f in found]
        return np.array(sides, np.float32).reshape(-1, 4), np.array([f.confidence for f in found], np.float32)

    def points(self, image: Image, box: Floats) -> Any:
        """dlib's full_object_detection in a box of whole pixels."""
        x1, y1, x2, y2 = (int(side) for side in box)
        return self.predictor(_rgb(image), dlib.rectangle(x1, y1, x2 - 1, y2 - 1))

    def embed(self, image: Image, box: Floats) -> Floats:
        """The embedding (128,) of the face in a box, not of unit length."""
        descriptor = self.network.compute_face_descriptor(_rgb(image), self.points(image, box))
        return np.array(descriptor, np.float32)

    def embed_chip(self, chip: Image) -> Floats:
        return np.array(self.network.compute_face_descriptor(_rgb(chip)), np.float32)


def _file(model: str) -> str:
    return str(packages.unpacked(zoo.MODELS[model].files[0]))


def _rgb(image: Image) -> Image:
    return np.ascontiguousarray(image[:, :, ::-1])


@dataclass(frozen=True)
class Compared:
    """A picture, our faces in it, and dlib's: boxes (N, 4) and scores (N,) in the order of ours where they agree."""

    name: str
    image: Image
    ours: Faces
    boxes: Floats
    scores: Floats


@pytest.fixture(scope="module")
def reference() -> Dlib:
    return Dlib()


@pytest.fixture(scope="module")
def detector() -> MmodDetector:
    return MmodDetector.load(min_face=80)  # as dlib does, which enlarges nothing


@pytest.fixture(scope="module")
def predictor() -> ShapePredictor:
    return ShapePredictor.load()


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return embedders.load("dlib")


@pytest.fixture(scope="module", params=WITH_PHOTOGRAPHS)
def compared(request: pytest.FixtureRequest, reference: Dlib, detector: MmodDetector) -> list[Compared]:
    """Pictures in which both detectors looked for faces."""
    return [compare(name, image, reference, detector) for name, image in pictures(request.param)]


def pictures(source: str) -> list[tuple[str, Image]]:
    if source == "drawn":
        drawn = [(person.name, portrait(person, 5, 1).image) for person in CAST[:4]]
        people = [*CAST[4:6], STRANGERS[0]]
        return [*drawn, ("group", group(people, 5, 1, wh=(640, 440)).image)]
    paths = [paths[0] for paths in by_person(DATA / "people").values()][::2]  # dlib takes seconds for each
    paths += [path for path in find_images(DATA / "family") if path.name != LARGE_FAMILY]
    paths += [DATA / "photos" / name for name in PHOTOS]
    return [(path.name, read_image(path)) for path in paths]


def compare(name: str, image: Image, reference: Dlib, detector: MmodDetector) -> Compared:
    ours = detector.detect(image)
    boxes, scores = reference.detect(image)
    if len(boxes) == len(ours):
        order = [int(iou(box, boxes).argmax()) for box in ours.xyxy]
        boxes, scores = boxes[order], scores[order]
    return Compared(name, image, ours, boxes, scores)


def test_detector_finds_dlibs_faces_where_dlib_does(compared: list[Compared]) -> None:
    counts = {one.name: (len(one.ours), len(one.boxes)) for one in compared}
    assert all(ours == theirs for ours, theirs in counts.values()), counts
    assert sum(ours for ours, _ in counts.values()) >= len(compared)
    assert max(ours for ours, _ in counts.values()) >= 3  # a group picture is among them
    for one in compared:
        np.testing.assert_allclose(one.ours.xyxy, one.boxes, atol=2, err_msg=one.name)
        own = np.log(one.ours.score / (1 - one.ours.score))
        np.testing.assert_allclose(own, one.scores, atol=0.02, err_msg=one.name)


def test_embedder_gives_dlibs_values_for_the_same_chip(
    compared: list[Compared], reference: Dlib, predictor: ShapePredictor, embedder: Embedder
) -> None:
    chips = np.concatenate(
        [embedder.aligner.crop(one.image, predictor.predict(one.image, one.ours)) for one in compared]
    )
    noise = np.random.default_rng(0).integers(0, 256, (2, 150, 150, 3), np.uint8)
    extremes = np.stack([np.zeros((150, 150, 3), np.uint8), np.full((150, 150, 3), 255, np.uint8)])
    chips = np.concatenate([chips, noise, extremes])
    theirs = np.stack([reference.embed_chip(chip) for chip in chips])
    assert np.abs(embedder.forward(chips) - theirs).max() <= 1e-5


def test_chain_ends_close_to_dlibs(
    compared: list[Compared], reference: Dlib, predictor: ShapePredictor, embedder: Embedder
) -> None:
    # ours from the picture alone; dlib's from its own detector's boxes
    apart = []
    for one in compared:
        ours = embedder.forward(embedder.aligner.crop(one.image, predictor.predict(one.image, one.ours)))
        theirs = [reference.embed(one.image, box) for box in one.boxes]
        apart += [float(np.linalg.norm(a - b)) for a, b in zip(ours, theirs, strict=True)]
    assert len(apart) >= len(compared) >= 5
    assert max(apart) <= 0.05, sorted(apart)[-5:]
    assert np.median(apart) <= 0.015


@pytest.mark.accuracy
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to compare on: {DATA} is not here")
@pytest.mark.parametrize(
    "name",
    [
        "people/Jack_Straw/Jack_Straw_0002.jpg",  # enlarged
        "photos/examples__obama.jpg",  # just not halved
        "photos/examples__biden.jpg",  # halved once
        "photos/examples__knn_examples__train__biden__biden2.jpg",  # once too, nearly twice
        "photos/tests__test_images__obama_partial_face.jpg",  # beyond the left side
        "people/George_Robertson/George_Robertson_0003.jpg",  # three faces, two of them beyond a side
    ],
)
def test_crops_are_dlibs_chips(
    name: str, reference: Dlib, detector: MmodDetector, predictor: ShapePredictor, embedder: Embedder
) -> None:
    image = read_image(DATA / name)
    faces = predictor.predict(image, detector.detect(image))
    crops = embedder.aligner.crop(image, faces).astype(int)
    assert len(crops)
    for crop, box in zip(crops, faces.xyxy, strict=True):
        away = np.abs(crop - dlib.get_face_chip(_rgb(image), reference.points(image, box), 150, 0.25)[:, :, ::-1])
        assert away.mean() < 1.1  # dlib cuts fractions off, OpenCV rounds: half a step, and another where it halves
        assert np.quantile(away, 0.98) <= 2  # at the image's border the last pixel is a matter of 1/32 px


@pytest.mark.parametrize("source", WITH_PHOTOGRAPHS)
def test_landmarks_are_within_a_pixel_of_dlibs(
    source: str, reference: Dlib, detector: MmodDetector, predictor: ShapePredictor
) -> None:
    if source == "photographs":
        paths = [path for paths in by_person(DATA / "people").values() for path in paths[:15]]
        images = [read_image(path) for path in paths]
        least = 300
    else:
        images, least = [image for _, image in pictures(source)], 6
    before_rounding, equal = [], []
    for image in images:
        faces = detector.detect(image)
        rounded = predictor.predict(image, faces).landmarks
        for index, box in enumerate(faces.xyxy):
            theirs = np.array([(p.x, p.y) for p in reference.points(image, box).parts()], np.float32)
            before_rounding.append(np.abs(predictor.fit(image, box) - theirs).max())
            assert rounded is not None
            equal.append((rounded[index] == theirs[SCHEME_ORDER]).all())
    assert len(before_rounding) >= least
    assert np.mean(np.array(before_rounding) < 1) >= 0.99
    assert np.mean(equal) >= 0.99  # all of them where this was written; a half may be rounded either way


@pytest.mark.accuracy
@pytest.mark.skipif(not (DATA.is_dir() and YUNET.is_file()), reason=f"{DATA} or {YUNET} is not here")
def test_landmarks_begin_with_the_subjects_right(
    reference: Dlib, detector: MmodDetector, predictor: ShapePredictor
) -> None:
    yunet = YuNetDetector.load(YUNET)
    for path in [paths[0] for paths in by_person(DATA / "people").values()]:  # all of them upright
        image = read_image(path)
        face = detector.detect(image).best(image.shape[1], image.shape[0])
        corners = predictor.predict(image, face)
        five = yunet.detect(image).best(image.shape[1], image.shape[0])
        assert (corners.scheme, five.scheme) == ("eye-corners", "five-points")
        assert corners.landmarks is not None
        assert five.landmarks is not None
        x, y = corners.landmarks[0].T
        assert (np.diff(x[:4]) > 0).all(), path.name  # right outer, right inner, left inner, left outer
        assert x[0] < x[4] < x[3]
        assert y[4] > y[:4].max()
        # dlib numbers from the other side: 0, 1 the subject's left eye, 2, 3 the right one, 4 the nose
        named = [reference.points(image, face.xyxy[0]).part(index).x for index in (2, 3, 1, 0, 4)]
        assert named == x.tolist()
        right_eye, left_eye, nose, right_mouth, left_mouth = five.landmarks[0]
        assert right_eye[0] < nose[0] < left_eye[0], path.name
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        # and both schemes mean the same eyes
        size = float(face.sizes[0])
        assert np.linalg.norm(corners.landmarks[0][:2].mean(axis=0) - right_eye) < 0.1 * size
        assert np.linalg.norm(corners.landmarks[0][2:4].mean(axis=0) - left_eye) < 0.1 * size


def test_our_files_are_the_ones_that_dlib_reads() -> None:
    for name in ("dlib-mmod", "dlib-5-points", "dlib-resnet"):
        file = zoo.MODELS[name].files[0]
        assert cache.matches(Path(_file(name)), file)
