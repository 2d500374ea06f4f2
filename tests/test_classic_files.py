"""cv2.dnn reads the classic pair's files that the tests write, and computes from them what plain numpy does."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faces.models.torch7.file import FloatArray, Storage, Tensor, TorchObject, write_t7
from faces.models.torch7.modules import (
    average_pool,
    batch_norm,
    convolution,
    cross_map_lrn,
    l2_pool,
    linear,
    max_pool,
    module,
    normalize,
    relu,
    reshape,
    sequential,
)
from faces.training.embedder.openface import Inception, torch7_inception, torch7_tree
from tests.caffe_files import first, parse_prototxt, random_blobs, small_ssd_prototxt, write_caffemodel, write_small_ssd
from tests.numpy_layers import overlaps, prior_boxes, run_caffe, run_torch
from tests.torch7_files import nn4_small2, parameter_count, random_parameters

REAL_PROTOTXT = Path(__file__).parents[2] / "shared" / "models" / "deploy.prototxt"

reads_torch = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromTorch"), reason="this OpenCV reads no Torch7 files: pip install 'opencv-python<5'"
)
reads_caffe = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromCaffe"), reason="this OpenCV reads no Caffe files: pip install 'opencv-python<5'"
)


def opencv_torch(path: Path, root: TorchObject, x: FloatArray) -> FloatArray:
    """What cv2.dnn makes of `x` with a network written to `path`."""
    write_t7(path, root)
    net = cv2.dnn.readNetFromTorch(str(path))
    net.setInput(x)
    return np.asarray(net.forward(), np.float32)


def opencv_caffe(prototxt: Path, caffemodel: Path, x: FloatArray) -> FloatArray:
    """What cv2.dnn makes of `x` with a network in files."""
    net = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    net.setInput(x)
    return np.asarray(net.forward(), np.float32)


def noise(seed: int) -> FloatArray:
    """Coarse coloured noise, as the SSD's input: (1, 3, 300, 300), BGR, pixels less the mean."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    picture = cv2.resize(small, (300, 300), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.dnn.blobFromImage(picture, 1, (300, 300), (104, 177, 123)), np.float32)


def likeliest(detections: FloatArray, count: int) -> FloatArray:
    """The best rows of a detector's output (1, 1, n, 7) without the zeros that may follow: at most (count, 7)."""
    rows: FloatArray = detections[0, 0]
    return rows[rows[:, 2] > 0][:count]


def test_torch7_values_have_the_bytes_that_lua_writes(tmp_path: Path) -> None:
    path = tmp_path / "values.t7"
    shared = relu()
    write_t7(path, {"yes": True, "half": 0.5, "list": [None, "b"], "none": None})
    expected = struct.pack("<iii", 3, 1, 4)
    expected += struct.pack("<ii3s ii", 2, 3, b"yes", 5, 1)
    expected += struct.pack("<ii4s id", 2, 4, b"half", 1, 0.5)
    expected += struct.pack("<ii4s iii id ii1s", 2, 4, b"list", 3, 2, 1, 1, 2.0, 2, 1, b"b")
    expected += struct.pack("<ii4s i", 2, 4, b"none", 0)
    assert path.read_bytes() == expected

    write_t7(path, np.array([[1.5, 2.5]], np.float32))
    expected = struct.pack("<ii i3s i17s", 4, 1, 3, b"V 1", 17, b"torch.FloatTensor")
    expected += struct.pack("<i qq qq q", 2, 1, 2, 2, 1, 1)
    expected += struct.pack("<ii i3s i18s q 2f", 4, 2, 3, b"V 1", 18, b"torch.FloatStorage", 2, 1.5, 2.5)
    assert path.read_bytes() == expected

    write_t7(path, [shared, shared])
    assert path.read_bytes().count(b"nn.ReLU") == 1
    with pytest.raises(TypeError, match="set"):
        write_t7(path, {1, 2})


@reads_torch
@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda p: convolution(p("a.weight", (4, 6, 3, 3)), p("a.bias", (4,)), 2, 1), (2, 6, 9, 8)),
        (lambda p: convolution(p("a.weight", (4, 6, 5, 5)), p("a.bias", (4,)), matrix=True), (2, 6, 9, 8)),
        (lambda p: batch_norm(*(p(name, (6,)) for name in ("a.bn.weight", "b", "m", "v.running_var"))), (2, 6, 5, 4)),
        (lambda p: max_pool(3, 2, 1), (2, 6, 12, 9)),
        (lambda p: max_pool(3, 2), (2, 6, 12, 9)),
        (lambda p: average_pool(3, 1), (2, 6, 5, 4)),
        (lambda p: l2_pool(3), (2, 6, 12, 10)),
        (lambda p: cross_map_lrn(5, 1e-4, 0.75), (2, 9, 5, 4)),
        (lambda p: torch7_inception(p, Inception("a", 6, ((3, 4, 5), (5, 2, 3)), 1, "2-norm", 4, 7)), (2, 6, 11, 12)),
        (lambda p: torch7_inception(p, Inception("a", 6, ((3, 4, 5),), 2, "max", 0, 0)), (2, 6, 12, 12)),
        (lambda p: sequential(reshape("Reshape", 10, 2, 3), reshape("View", 60)), (2, 6, 5, 2)),
        (lambda p: sequential(linear(p("a.weight", (5, 7)), p("a.bias", (5,))), normalize()), (2, 7)),
    ],
    ids=[
        "convolution",
        "convolution mm",
        "batch norm",
        "max pool pad",
        "max pool",
        "average pool",
        "2-norm pool",
        "lrn",
        "inception",
        "inception stride 2",
        "reshape",
        "linear",
    ],
)
def test_opencv_computes_each_torch_module(tmp_path: Path, build: Any, shape: tuple[int, ...]) -> None:
    root = sequential(build(random_parameters(1)))
    x = np.random.default_rng(2).normal(0, 30, shape).astype(np.float32)  # large, so that LRN changes it by much
    ours = run_torch(root, x)
    theirs = opencv_torch(tmp_path / "module.t7", root, x)
    assert theirs.shape == ours.shape
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-4)


@reads_torch
def test_opencv_reads_tensors_that_share_a_storage(tmp_path: Path) -> None:
    # after net:getParameters(), as in OpenFace's training, all weights are parts of one storage
    storage = Storage(np.arange(20, dtype=np.float32))
    weight, bias = Tensor(storage, (3, 4), 2), Tensor(storage, (3,), 14)
    x = np.array([[1, 0, 2, 0]], np.float32)
    y = opencv_torch(tmp_path / "shared.t7", sequential(module("Linear", weight=weight, bias=bias)), x)
    np.testing.assert_array_equal(y, [[2 + 2 * 4 + 14, 6 + 2 * 8 + 15, 10 + 2 * 12 + 16]])
    np.testing.assert_array_equal(weight.array, np.arange(2, 14).reshape(3, 4))


@reads_torch
def test_opencv_loses_a_module_that_it_first_meets_outside_of_a_table(tmp_path: Path) -> None:
    # why `modules` comes first in an Inception: the writer's order is part of the format that OpenCV reads
    pool = max_pool(2, 2)
    x = np.zeros((1, 1, 4, 4), np.float32)
    pool_first = sequential(module("Inception", pool=pool, modules=[sequential(pool, relu())]))
    pool_last = sequential(module("Inception", modules=[sequential(pool, relu())], pool=pool))
    assert opencv_torch(tmp_path / "first.t7", pool_first, x).shape == (1, 1, 4, 4)
    assert opencv_torch(tmp_path / "last.t7", pool_last, x).shape == (1, 1, 2, 2)


def test_nn4_small2_has_openfaces_layout() -> None:
    root = nn4_small2()
    assert parameter_count(root) == 3_733_968
    x = np.zeros((1, 3, 96, 96), np.float32)
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for each in root.fields["modules"]:
        x = run_torch(each, x)
        shapes.setdefault(each.class_name, []).append(x.shape[1:])
    assert shapes["nn.SpatialMaxPooling"] == [(64, 24, 24), (192, 12, 12)]
    inceptions = [(256, 12, 12), (320, 12, 12), (640, 6, 6), (640, 6, 6), (1024, 3, 3), (736, 3, 3), (736, 3, 3)]
    assert shapes["nn.Inception"] == inceptions
    assert shapes["nn.SpatialAveragePooling"] == [(736, 1, 1)]
    assert shapes["nn.Normalize"] == [(128,)]


def test_nn4_small2_asks_once_for_each_parameter() -> None:
    draw = random_parameters(0)
    asked: dict[str, tuple[int, ...]] = {}

    def parameters(name: str, shape: tuple[int, ...]) -> FloatArray:
        assert name not in asked
        asked[name] = shape
        return draw(name, shape)

    torch7_tree(parameters)
    learnt = [shape for name, shape in asked.items() if ".running_" not in name]
    assert sum(int(np.prod(shape)) for shape in learnt) == 3_733_968
    assert asked["conv1.weight"] == (64, 3, 7, 7)
    assert asked["inception4a.pool.bn.running_var"] == (128,)
    assert "inception3c.1x1.weight" not in asked


@reads_torch
def test_opencv_computes_nn4_small2(tmp_path: Path) -> None:
    root = nn4_small2(seed=3)
    x = np.random.default_rng(4).uniform(0, 1, (3, 3, 96, 96)).astype(np.float32)
    ours = run_torch(root, x)
    theirs = opencv_torch(tmp_path / "nn4.small2.t7", root, x)
    assert theirs.shape == (3, 128)
    np.testing.assert_allclose(np.linalg.norm(theirs, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert np.abs(ours[0] - ours[1]).max() > 1e-3  # so that it is not always the same vector that agrees
    write_t7(tmp_path / "again.t7", nn4_small2(seed=3))
    assert (tmp_path / "again.t7").read_bytes() == (tmp_path / "nn4.small2.t7").read_bytes()


def test_prototxt_parses() -> None:
    text = (
        'input: "d"  # pixels\nlayer { name: "a" p { axis: 2 on: false mode: MAX by: 0.5 shape: { dim: 0 dim: -1 } } }'
    )
    settings = {"axis": [2], "on": [False], "mode": ["MAX"], "by": [0.5], "shape": [{"dim": [0, -1]}]}
    assert parse_prototxt(text) == {"input": ["d"], "layer": [{"name": ["a"], "p": [settings]}]}


def test_prior_boxes_by_hand() -> None:
    given = parse_prototxt("min_size: 40 max_size: 90 aspect_ratio: 4 step: 100 offset: 0.5" + 4 * " variance: 0.1")
    xyxy, variance = prior_boxes(given, (1, 2), (200, 400)).reshape(2, 2, 4, 4)
    squares_wide_and_tall = [[30, 30, 70, 70], [20, 20, 80, 80], [10, 40, 90, 60], [40, 10, 60, 90]]
    next_column = np.add(squares_wide_and_tall, [100, 0, 100, 0])
    np.testing.assert_allclose(xyxy * (400, 200, 400, 200), np.stack([squares_wide_and_tall, next_column]), rtol=1e-5)
    np.testing.assert_array_equal(variance, np.float32(0.1))


@reads_caffe
@pytest.mark.parametrize("seed", [10, 7])
@pytest.mark.parametrize("half", [False, True], ids=["float32", "float16"])
def test_opencv_computes_the_small_ssd(tmp_path: Path, seed: int, half: bool) -> None:
    prototxt, caffemodel = write_small_ssd(tmp_path, seed)
    net = parse_prototxt(prototxt.read_text())
    blobs = random_blobs(net, seed)
    if half:
        blobs = {name: [blob.astype(np.float16).astype(np.float32) for blob in each] for name, each in blobs.items()}
        write_caffemodel(caffemodel, net, blobs, half=True)
    for picture in range(3):
        x = noise(picture)
        ours, theirs = run_caffe(net, blobs, x), opencv_caffe(prototxt, caffemodel, x)
        assert theirs.shape == (1, 1, 200, 7)
        count = int((ours[0, 0, :, 2] > 0.02).sum())
        assert count >= 10
        np.testing.assert_allclose(likeliest(theirs, count), likeliest(ours, count), atol=1e-4)


@reads_caffe
def test_the_small_ssd_detects_a_handful_of_boxes_and_nothing_in_a_flat_image(tmp_path: Path) -> None:
    files = write_small_ssd(tmp_path)
    rows = likeliest(opencv_caffe(*files, noise(0)), 200)
    scores, xyxy = rows[:, 2], rows[:, 3:]
    assert 1 <= (scores > 0.5).sum() <= 12
    assert len(scores) > 30
    assert (np.diff(scores) <= 0).all()
    assert (rows[:, :2] == (0, 1)).all()
    assert (xyxy[:, :2] < xyxy[:, 2:]).all()
    assert max(overlaps(box, np.delete(xyxy, index, 0)).max() for index, box in enumerate(xyxy)) <= 0.45 + 1e-4
    flat = np.zeros((1, 3, 300, 300), np.float32)
    np.testing.assert_array_equal(opencv_caffe(*files, flat), np.zeros((1, 1, 200, 7)))  # rows of score 0, not 0 rows


def test_the_small_ssd_has_the_layer_types_of_the_real_one() -> None:
    if not REAL_PROTOTXT.exists():
        pytest.skip(f"{REAL_PROTOTXT} is not here")
    small, real = (parse_prototxt(text) for text in (small_ssd_prototxt(), REAL_PROTOTXT.read_text()))
    assert {first(layer, "type") for layer in small["layer"]} == {first(layer, "type") for layer in real["layer"]}


@reads_caffe
def test_opencv_computes_the_real_prototxt_with_random_weights(tmp_path: Path) -> None:
    if not REAL_PROTOTXT.exists():
        pytest.skip(f"{REAL_PROTOTXT} is not here")
    net = parse_prototxt(REAL_PROTOTXT.read_text())
    blobs = random_blobs(net, 0)
    caffemodel = tmp_path / "res10.caffemodel"
    write_caffemodel(caffemodel, net, blobs)
    x = noise(0)
    ours, theirs = run_caffe(net, blobs, x), opencv_caffe(REAL_PROTOTXT, caffemodel, x)
    assert theirs.shape == (1, 1, 200, 7)
    np.testing.assert_allclose(likeliest(theirs, 20), likeliest(ours, 20), atol=1e-4)
