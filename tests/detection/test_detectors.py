"""The detectors around their networks: what goes in, and what boxes come of known outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces import detection
from faces.detection import MmodDetector, SsdDetector, YuNetDetector, haar, pyramid, registry, yunet
from faces.errors import ModelError
from faces.files import digest
from faces.images import Picture
from faces.synthetic.people import CAST
from faces.synthetic.scenes import portrait
from faces.types import Faces, Image, ModelId
from tests.fakes import Array, FakeEngine, noise, write_onnx

MODEL = ModelId("fake", "0" * 64)
Cells = dict[tuple[int, int], float]


# -- MMOD --------------------------------------------------------------------------------------------------------------


def mmod_seeing(cells: Cells, **options: Any) -> tuple[MmodDetector, FakeEngine]:
    """A detector whose network gives cells (row, column) of the score map a score, and all others a low one."""

    def answer(blob: Array) -> list[Array]:
        assert min(blob.shape[1:3]) >= 29  # less than this and the real network has no cell
        scores = np.full((1, 1, blob.shape[1] // 8, blob.shape[2] // 8), -9, np.float32)
        for (row, column), score in cells.items():
            scores[0, 0, row, column] = score
        return [scores]

    engine = FakeEngine(answer)
    return MmodDetector(engine, MODEL, **options), engine


def test_tiling_of_100_by_100_by_hand() -> None:
    levels = pyramid.tiling(100, 100)
    expected = [
        (100, 100, 11, 11),
        (83, 83, 11, 121),
        (69, 69, 11, 214),
        (57, 57, 11, 293),
        (47, 47, 11, 360),
        (39, 39, 72, 368),
        (32, 32, 79, 326),
        (26, 26, 85, 290),
    ]
    assert [(level.width, level.height, level.x, level.y) for level in levels][: len(expected)] == expected
    assert min(level.height for level in levels) == 5


@pytest.mark.parametrize(
    "wh", [(20, 20), (20, 400), (400, 20), (83, 61), (640, 480), (480, 640), (1875, 219), (75, 149), (4000, 1000)]
)
def test_tiles_lie_apart_inside_the_picture(wh: tuple[int, int]) -> None:
    levels = pyramid.tiling(*wh)
    height, width, _ = pyramid.tiled(np.zeros((wh[1], wh[0], 3), np.uint8), levels).shape
    assert (levels[0].width, levels[0].height) == wh
    assert len(levels) >= 8 or min(wh) < 30
    occupied = np.zeros((height, width), bool)
    for before, level in zip([None, *levels], levels, strict=False):
        tile = occupied[level.y : level.y + level.height, level.x : level.x + level.width]
        assert tile.shape == (level.height, level.width)
        assert not tile.any()
        tile[:] = True
        if before is not None:
            assert (level.width, level.height) == (int(before.width * 5 / 6), int(before.height * 5 / 6))
            below, above = level.y - before.y - before.height, before.y - level.y - level.height
            assert max(level.x - before.x - before.width, below, above) >= pyramid.PADDING
    padding = pyramid.OUTER_PADDING
    assert not occupied[:padding].any() and not occupied[-padding:].any()
    assert not occupied[:, :padding].any() and not occupied[:, -padding:].any()


def test_tiled_picture_holds_the_image_on_the_mean_colour() -> None:
    image = noise(48, 64)
    tiled = pyramid.tiled(image, pyramid.tiling(64, 48))
    assert np.array_equal(tiled[11:59, 11:75], image)
    assert tiled[0, 0].tolist() == [104, 117, 123]
    second = pyramid.tiling(64, 48)[1]
    for row, column in ((0, 0), (-1, -1), (0, -1)):  # corner pixels stay corner pixels
        tile = tiled[second.y : second.y + second.height, second.x : second.x + second.width]
        assert np.abs(tile[row, column].astype(int) - image[row, column]).max() <= 1


@pytest.mark.parametrize(
    ("min_face", "cell", "box"),
    [
        (80, (10, 10), (44, 44, 124, 124)),  # centre 94, less 11 of padding
        (80, (10, 11), (52, 44, 132, 124)),
        (40, (10, 10), (22, 22, 62, 62)),  # the image was enlarged to twice its size
        (80, (31, 9), (43, 50, 139, 146)),  # on the second level, at (11, 181): 96 px
    ],
)
def test_one_cell_is_one_box(min_face: int, cell: tuple[int, int], box: tuple[int, ...]) -> None:
    detector, engine = mmod_seeing({cell: 2.0}, min_face=min_face)
    found = detector.detect(noise(160, 200))
    assert found.xyxy.tolist() == [list(box)]
    assert found.score == pytest.approx([1 / (1 + np.exp(-2.0))])
    assert found.landmarks is None
    assert engine.blobs[0].dtype == np.uint8
    assert np.array_equal(detector.predictor_boxes(found), found.xyxy)


def test_the_smaller_the_faces_the_larger_the_picture() -> None:
    sizes = []
    for min_face in (80, 160, 40):
        detector, engine = mmod_seeing({}, min_face=min_face)
        detector.detect(noise(200, 200))
        sizes.append(engine.blobs[0].shape[2] - 2 * pyramid.OUTER_PADDING)
    assert sizes == [200, 100, 400]


def test_large_images_are_shrunk_first() -> None:
    detector, engine = mmod_seeing({(10, 10): 1.0}, min_face=20, max_pixels=10_000)
    found = detector.detect(noise(200, 200))
    assert engine.blobs[0].shape[2] == 100 + 2 * pyramid.OUTER_PADDING
    assert found.xyxy.tolist() == [[88, 88, 248, 248]]


@pytest.mark.parametrize("confidence", [0.1, 0.5, 0.9])
def test_confidence_is_a_threshold_on_the_logistic_score(confidence: float) -> None:
    limit = float(np.log(confidence / (1 - confidence)))
    for score, count in ((limit + 1e-3, 1), (limit - 1e-3, 0)):
        found = mmod_seeing({(10, 10): score}, confidence=confidence, min_face=80)[0].detect(noise(160, 200))
        assert len(found) == count
        assert (found.score >= confidence).all()


def test_of_overlapping_boxes_the_best_is_kept_best_first() -> None:
    detector, _ = mmod_seeing({(5, 5): 1.0, (5, 6): 3.0, (6, 5): 2.0, (5, 30): 4.0}, min_face=80)
    found = detector.detect(noise(200, 400))
    assert found.xyxy[:, 0].tolist() == [204, 12]
    assert found.score.tolist() == sorted(found.score.tolist(), reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (19, 100), (100, 19), (1, 5000), (20, 2_000_000)])
def test_images_too_small_for_a_face_have_none(shape: tuple[int, int]) -> None:
    detector, engine = mmod_seeing({(0, 0): 9.0})
    found = detector.detect(np.zeros((*shape, 3), np.uint8))
    assert (len(found), found.xyxy.shape, engine.blobs) == (0, (0, 4), [])


@pytest.mark.parametrize("shape", [(20, 20), (100, 40_000), (33_000, 60)])
def test_images_of_any_shape_go_through(shape: tuple[int, int]) -> None:
    detector, engine = mmod_seeing({}, min_face=80)
    assert len(detector.detect(np.zeros((*shape, 3), np.uint8))) == 0
    assert len(engine.blobs) == 1


# -- MMOD, the face that a photograph is of ----------------------------------------------------------------------------

Place = tuple[float, float, float]
needs_cascade = pytest.mark.skipif(
    not hasattr(cv2, "CascadeClassifier"), reason=f"OpenCV {cv2.__version__} comes without cascades"
)


def mmod_for_portraits(
    monkeypatch: pytest.MonkeyPatch,
    wh: tuple[int, int],
    faces: list[Place],
    guesses: Sequence[Place] = (),
) -> tuple[MmodDetector, Picture, FakeEngine]:
    """A network that sees faces (x, y, size: px) in a picture that a grey map of places stands for.

    Blue and green tell the place in the picture, in 256ths of its sides, so that a part of a level can be recognised.
    """
    width, height = wh
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width)
    image[..., 1] = np.linspace(0, 255, height)[:, None]
    image[..., 2] = 77

    def answer(blob: Array) -> list[Array]:
        seen = blob[0].astype(np.float32)
        shape = blob.shape[1] // 8, blob.shape[2] // 8
        scores = np.full((1, 1, *shape), -9, np.float32)
        for row, column in np.ndindex(*shape):
            y, x = row * 8 + 14, column * 8 + 14
            if x + 4 >= seen.shape[1] or y + 4 >= seen.shape[0] or abs(seen[y, x, 2] - 77) > 1:
                continue  # between the levels
            px = seen[y, x + 4, 0] - seen[y, x - 4, 0]
            if abs(seen[y, x - 4 : x + 5, 2] - 77).max() > 1 or px <= 0:
                continue
            window = 80 * px / 8 / 255 * width
            place = seen[y, x, 0] / 255 * width, seen[y, x, 1] / 255 * height
            for fx, fy, size in faces:
                away = np.hypot(place[0] - fx, place[1] - fy) / size * 6 + abs(np.log(window / size)) * 5
                scores[0, 0, row, column] = max(scores[0, 0, row, column], 1 - away)
        return [scores]

    engine = FakeEngine(answer)
    monkeypatch.setattr(
        haar,
        "guess_faces",
        lambda lowest, smallest: [tuple(value * lowest.shape[1] / width for value in guess) for guess in guesses],
    )
    return MmodDetector(engine, MODEL), Picture.of(image), engine


def test_portrait_asks_the_pyramid_only_around_the_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    face = (260.0, 240.0, 280.0)
    guessing, picture, parts = mmod_for_portraits(monkeypatch, (500, 500), [face], [(250, 250, 310)])
    found = guessing.portrait(picture, 24)
    assert len(parts.blobs) <= 4
    assert max(blob.shape[2] for blob in parts.blobs) < 140
    looking, picture, whole = mmod_for_portraits(monkeypatch, (500, 500), [face])
    same = looking.portrait(picture, 24)
    assert [blob.shape for blob in whole.blobs] == [(1, 698, 200, 3)]
    assert np.abs(found.xyxy - same.xyxy).max() <= 2
    assert found.sizes[0] == pytest.approx(280, rel=0.15)
    assert np.abs(found.xyxy.reshape(2, 2).mean(axis=0) - face[:2]).max() < 10


@pytest.mark.parametrize(
    ("faces", "guesses", "best"),
    [
        ([(250, 240, 260)], [(100, 100, 240)], 250),  # nobody where the guess says
        ([(150, 250, 230), (340, 250, 235)], [(150, 250, 230), (340, 250, 225)], 340),  # too far from the middle
        ([(250, 250, 130)], [(250, 250, 240), (100, 100, 230)], 250),  # too small to be sure of
    ],
)
def test_portrait_looks_everywhere_where_a_guess_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, faces: list[Place], guesses: list[Place], best: int
) -> None:
    detector, picture, engine = mmod_for_portraits(monkeypatch, (500, 500), faces, guesses)
    found = detector.portrait(picture, 24)
    assert max(blob.shape[2] for blob in engine.blobs) >= 200
    assert found.xyxy[0, [0, 2]].mean() == pytest.approx(best, abs=12)


def mmod_from_width(monkeypatch: pytest.MonkeyPatch, width: int) -> tuple[MmodDetector, FakeEngine]:
    """A network that sees a face in the cell (10, 11) once the lowest level is as wide as this; no guess helps it."""

    def answer(blob: Array) -> list[Array]:
        scores = np.full((1, 1, blob.shape[1] // 8, blob.shape[2] // 8), -9, np.float32)
        if blob.shape[2] - 2 * pyramid.OUTER_PADDING >= width:
            scores[0, 0, 10, 11] = 2
        return [scores]

    engine = FakeEngine(answer)
    monkeypatch.setattr(haar, "guess_faces", lambda lowest, smallest: [])
    return MmodDetector(engine, MODEL), engine


@pytest.mark.parametrize(("width", "shares"), [(200, [0.45]), (300, [0.45, 0.25]), (1000, [0.45, 0.25, 0.14, 0.08])])
def test_portrait_looks_for_large_faces_first_and_stops_at_the_first_found(
    monkeypatch: pytest.MonkeyPatch, width: int, shares: list[float]
) -> None:
    detector, engine = mmod_from_width(monkeypatch, width)
    found = detector.portrait(Picture.of(noise(300, 400)), 24)
    asked = [80 / (blob.shape[2] - 2 * pyramid.OUTER_PADDING) * 4 / 3 for blob in engine.blobs]
    assert asked == pytest.approx(shares, rel=0.01)
    assert found.sizes[0] == pytest.approx(shares[-1] * 300, abs=1)


@pytest.mark.parametrize(("wh", "smallest", "looks"), [((400, 300), 5, 5), ((120, 90), 24, 2), ((400, 19), 5, 0)])
def test_portrait_looks_for_each_size_once_before_it_gives_up(
    monkeypatch: pytest.MonkeyPatch, wh: tuple[int, int], smallest: float, looks: int
) -> None:
    detector, engine = mmod_from_width(monkeypatch, 99_999)
    assert len(detector.portrait(Picture.of(noise(*wh[::-1])), smallest)) == 0
    assert len(engine.blobs) == looks


@pytest.mark.parametrize(("width", "scale"), [(200, 1 / 4), (300, 1 / 4), (900, 1 / 2)])
def test_portrait_of_a_large_jpeg_is_found_in_a_smaller_one(
    monkeypatch: pytest.MonkeyPatch, width: int, scale: float
) -> None:
    image = np.zeros((2400, 3200, 3), np.uint8)
    detector, engine = mmod_from_width(monkeypatch, width)
    jpeg = Picture(cv2.imencode(".jpg", image)[1].tobytes())
    found, same = detector.portrait(jpeg, 24), detector.portrait(Picture.of(image), 24)
    assert jpeg.at_least(0)[1] == scale
    assert found.xyxy == pytest.approx(same.xyxy, abs=1 / scale)
    shapes = [blob.shape for blob in engine.blobs]
    assert shapes[: len(shapes) // 2] == shapes[len(shapes) // 2 :]


@needs_cascade
def test_the_first_guess_is_the_largest_and_none_is_made_without_a_cascade(monkeypatch: pytest.MonkeyPatch) -> None:
    face = np.asarray(cv2.resize(portrait(CAST[0], 5, 1).image, (200, 200), interpolation=cv2.INTER_AREA), np.uint8)
    x, y, _ = max(guesses := haar.guess_faces(face, 80), key=lambda guess: guess[2])
    assert guesses[0][:2] == (x, y)
    assert np.hypot(x - 100, y - 100) < 40
    assert haar.guess_faces(np.full((200, 200, 3), 99, np.uint8), 80) == []
    monkeypatch.setattr(haar, "_cascade", lambda: None)
    assert haar.guess_faces(face, 80) == []


@needs_cascade
@pytest.mark.parametrize("missing", ["data", "CascadeClassifier"])
def test_an_opencv_without_cascades(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    assert haar._cascade.__wrapped__() is not None
    monkeypatch.delattr(cv2, missing)
    assert haar._cascade.__wrapped__() is None


# -- SSD ---------------------------------------------------------------------------------------------------------------


def ssd_seeing(*rows: tuple[float, ...], confidence: float = 0.5) -> tuple[SsdDetector, FakeEngine]:
    """A detector whose network gives rows of (image, class, score, box), padded with zeros to 200 as the real one."""
    output = np.zeros((1, 1, 200, 7), np.float32)
    output[0, 0, : len(rows)] = np.array(rows, np.float32).reshape(-1, 7)
    engine = FakeEngine(lambda _: [output])
    return SsdDetector(engine, MODEL, confidence), engine


def test_ssd_boxes_are_shares_of_the_image_best_first() -> None:
    detector, engine = ssd_seeing(
        (0, 1, 0.6, 0.1, 0.2, 0.5, 0.6), (0, 1, 1.01, -0.1, 0.5, 0.3, 1.5), (0, 1, 0.49, 0, 0, 1, 1)
    )
    found = detector.detect(noise(100, 200))
    assert np.allclose(found.xyxy, [[-20, 50, 60, 150], [20, 20, 100, 60]])
    assert found.score == pytest.approx([1, 0.6])
    assert engine.blobs[0].shape == (1, 3, 300, 300)


def test_ssd_sees_bgr_less_the_mean() -> None:
    detector, engine = ssd_seeing()
    detector.detect(np.full((50, 80, 3), (10, 20, 30), np.uint8))
    assert engine.blobs[0][0, :, 7, 7].tolist() == [10 - 104, 20 - 177, 30 - 123]


@pytest.mark.parametrize(
    "box",
    [
        (0.5, 0.5, 0.5, 0.9),
        (0.9, 0.2, 0.1, 0.5),
        (1.1, 0.1, 1.5, 0.5),
        (-1, -1, 0, 0),
        (np.nan, 0, 1, 1),
        (0, 0, np.inf, 1),
    ],
)
def test_ssd_slips_are_no_faces(box: tuple[float, ...]) -> None:
    assert len(ssd_seeing((0, 1, 0.9, *box))[0].detect(noise(100, 100))) == 0


def test_ssd_without_any_face_and_on_one_pixel() -> None:
    for shape in ((1, 1), (300, 2), (480, 640)):
        found = ssd_seeing(confidence=0.01)[0].detect(noise(*shape))
        assert (len(found), found.xyxy.shape) == (0, (0, 4))
        assert ssd_seeing()[0].predictor_boxes(found).shape == (0, 4)


# -- YuNet -------------------------------------------------------------------------------------------------------------

NAMES = [f"{part}_{stride}" for stride in (32, 8, 16) for part in ("kps", "obj", "bbox", "cls")]


def yunet_seeing(stride: int, row: int, column: int, confidence: float = 0.5) -> tuple[YuNetDetector, FakeEngine]:
    """One face at a cell: (0.5, 0.25) into it, two cells in size, its points half a cell apart from 0 on."""

    def answer(blob: Array) -> list[Array]:
        outputs = []
        for name in NAMES:
            part, s = name.split("_")
            rows, columns = blob.shape[2] // int(s), blob.shape[3] // int(s)
            value = np.zeros((1, rows * columns, {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}[part]), np.float32)
            if int(s) == stride:
                value[0, row * columns + column] = {
                    "cls": [0.81],
                    "obj": [1.2],
                    "bbox": [0.5, 0.25, np.log(2), np.log(2)],
                    "kps": np.arange(10) / 2,
                }[part]
            outputs.append(value)
        return outputs

    engine = FakeEngine(answer)
    return YuNetDetector(engine, NAMES, MODEL, confidence), engine


def test_yunet_looks_at_the_landmarks_again_in_an_upright_crop_of_each_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yunet, "MOST_LOOKS", 1)
    detector, engine = yunet_seeing(32, 5, 4)  # its box is near the middle of a crop of 352 px
    points = np.zeros((2, 5, 2), np.float32)  # the eyes tell the roll
    points[0, :2] = [[110, 60], [140, 60]]
    points[1, :2] = [[340, 60], [340, 140]]
    boxes = np.array([[100, 50, 150, 100], [300, 50, 400, 150]], np.float32)
    faces = Faces(boxes, np.array([0.9, 0.8], np.float32), points, "five-points")
    refined = detector.refine(noise(300, 500), faces)
    assert [blob.shape for blob in engine.blobs] == [(1, 3, 352, 352)] * 2
    assert (refined.xyxy == faces.xyxy).all() and (refined.score == faces.score).all()
    # The points are at 128 + 16 k and 160 + 16 (k + 0.5) px for k = 0, 2, ...: from the crop's middle, in its pixels.
    away = np.arange(0, 10, 2)[:, None] * 16 + np.array([128, 176]) - 175.5
    assert refined.landmarks is not None
    assert np.allclose(refined.landmarks[0], [125, 75] + away * 50 / 200, atol=1e-3)
    turned = np.stack([-away[:, 1], away[:, 0]], axis=1)  # the second face lies on its side
    assert np.allclose(refined.landmarks[1], [350, 100] + turned * 100 / 200, atol=1e-3)


def test_yunet_looks_until_the_roll_is_steady() -> None:
    detector, engine = yunet_seeing(32, 5, 4)  # its eyes are never level: the roll changes by 45 degrees each time
    points = np.array([[[110, 60], [140, 60], [125, 75], [112, 90], [138, 90]]], np.float32)
    face = Faces(np.array([[100, 50, 150, 100]], np.float32), np.array([0.9], np.float32), points, "five-points")
    detector.refine(noise(200, 200), face)
    assert len(engine.blobs) == yunet.MOST_LOOKS


def test_yunet_keeps_the_landmarks_of_a_face_that_a_closer_look_does_not_show() -> None:
    points = np.array([[[110, 60], [140, 60], [125, 75], [112, 90], [138, 90]]], np.float32)
    face = Faces(np.array([[100, 50, 150, 100]], np.float32), np.array([0.9], np.float32), points, "five-points")
    for detector in (yunet_seeing(32, 5, 4, 0.99)[0], yunet_seeing(32, 0, 0)[0]):  # none, and another one
        refined = detector.refine(noise(200, 200), face)
        assert refined.landmarks is not None
        assert (refined.landmarks == points).all()
    assert len(yunet_seeing(32, 5, 4)[0].refine(noise(200, 200), Faces.empty())) == 0


@pytest.mark.parametrize(
    ("longer", "min_face", "side", "least"),
    [(1000, 60, 1000, 24), (4000, 60, 1600, 60), (4000, 30, 3200, 30), (8000, 12, 4096, 47)],
)
def test_large_images_are_looked_at_as_closely_as_small_faces_need(
    longer: int, min_face: int, side: int, least: float
) -> None:
    _, engine = yunet_seeing(8, 0, 0)
    detector = YuNetDetector(engine, NAMES, MODEL, min_face=min_face)
    detector.detect(np.zeros((32, longer, 3), np.uint8))
    assert abs(engine.blobs[0].shape[3] - side) < 32  # padded to whole cells
    assert detector.least_face(32, longer) == pytest.approx(least, abs=1)


@pytest.mark.parametrize("turn", [20, 45])
def test_the_roll_of_a_small_face(turn: float) -> None:
    detector = YuNetDetector.built_in(threads=1)
    scene = portrait(CAST[0], np.random.default_rng(0)).image
    face = detector.detect(scene)[:1]
    middle = (face.xyxy[0, :2] + face.xyxy[0, 2:]) / 2
    rolls = []
    for angle in (0, turn):
        matrix = cv2.getRotationMatrix2D(tuple(map(float, middle)), -angle, 75 / float(face.sizes[0]))
        matrix = matrix + np.column_stack([np.zeros((2, 2)), 125 - middle])
        small = np.asarray(cv2.warpAffine(scene, matrix, (250, 250)), np.uint8)
        landmarks = detector.refine(small, detector.detect(small)[:1]).landmarks
        assert landmarks is not None
        x, y = landmarks[0, 1] - landmarks[0, 0]
        rolls.append(np.degrees(np.arctan2(y, x)))
    assert rolls[1] - rolls[0] == pytest.approx(turn, abs=5)  # 2 of 20 degrees without a closer look


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_yunet_cell_is_one_face(stride: int) -> None:
    detector, engine = yunet_seeing(stride, 1, 2)
    image = noise(90, 110)
    found = detector.detect(image)
    cells = np.array([[1.5, 0.25, 3.5, 2.25]])  # centre (2.5, 1.25), two cells in size
    assert np.allclose(found.xyxy, cells * stride)
    assert found.score == pytest.approx([0.9])  # the root of 0.81 * 1
    assert found.scheme == detector.scheme == "five-points"
    assert found.landmarks is not None
    assert np.allclose(found.landmarks[0], [[(2 + k) * stride, (1.5 + k) * stride] for k in range(5)])
    assert engine.blobs[0].shape == (1, 3, 96, 128)  # padded below and on the right
    assert np.array_equal(engine.blobs[0][0, :, :90, :110], image.transpose(2, 0, 1))
    assert not engine.blobs[0][0, :, 90:].any()


def test_yunet_shrinks_large_images_and_scales_back() -> None:
    detector, engine = yunet_seeing(32, 1, 2)
    found = detector.detect(noise(1000, 2560))
    assert engine.blobs[0].shape == (1, 3, 512, 1280)
    assert np.allclose(found.xyxy, np.array([[1.5, 0.25, 3.5, 2.25]]) * 64)
    assert found.landmarks is not None
    assert np.allclose(found.landmarks[0, 0], [128, 96])


@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (300, 200)])
def test_yunet_without_any_face(shape: tuple[int, int]) -> None:
    found = yunet_seeing(32, 0, 0, confidence=0.95)[0].detect(noise(*shape))
    assert (len(found), found.xyxy.shape, found.score.shape) == (0, (0, 4), (0,))
    assert found.landmarks is not None
    assert found.landmarks.shape == (0, 5, 2)


def test_a_portrait_without_a_face_is_searched_again_in_a_border(monkeypatch: pytest.MonkeyPatch) -> None:
    """The face fills the picture, 100 x 200; the border is half its longer side."""
    detector, _ = yunet_seeing(32, 1, 2)
    shapes = []

    def detect(image: Image, longest: int) -> Faces:
        shapes.append(image.shape[:2])
        points = np.full((1, 5, 2), 150, np.float32)
        found = Faces(np.array([[90, 120, 210, 280]], np.float32), np.ones(1, np.float32), points, "five-points")
        return found if len(shapes) == 2 else found[:0]

    monkeypatch.setattr(detector, "_detect", detect)
    detector.upright_score = None
    face = detector.portrait(Picture.of(noise(200, 100)), 24)
    assert shapes == [(200, 100), (400, 300)]
    assert face.xyxy.tolist() == [[-10, 20, 110, 180]]
    assert face.landmarks is not None
    assert np.all(face.landmarks == 50)


def test_yunet_file_is_known_by_its_outputs(tmp_path: Path) -> None:
    nodes = [("Identity", ["x"], [name]) for name in NAMES]
    path = write_onnx(tmp_path / "a.onnx", [1, 3, "h", "w"], nodes, NAMES)
    detector = YuNetDetector.load(path)
    assert detector.model == ModelId("yunet", digest.digest(path).removeprefix("sha256:"))
    other = write_onnx(tmp_path / "b.onnx", [1, 3, "h", "w"], nodes[:2], NAMES[:2])
    with pytest.raises(ModelError, match=r"not a YuNet face detector .*kps_32, obj_32"):
        YuNetDetector.load(other)


# -- choosing one ------------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...]]]:
    """What would be loaded: the detector's name and its arguments."""
    calls: list[tuple[str, tuple[Any, ...]]] = []
    for kind in (MmodDetector, SsdDetector, YuNetDetector):
        monkeypatch.setattr(kind, "load", lambda *args, name=kind.__name__: calls.append((name, args)))
    monkeypatch.setattr(YuNetDetector, "built_in", lambda *args: calls.append(("built-in", args)))
    return calls


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["a.caffemodel", "a.pb", "a.onnx"], ("SsdDetector", "a.caffemodel")),
        (["b.pb", "b.pbtxt", "a.onnx"], ("SsdDetector", "b.pb")),
        (["README.md", "z.onnx", "y.onnx"], ("YuNetDetector", "y.onnx")),
    ],
)
def test_load_from_a_folder(
    loaded: list[tuple[str, tuple[Any, ...]]], tmp_path: Path, files: list[str], chosen: tuple[str, str]
) -> None:
    for name in files:
        (tmp_path / name).touch()
    detection.load(str(tmp_path), 0.7)
    [(kind, (path, confidence, *_))] = loaded
    assert (kind, path, confidence) == (chosen[0], tmp_path / chosen[1], 0.7)


def test_load_packaged_and_by_file(loaded: list[tuple[str, tuple[Any, ...]]], tmp_path: Path) -> None:
    (tmp_path / "A.ONNX").touch()
    detection.load("built-in", 0.6, 2, 90)
    detection.load("dlib", 0.6, 2, 90)
    detection.load(str(tmp_path / "A.ONNX"), 0.6, 2)
    assert loaded == [
        ("built-in", (0.6, 2, 90)),
        ("MmodDetector", (0.6, 2, 90)),
        ("YuNetDetector", (tmp_path / "A.ONNX", 0.6, 2, 60)),
    ]


def test_load_by_name(
    loaded: list[tuple[str, tuple[Any, ...]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert registry.names() == ("built-in", "dlib", "ssd-caffe", "yunet")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"face_detection_yunet_2023mar\.onnx: no such detector"):
        detection.load("yunet")
    for name in registry.names()[2:]:
        registry.path_of(name).parent.mkdir(exist_ok=True)
        registry.path_of(name).touch()
        detection.load(name)
    assert [kind for kind, _ in loaded] == ["SsdDetector", "YuNetDetector"]


def test_a_detector_has_its_own_score(loaded: list[tuple[str, tuple[Any, ...]]]) -> None:
    for name, own in (("built-in", 0.6), ("dlib", 0.5)):
        assert detection.default_confidence(name) == own
        detection.load(name)
        detection.load(name, 0.3)
        assert [args[0] for _, args in loaded[-2:]] == [own, 0.3]
    assert detection.default_confidence("face_detection_model") == 0.5


def test_load_errors_say_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "net.caffemodel").touch()
    for name, why in (
        ("none", r"none: no such detector; run: faces download-models"),
        ("empty", r"empty: no \.caffemodel, \.pb or \.onnx file in it; run: faces download-models openface"),
        ("notes.txt", r"notes\.txt: expected a \.caffemodel, \.pb or \.onnx file"),
        ("net.caffemodel", r"net\.caffemodel: its \.prototxt file is missing; run: faces download-models"),
    ):
        with pytest.raises(ModelError, match=why):
            detection.load(str(tmp_path / name))


@pytest.mark.parametrize("wh", [(800, 600), (4000, 3000)])
def test_ssd_and_yunet_look_once_at_no_more_pixels_than_they_use(wh: tuple[int, int]) -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((wh[1], wh[0], 3), np.uint8))[1].tobytes()
    ssd, seen_by_ssd = ssd_seeing((0, 1, 0.9, 0.4, 0.4, 0.6, 0.7), (0, 1, 0.8, 0, 0, 0.1, 0.1))
    by_yunet, seen_by_yunet = yunet_seeing(32, 1, 2)
    by_yunet.upright_score = 0.8  # less than its face has
    for detector, side in ((ssd, 600), (by_yunet, 1280)):
        picture = Picture(jpeg)
        [box] = detector.portrait(picture, 24).xyxy
        assert (box >= 0).all() and (box <= [*wh, *wh]).all()
        decoded = min(picture.at_least(0)[0].shape[:2])
        assert decoded == 600 if wh[0] == 800 else side <= 2 * decoded <= 4 * side
    assert np.allclose(ssd.portrait(Picture(jpeg), 24).xyxy, [[0.4 * wh[0], 0.4 * wh[1], 0.6 * wh[0], 0.7 * wh[1]]])
    assert len(seen_by_ssd.blobs) == 2
    assert len(seen_by_yunet.blobs) == 1


def test_every_detector_answers_the_same_kind_of_nothing() -> None:
    image: Image = np.zeros((64, 64, 3), np.uint8)
    for detector in (mmod_seeing({})[0], ssd_seeing()[0], yunet_seeing(8, 0, 0, 0.99)[0]):
        found = detector.detect(image)
        assert found.xyxy.dtype == found.score.dtype == np.float32
        assert detector.predictor_boxes(found).shape == (0, 4)
