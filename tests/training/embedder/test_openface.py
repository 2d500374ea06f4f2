"""OpenFace's network for PyTorch is the one that its files hold: the same parameters, the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.photographs import DATA
from faces.embedding import embedders
from faces.evaluation.searches.trials import by_person
from faces.images import read_image
from faces.models import zoo
from faces.models.engine import CvDnnEngine, opencv_reads_torch7
from faces.models.torch7.file import FloatArray, TorchObject, read_t7, write_t7
from faces.models.torch7.to_onnx import converted
from faces.pipeline import Pipeline
from faces.synthetic.people import CAST
from faces.synthetic.scenes import portrait
from faces.training.embedder import openface
from faces.types import Image
from tests.conftest import ROOT
from tests.torch7_files import random_parameters

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'recognize-faces[train]'")
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
    if opencv_reads_torch7():
        np.testing.assert_allclose(CvDnnEngine(path).run(rgb.numpy())[0], expected, atol=1e-4)


def weights_in(path: Path, folder: Path) -> dict[str, Any]:
    """Read a file's weights by PyTorch's names, located with a file of the same network that numbers its arrays."""
    names = list[tuple[str, tuple[int, ...]]]()

    def numbered(name: str, shape: tuple[int, ...]) -> FloatArray:
        names.append((name, shape))
        return np.full(shape, len(names) - 1, np.float32)

    write_t7(folder / "numbers.t7", openface.torch7_tree(numbered))
    state = {}

    def walk(number: Any, value: Any) -> None:
        if isinstance(number, TorchObject):
            for key in number.fields:
                walk(number.fields[key], value.fields[key])
        elif isinstance(number, list):
            for numbered_item, item in zip(number, value, strict=True):
                walk(numbered_item, item)
        elif isinstance(number, np.ndarray) and number.dtype == np.float32 and number.size:
            name, shape = names[int(number.flat[0])]
            state[name] = torch.from_numpy(value.reshape(shape))

    walk(read_t7(folder / "numbers.t7"), read_t7(path))
    return state


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs to measure on: {DATA} is not here")
def test_the_projects_own_weights_answer_alike_on_photographs(tmp_path: Path) -> None:
    path = ROOT / zoo.MODELS["openface-distilled"].files[0].path
    network = openface.network()
    network.load_state_dict(weights_in(path, tmp_path), strict=False)
    network.eval()
    pipeline = Pipeline.load(embedding_model=str(path), threads=1)
    images = [read_image(paths[0]) for paths in list(by_person(DATA / "people").values())[:8]]
    crops = [pipeline.embedder.aligner.crop(image, pipeline.best_face(image))[0] for image in images]
    rgb = np.stack(crops)[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / 255
    with torch.inference_mode():
        expected = network(torch.from_numpy(rgb)).numpy()
    np.testing.assert_allclose(pipeline.embedder.forward(np.stack(crops)), expected, atol=1e-4)
    if opencv_reads_torch7():
        np.testing.assert_allclose(CvDnnEngine(path).run(rgb)[0], expected, atol=1e-4)


def test_windows_of_zeros_have_a_slope() -> None:
    network = openface.network().train()
    network(torch.zeros(2, 3, 96, 96)).sum().backward()
    assert all(bool(value.grad.isfinite().all()) for value in network.parameters())
