"""The detectors around their networks: what goes in, and what boxes come of known outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces import detectors, zoo
from faces.detectors import MmodDetector, SsdDetector, YuNetDetector, mmod
from faces.errors import ModelError
from faces.types import Image, ModelId
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
    levels = mmod._tiling(100, 100)
    expected = [(100, 100, 11, 11), (83, 83, 11, 121), (69, 69, 11, 214), (57, 57, 11, 293), (47, 47, 11, 360),
                (39, 39, 72, 368), (32, 32, 79, 326), (26, 26, 85, 290)]  # fmt: skip
    assert [(level.width, level.height, level.x, level.y) for level in levels][: len(expected)] == expected
    assert min(level.height for level in levels) == 5


@pytest.mark.parametrize(
    "wh", [(20, 20), (20, 400), (400, 20), (83, 61), (640, 480), (480, 640), (1875, 219), (75, 149), (4000, 1000)]
)
def test_tiles_lie_apart_inside_the_picture(wh: tuple[int, int]) -> None:
    levels = mmod._tiling(*wh)
    height, width, _ = mmod._tiled(np.zeros((wh[1], wh[0], 3), np.uint8), levels).shape
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
            assert max(level.x - before.x - before.width, below, above) >= mmod.PADDING
    padding = mmod.OUTER_PADDING
    assert not occupied[:padding].any() and not occupied[-padding:].any()
    assert not occupied[:, :padding].any() and not occupied[:, -padding:].any()


def test_tiled_picture_holds_the_image_on_the_mean_colour() -> None:
    image = noise(48, 64)
    tiled = mmod._tiled(image, mmod._tiling(64, 48))
    assert np.array_equal(tiled[11:59, 11:75], image)
    assert tiled[0, 0].tolist() == [104, 117, 123]
    second = mmod._tiling(64, 48)[1]
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


def test_min_face_of_the_call_goes_before_the_detectors() -> None:
    detector, engine = mmod_seeing({}, min_face=80)
    for min_face in (None, 160, 40):
        detector.detect(noise(200, 200), min_face)
    sizes = [blob.shape[2] - 2 * mmod.OUTER_PADDING for blob in engine.blobs]
    assert sizes == [200, 100, 400]


def test_large_images_are_shrunk_first() -> None:
    detector, engine = mmod_seeing({(10, 10): 1.0}, min_face=20, max_pixels=10_000)
    found = detector.detect(noise(200, 200))
    assert engine.blobs[0].shape[2] == 100 + 2 * mmod.OUTER_PADDING
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
    "box", [(0.5, 0.5, 0.5, 0.9), (0.9, 0.2, 0.1, 0.5), (1.1, 0.1, 1.5, 0.5), (-1, -1, 0, 0), (np.nan, 0, 1, 1),
            (0, 0, np.inf, 1)]
)  # fmt: skip
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
                    "cls": [0.81], "obj": [1.2], "bbox": [0.5, 0.25, np.log(2), np.log(2)], "kps": np.arange(10) / 2
                }[part]  # fmt: skip
            outputs.append(value)
        return outputs

    engine = FakeEngine(answer)
    return YuNetDetector(engine, NAMES, MODEL, confidence), engine


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


def test_yunet_file_is_known_by_its_outputs(tmp_path: Path) -> None:
    nodes = [("Identity", ["x"], [name]) for name in NAMES]
    path = write_onnx(tmp_path / "a.onnx", [1, 3, "h", "w"], nodes, NAMES)
    detector = YuNetDetector.load(path)
    assert detector.model == ModelId("yunet", zoo.digest(path).removeprefix("sha256:"))
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
    detectors.load(str(tmp_path), 0.7)
    [(kind, (path, confidence, *_))] = loaded
    assert (kind, path, confidence) == (chosen[0], tmp_path / chosen[1], 0.7)


def test_load_built_in_and_by_file(loaded: list[tuple[str, tuple[Any, ...]]], tmp_path: Path) -> None:
    (tmp_path / "A.ONNX").touch()
    detectors.load("built-in", 0.6, 2, 90)
    detectors.load(str(tmp_path / "A.ONNX"), 0.6, 2)
    assert loaded == [("MmodDetector", (0.6, 2, 90)), ("YuNetDetector", (tmp_path / "A.ONNX", 0.6, 2))]


def test_load_errors_say_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "net.caffemodel").touch()
    for name, why in (
        ("none", r"none: no such detector; run: python download_models\.py"),
        ("empty", r"empty: no \.caffemodel, \.pb or \.onnx file in it; run: python download_models\.py openface"),
        ("notes.txt", r"notes\.txt: expected a \.caffemodel, \.pb or \.onnx file"),
        ("net.caffemodel", r"net\.caffemodel: its \.prototxt file is missing; run: python download_models\.py"),
    ):
        with pytest.raises(ModelError, match=why):
            detectors.load(str(tmp_path / name))


def test_every_detector_answers_the_same_kind_of_nothing() -> None:
    image: Image = np.zeros((64, 64, 3), np.uint8)
    for detector in (mmod_seeing({})[0], ssd_seeing()[0], yunet_seeing(8, 0, 0, 0.99)[0]):
        found = detector.detect(image, min_face=30)
        assert (found.xyxy.dtype, found.score.dtype) == (np.float32, np.float32)
        assert detector.predictor_boxes(found).shape == (0, 4)
