"""The door to the inference runtimes: what an engine answers, and what it says of files it cannot use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.errors import ModelError, first_line
from faces.models import engine
from faces.models.engine import CvDnnEngine, OnnxEngine, opencv_reads_torch7, torch7_engine
from faces.models.torch7.file import write_t7
from faces.models.torch7.modules import module, relu, sequential
from tests.fakes import write_onnx


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Doubles its input, and sums it."""
    nodes = [("Add", ["x", "x"], ["double"]), ("ReduceSum", ["x"], ["total"])]
    return write_onnx(tmp_path / "net.onnx", ["n", 3, 2], nodes, ["total", "double"])


def test_onnx_gives_every_output_in_the_networks_order(network: Path) -> None:
    engine = OnnxEngine(network, threads=1)
    blob = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    assert (engine.input_shape, engine.output_names) == (["n", 3, 2], ["total", "double"])
    total, double = engine.run(blob)
    assert float(total.ravel()[0]) == 66
    assert np.array_equal(double, 2 * blob)


def test_onnx_answers_several_threads_at_once(network: Path) -> None:
    engine = OnnxEngine(network, threads=1)
    blobs = [np.full((1, 3, 2), value, np.float32) for value in range(50)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(engine.run, blobs))
    assert [float(total.ravel()[0]) for total, _ in answers] == [6 * value for value in range(50)]


def test_onnx_input_that_does_not_fit(network: Path) -> None:
    with pytest.raises(ModelError, match=r"net\.onnx: ONNX Runtime cannot compute it") as caught:
        OnnxEngine(network).run(np.zeros((1, 5, 2), np.float32))
    assert "\n" not in str(caught.value)


def test_onnx_of_any_size(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "net.onnx", [1, 3, 64, 64], [("Relu", ["x"], ["y"])])
    blob = np.ones((1, 3, 32, 96), np.float32)
    assert np.array_equal(OnnxEngine(path, any_size=True).run(blob)[0], blob)
    with pytest.raises(ModelError):
        OnnxEngine(path).run(blob)


def test_onnx_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: no such model file"):
        OnnxEngine(tmp_path / "none.onnx")


@pytest.mark.parametrize("keep", [0, 20, 100])
def test_onnx_file_that_is_none(network: Path, keep: int) -> None:
    network.write_bytes(network.read_bytes()[:keep] + b"not a network")
    with pytest.raises(ModelError, match="not a network that ONNX Runtime can run") as caught:
        OnnxEngine(network)
    assert "\n" not in str(caught.value)


def test_opencv_files_that_are_not_there(tmp_path: Path) -> None:
    weights = tmp_path / "net.pb"
    with pytest.raises(ModelError, match=r"net\.pb: no such model file; run: faces download-models openface"):
        CvDnnEngine(weights)
    weights.touch()
    with pytest.raises(ModelError, match=r"net\.pbtxt: no such model file"):
        CvDnnEngine(weights, tmp_path / "net.pbtxt")


def test_opencv_file_of_an_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "net.h5").touch()
    with pytest.raises(ModelError, match=r"expected a \.t7, \.caffemodel or \.pb file"):
        CvDnnEngine(tmp_path / "net.h5")


@pytest.mark.parametrize(("suffix", "kind"), [(".t7", "Torch"), (".caffemodel", "Caffe"), (".pb", "TensorFlow")])
def test_opencv_file_that_is_damaged(tmp_path: Path, suffix: str, kind: str) -> None:
    if not hasattr(cv2.dnn, {"Torch": "readNetFromTorch", "Caffe": "readNetFromCaffe"}.get(kind, "__name__")):
        pytest.skip("this OpenCV has no reader for it")
    for name in (f"net{suffix}", "net.config"):
        (tmp_path / name).write_bytes(b"layer { nonsense \xff")
    with pytest.raises(ModelError, match=f"OpenCV cannot read it as a {kind} network; download it again"):
        CvDnnEngine(tmp_path / f"net{suffix}", tmp_path / "net.config")


@pytest.mark.parametrize(("suffix", "reader"), [(".t7", "readNetFromTorch"), (".caffemodel", "readNetFromCaffe")])
def test_opencv_5_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str, reader: str
) -> None:
    monkeypatch.delattr(cv2.dnn, reader, raising=False)
    (tmp_path / f"net{suffix}").touch()
    with pytest.raises(ModelError, match="run: pip install 'opencv-python<5'"):
        CvDnnEngine(tmp_path / f"net{suffix}")


def test_a_torch7_network_of_another_kind_is_for_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.t7"
    write_t7(path, sequential(module("Tanh")))
    blob = np.linspace(-1, 1, 6, dtype=np.float32).reshape(1, 6, 1, 1)
    if opencv_reads_torch7():
        np.testing.assert_allclose(torch7_engine(path).run(blob)[0], np.tanh(blob), atol=1e-5)
    monkeypatch.delattr(cv2.dnn, "readNetFromTorch", raising=False)
    with pytest.raises(ModelError, match=r"other\.t7: nn\.Tanh is not part of .*run: pip install 'opencv-python<5'"):
        torch7_engine(path)


def test_threads_are_for_torch7_networks_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    given = list[int | None]()
    monkeypatch.setattr(engine, "OnnxEngine", lambda _, threads: given.append(threads))
    write_t7(tmp_path / "relu.t7", sequential(relu()))
    torch7_engine(tmp_path / "relu.t7", 3)
    torch7_engine(tmp_path / "relu.t7", 5, keep_as="relu")
    assert given == [3, 5]


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("one\ntwo"), "one"), (ValueError("\n one"), "one"), (KeyError(), "KeyError")]
)
def test_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line
