"""OpenFace's network for PyTorch is the one that its files hold: the same parameters, the same answers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces import embedders
from faces.engine import OnnxEngine
from faces.synthetic_people import CAST
from faces.synthetic_scene import portrait
from faces.torch7_onnx import converted
from faces.training import openface
from faces.types import Image
from tests.torch7_files import random_parameters

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -r requirements-train.txt")
pytestmark = pytest.mark.training


def drawn() -> Image:
    """uint8 (4, 96, 96, 3) BGR: drawn people."""
    return np.stack([cv2.resize(portrait(person, 5, 1).image, (96, 96)) for person in CAST[:4]]).astype(np.uint8)


def test_it_has_as_many_parameters_as_openfaces() -> None:
    assert sum(value.numel() for value in openface.network().parameters()) == 3_733_968


def test_every_file_of_it_answers_alike_on_photographs(tmp_path: Path) -> None:
    draw = random_parameters(7)
    network = openface.network()
    state = {
        name: torch.from_numpy(draw(name, tuple(value.shape)))
        for name, value in network.state_dict().items()
        if value.ndim
    }
    network.load_state_dict(state, strict=False)
    network.eval()
    crops = drawn()
    with torch.inference_mode():
        rgb = torch.from_numpy(np.ascontiguousarray(crops[..., ::-1])).permute(0, 3, 1, 2).float() / 255
        expected = network(rgb).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 1e-3
    path = tmp_path / "network.t7"
    openface.write({name: value.numpy() for name, value in network.state_dict().items()}, path)
    assert path.stat().st_size < 16e6
    path.with_suffix(".onnx").write_bytes(converted(path))
    for file in (path, path.with_suffix(".onnx")):
        np.testing.assert_allclose(embedders.load(str(file)).forward(crops), expected, atol=1e-4)
    np.testing.assert_allclose(OnnxEngine(path).run(rgb.numpy())[0], expected, atol=1e-4)


def test_windows_of_zeros_have_a_slope() -> None:
    network = openface.network().train()
    network(torch.zeros(2, 3, 96, 96)).sum().backward()
    assert all(bool(value.grad.isfinite().all()) for value in network.parameters())
