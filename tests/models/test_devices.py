"""Networks on another device than the CPU: which, whether its results agree, and what is said if they do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime as ort
import pytest

from faces.cli import options
from faces.errors import ModelError
from faces.models import devices
from faces.models.engine import OnnxEngine
from tests.conftest import RunScript
from tests.fakes import write_onnx

BLOB = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
Installed = Callable[..., list[str]]


class Device:
    """The CPU under a provider's name; its results are too large by ``error``."""

    def __init__(self, real: Any, name: str, error: float, fails: bool) -> None:
        self._real, self._name, self._error, self._fails = real, name, error, fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get_providers(self) -> list[str]:
        return [self._name, devices.PROVIDERS["cpu"]]

    def run(self, *args: Any) -> list[Any]:
        if self._fails:
            raise RuntimeError("out of memory\nand more")
        return [output * (1 + self._error) for output in self._real.run(*args)]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(devices.VARIABLE, "cpu")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Installs CUDA's provider, as it were; the result lists the providers that sessions were asked for."""

    def installed(error: float = 0.0, fails: bool = False, starts: bool = True, name: str = "cuda") -> list[str]:
        real, asked, provider = ort.InferenceSession, [], devices.PROVIDERS[name]

        def session(source: object, options: object, providers: list[str]) -> Any:
            asked.append(providers[0])
            on_cpu = real(source, options, providers=providers[-1:])
            return Device(on_cpu, provider, error, fails) if starts and providers[0] == provider else on_cpu

        monkeypatch.setattr(ort, "InferenceSession", session)
        monkeypatch.setattr(ort, "get_available_providers", lambda: [provider, devices.PROVIDERS["cpu"]])
        return asked

    return installed


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Doubles its input."""
    return write_onnx(tmp_path / "net.onnx", ["n", 3, 2], [("Add", ["x", "x"], ["y"])])


def device(engine: OnnxEngine) -> str:
    provider = engine._session.get_providers()[0]
    return next(name for name, known in devices.PROVIDERS.items() if known == provider)


@pytest.mark.parametrize("name", ["cuda", "auto"])
def test_a_device_whose_results_agree_is_used(install: Installed, network: Path, name: str) -> None:
    install(error=0.005)
    devices.choose(name)
    engine = OnnxEngine(network)
    assert device(engine) == "cuda"
    assert np.allclose(engine.run(BLOB)[0], 2.01 * BLOB)


def test_a_device_whose_results_differ_is_not_used(
    install: Installed, network: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(error=0.02)
    devices.choose("cuda")
    with caplog.at_level("INFO"):
        engine = OnnxEngine(network)
    assert np.array_equal(engine.run(BLOB)[0], 2 * BLOB)
    assert caplog.messages == ["net.onnx runs on the CPU: cuda's results differ by 0.02"]


def test_a_device_that_cannot_compute_a_network(
    install: Installed, network: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(fails=True)
    devices.choose("cuda")
    with caplog.at_level("INFO"):
        assert device(OnnxEngine(network)) == "cpu"
    assert caplog.messages == ["net.onnx runs on the CPU: cuda cannot compute it (out of memory)"]


def test_a_device_that_cannot_be_started_is_tried_once(
    install: Installed, network: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = install(starts=False)
    devices.choose("cuda")
    with caplog.at_level("INFO"):
        engines = [OnnxEngine(network), OnnxEngine(network)]
    assert [device(engine) for engine in engines] == ["cpu"] * 2
    assert asked.count(devices.PROVIDERS["cuda"]) == 1
    assert caplog.messages == ["all networks run on the CPU: ONNX Runtime cannot start cuda"]
    assert os.environ[devices.VARIABLE] == "cpu"  # processes that are started do not try it either


def test_the_cpu_is_the_default(install: Installed, network: Path) -> None:
    asked = install()
    assert device(OnnxEngine(network)) == "cpu"
    assert asked == [devices.PROVIDERS["cpu"]]


def test_auto_without_another_device_is_the_cpu(network: Path) -> None:
    devices.choose("auto")
    assert device(OnnxEngine(network)) == "cpu"


def test_directml_computes_one_call_at_a_time(install: Installed, network: Path) -> None:
    install(name="directml")
    devices.choose("directml")
    engine = OnnxEngine(network)
    with engine._turn:
        assert engine._turn.locked()  # type: ignore[attr-defined]
    assert np.array_equal(engine.run(BLOB)[0], 2 * BLOB)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "FACES_DEVICE: no device 'gpu'; there are auto, cuda, openvino, coreml, directml, cpu"),
        ("cuda", "cannot use the device cuda, only cpu; it comes with the package onnxruntime-gpu"),
    ],
)
def test_a_device_that_is_not_there(network: Path, name: str, said: str) -> None:
    devices.choose(name)
    with pytest.raises(ModelError, match=r"device") as caught:
        OnnxEngine(network)
    assert said in str(caught.value)


def test_the_option_chooses_the_device() -> None:
    parser = options.parser("Try.")
    options.add_model_options(parser)
    parser.parse_args([])
    assert os.environ[devices.VARIABLE] == "cpu"
    assert not hasattr(parser.parse_args(["--device", "auto"]), "device")
    assert os.environ[devices.VARIABLE] == "auto"


def test_a_command_says_that_the_device_is_missing(tmp_path: Path, run_here: RunScript) -> None:
    photograph = tmp_path / "dataset" / "Ada" / "1.png"
    photograph.parent.mkdir(parents=True)
    cv2.imwrite(str(photograph), np.zeros((80, 80, 3), np.uint8))
    result = run_here("extract_embeddings.py", "--device", "openvino", "--workers", "1", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: this ONNX Runtime cannot use the device openvino, only cpu;")


@pytest.mark.parametrize("shape", [["n", 3, 112, 112], [1, 3, "height", "width"], ["n", 128]])
def test_the_sample_fits_the_network(tmp_path: Path, shape: list[int | str]) -> None:
    path = write_onnx(tmp_path / "net.onnx", shape, [("Relu", ["x"], ["y"])])
    (blob,) = devices.sample_input(OnnxEngine(path)._session.get_inputs()).values()
    expected = [side if isinstance(side, int) else 2 if place == 0 else 320 for place, side in enumerate(shape)]
    assert list(blob.shape) == expected


def test_deviation_is_relative_to_the_largest_number() -> None:
    expected = [np.array([0, 200], np.float32), np.array([[0.5]], np.float32)]
    assert devices.deviation(
        [np.array([1, 200], np.float32), np.array([[0.5]], np.float32)], expected
    ) == pytest.approx(0.005)
    assert devices.deviation(
        [np.array([0, 200], np.float32), np.array([[0.75]], np.float32)], expected
    ) == pytest.approx(0.25)
    assert devices.deviation([np.array([0, np.nan], np.float32), np.array([[0.5]], np.float32)], expected) == float(
        "inf"
    )
    assert devices.deviation([np.array([0], np.float32), np.array([[0.5]], np.float32)], expected) == float("inf")
