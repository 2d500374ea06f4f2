"""docs/add-a-model.md, followed step by step with a tiny network: an embedder, and an attribute."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.attributes import predictor
from faces.attributes.registry import ATTRIBUTES, Attribute
from faces.cli import options
from faces.detection import registry as detectors
from faces.embedding import embedders, registry
from faces.embedding.aligners import TEMPLATES
from faces.errors import ModelError
from faces.files.digest import digest
from faces.models import zoo
from faces.models.spec import ModelFile, ModelSpec, OperatingPoint
from faces.types import Image
from tests.attribute_files import write_attributes
from tests.attributes.test_predictor import coloured
from tests.conftest import ROOT
from tests.crowd import pipeline
from tests.fakes import write_embedder

PAGE = (ROOT / "docs" / "add-a-model.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def entry(code: str, **changes: Any) -> Any:
    """An entry of the page, with some of its values replaced by those of the test's own file."""
    call = ast.parse(code.strip().rstrip(","), mode="eval").body
    assert isinstance(call, ast.Call)
    for keyword in call.keywords:
        if keyword.arg in changes:
            keyword.value = ast.Name("given_" + keyword.arg, ast.Load())
    names = {kind.__name__: kind for kind in (ModelSpec, ModelFile, OperatingPoint, Attribute)}
    values = {f"given_{name}": value for name, value in changes.items()}
    expression = ast.fix_missing_locations(ast.Expression(call))
    return eval(compile(expression, "docs/add-a-model.md", "eval"), names | values)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """Steps 1 and 2: a file in the project's folder, and the row of the page with the file's own digest and size."""
    monkeypatch.chdir(tmp_path)
    path = write_embedder(Path("my_embedder.onnx"), dimension=96)
    file = ModelFile(path.name, "https://example.org/my_embedder.onnx", digest(path), path.stat().st_size)
    spec: ModelSpec = entry(BLOCKS[0], files=(file,), dimension=96)
    monkeypatch.setitem(zoo.MODELS, spec.name, zoo._with_distances(spec))
    return spec


def test_an_embedder_is_one_entry(added: ModelSpec, tmp_path: Path) -> None:
    assert registry.names() == ("built-in", "dlib", "openface-distilled", "openface", "sface", "my-embedder")
    parser = options.parser("", "")
    options.add_model_options(parser)
    assert "my-embedder" in parser.format_help()
    copied = tmp_path / "renamed.onnx"
    copied.write_bytes(Path("my_embedder.onnx").read_bytes())
    for name in ("my-embedder", "my_embedder.onnx", str(copied)):  # by name, by path, and by digest
        embedder = embedders.load(name, threads=1)
        assert (embedder.spec.name, embedder.spec.dimension) == ("my-embedder", 96)
        assert embedder.model.name == "my-embedder, mirrored"
        assert embedder.aligner.template is TEMPLATES["arcface"]


def test_the_entry_declares_the_input(added: ModelSpec) -> None:
    embedder = embedders.load("my-embedder", threads=1)
    crops: Image = np.empty((2, 112, 112, 3), np.uint8)
    crops[:] = (10, 20, 30)  # BGR
    assert np.allclose(embedder.forward(crops)[:, :3], (np.array([30, 20, 10]) - 127.5) / 127.5, atol=1e-4)
    assert np.allclose(np.linalg.norm(embedder.embed(crops), axis=1), 1)


def test_its_thresholds_are_distances(added: ModelSpec) -> None:
    assert added.metric == "cosine"
    [point] = zoo.operating_points("my-embedder, mirrored")
    assert point.threshold == zoo.distance(added.operating_points[0].threshold) == pytest.approx(1.0954)


def test_another_input_than_the_entry_says_is_an_error(added: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_embedder(Path("my_embedder.onnx"), side=80)
    with pytest.raises(ModelError, match="known embedders take"):
        embedders.load("my-embedder", threads=1)
    assert path.is_file()


def test_an_attribute_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute = entry(BLOCKS[1])
    monkeypatch.setitem(ATTRIBUTES, attribute.name, attribute)
    write_attributes(tmp_path / attribute.file, {attribute.name: {"classes": ["noMask", "mask"]}})
    image, faces = coloured((200, 10, 20))
    answers = predictor.load([attribute.name], pipeline(), folder=tmp_path).of(image, faces)
    assert set(answers.plain(0)) == {attribute.name}


def test_the_page_names_all_fields_of_an_attribute() -> None:
    table = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert table == {field.name for field in fields(Attribute)}


def test_the_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`(faces/[\w/.]+)`", PAGE):
        assert (ROOT / name).exists(), name
    assert all(hasattr(detectors, name) for name in ("LOADERS", "names", "load"))
