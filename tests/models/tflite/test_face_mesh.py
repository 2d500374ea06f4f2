"""The converted face mesh against LiteRT, which runs the original file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.photographs import DATA
from faces.errors import ModelError
from faces.images import read_image
from faces.landmarks.mesh import around_boxes, blob, cut_crops
from faces.models import cache, conversion, packages, zoo
from faces.models.engine import OnnxEngine
from faces.pipeline import Pipeline
from faces.types import Floats
from tests.fakes import noise
from tests.mesh_models import needs_face_mesh

SPEC = zoo.MODELS["mediapipe-mesh"]
WITHIN = 1e-3  # px of 192, and of the logit


def litert(crops: Floats) -> list[NDArray[Any]]:
    """Return the points (N, 1404) and logits (N, 1) of the original file, for crops (N, 3, 192, 192)."""
    module = pytest.importorskip("ai_edge_litert.interpreter", reason="pip install ai-edge-litert")
    interpreter = module.Interpreter(str(packages.unpacked(SPEC.files[0])))
    interpreter.allocate_tensors()
    answers = []
    for crop in crops:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], crop.transpose(1, 2, 0)[None])
        interpreter.invoke()
        outputs = interpreter.get_output_details()
        answers.append([interpreter.get_tensor(output["index"]).reshape(-1) for output in outputs])
    return [np.array(each) for each in zip(*answers, strict=True)]


@needs_face_mesh
@pytest.mark.accuracy
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no photographs: {DATA} is not here")
def test_points_are_litert_s_on_photographs() -> None:
    models = Pipeline.load()
    crops = []
    for path in [*sorted((DATA / "photos").iterdir()), *sorted((DATA / "lfw").rglob("*.jpg"))[:200:10]]:
        image = read_image(path)
        crops.append(cut_crops(image, around_boxes(models.detect(image))))
    assert_alike(np.concatenate(crops), least=40)


@needs_face_mesh
def test_points_are_litert_s_on_noise() -> None:
    assert_alike(np.stack([noise(192, 192, seed) for seed in range(3)]), least=3)


def assert_alike(crops: Any, least: int) -> None:
    inputs = blob(crops)
    outputs = OnnxEngine(conversion.converted(SPEC)).run(inputs)
    pairs = zip(outputs, litert(inputs), strict=True)
    differences = [np.abs(ours.reshape(len(crops), -1) - theirs).max() for ours, theirs in pairs]
    print(f"{len(crops)} faces: at most {differences[0]:.1e} px and {differences[1]:.1e} from LiteRT")
    assert len(crops) >= least and max(differences) < WITHIN


@pytest.mark.parametrize("content", [None, b"", b"other weights"])
def test_an_original_that_is_missing_or_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    original = cache.home() / "originals" / SPEC.files[0].path
    original.parent.mkdir()
    if content is not None:
        original.write_bytes(content)
    with pytest.raises(ModelError, match=r"face_landmark\.tflite is .*; run: faces download-models mesh$"):
        conversion.converted(SPEC)
