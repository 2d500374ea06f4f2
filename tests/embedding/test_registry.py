"""The registry of embedders: which names there are, and which entry a file is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from faces.detection import registry as detectors
from faces.embedding import registry
from faces.embedding.aligners import TEMPLATES
from faces.errors import ModelError
from faces.files.digest import digest
from faces.models.spec import ModelFile
from faces.models.zoo import MODELS
from tests.fakes import write_embedder


def test_names() -> None:
    assert registry.names() == ("built-in", "dlib", "openface-distilled", "openface", "sface")
    assert registry.path_of("sface") == Path("face_recognition_sface_2021dec.onnx")
    for path in ("models/sface.onnx", "arcface", "dlib-resnet"):  # no file of their own: taken for paths
        assert registry.path_of(path) == Path(path)


def test_every_entry_is_complete() -> None:
    for spec in registry.entries():
        assert spec.licence and spec.source
        assert spec.input_wh == (TEMPLATES[spec.template].side,) * 2
        assert spec.files or spec.similar_files
        assert spec.dimension or not spec.files
        assert all(suffix in registry.SUFFIXES for suffix in spec.similar_files)
        assert spec.metric == "euclidean" or not spec.best_points


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_a_file_is_known_by_its_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    path = write_embedder(tmp_path / "any.onnx")
    sha256 = digest(path).removeprefix("sha256:")
    assert registry.known(path, sha256) is None
    file = ModelFile("tiny.onnx", "", digest(path, algorithm))
    monkeypatch.setitem(MODELS, "tiny", replace(MODELS["arcface"], name="tiny", files=(file,)))
    spec = registry.known(path, sha256)
    assert spec is not None and spec.name == "tiny"
    assert registry.known(path.rename(tmp_path / "any.t7"), sha256) is None


def test_other_weights_are_used_as_an_entry_with_the_same_input(tmp_path: Path) -> None:
    plain, own = write_embedder(tmp_path / "a.onnx"), write_embedder(tmp_path / "b.onnx", normalizing=True)
    assert registry.similar(tmp_path / "a.t7").name == "openface"
    assert registry.similar(plain, ["n", 3, 96, 96]).name == "openface"
    assert registry.similar(plain, ["n", 3, 112, 112]).name == "arcface"
    assert registry.similar(own, [1, 3, 112, 112]).name == "sface"
    with pytest.raises(ModelError, match=r"known embedders take \(n, 3, 96, 96\) or \(n, 3, 112, 112\)"):
        registry.similar(plain, ["n", 3, 100, 100])


def test_names_for_processes_in_other_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, name, file in (
        (registry, "sface", "face_recognition_sface_2021dec.onnx"),
        (detectors, "yunet", "face_detection_model/face_detection_yunet_2023mar.onnx"),
        (registry, "a/b.onnx", "a/b.onnx"),
        (detectors, "folder", "folder"),
    ):
        assert [kind.absolute(packaged) for packaged in kind.PACKAGED] == ["built-in", "dlib"]
        assert kind.absolute(name) == str(tmp_path / file)
