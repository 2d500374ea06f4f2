"""Which models are used: those that are named, else a gallery's own, else the built-in ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces import model_choice
from faces.errors import ModelError
from faces.model_choice import Choice, choose
from faces.models import zoo
from faces.pipeline import Pipeline
from faces.recognition.gallery import Gallery
from faces.recognition.recognizer_files import models_of
from faces.types import Fingerprint, ModelId
from tests.dlib_models import needs_dlib_models

DATA = Path(__file__).parent / "data"
BUILT_IN = Choice("built-in", "built-in", "default")
# As galleries have it that were made when dlib's models were the built-in ones.
FORMER = Fingerprint(
    ModelId("dlib-mmod", "4cb19393e2fbaf2b1609a9319ad5386618c886a6234ec1b971f3e87c85d87fe6"),
    ModelId("dlib-chip by dlib-5-points", "1e8e8e6ed49fca0ac26f84eafc940efc6f1c5fa1e733617e0cd1813336ff1629"),
    ModelId("dlib-resnet, mirrored", "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"),
)
PRESENT = Fingerprint(
    zoo.model_id(zoo.MODELS["yunet-int8"]), ModelId("arcface", "1" * 64), zoo.model_id(zoo.MODELS["sface-int8"])
)


def with_embedder(models: Fingerprint, name: str) -> Fingerprint:
    return replace(models, embedder=replace(models.embedder, name=name))


def test_the_built_in_models_where_nothing_is_named() -> None:
    assert choose() == choose(made_by=PRESENT) == BUILT_IN


@pytest.mark.parametrize("models", [None, PRESENT, FORMER])
def test_what_is_named_is_used(models: Fingerprint | None) -> None:
    assert choose("a", "b", "best", models) == Choice("a", "b", "best")
    assert choose("a", "b", made_by=models) == Choice("a", "b", "default")


def test_a_gallerys_own_models_are_used_and_said() -> None:
    chosen = choose(made_by=FORMER, file=Path("le.pickle"))
    assert replace(chosen, note="") == Choice("dlib", "dlib", "default")
    assert chosen.note == (
        "le.pickle was made with dlib's models: these are used"
        " (retrain.py --models built-in moves it to the built-in ones)"
    )
    assert "faces move-database" in choose(made_by=FORMER, how_to_move=model_choice.MOVE_DATABASE).note


@pytest.mark.parametrize(
    ("models", "names", "words"),
    [
        (with_embedder(FORMER, "dlib-resnet, best"), ("dlib", "dlib", "best"), "dlib's models and --accuracy best"),
        (with_embedder(PRESENT, "sface-int8, mirrored"), ("built-in", "built-in", "best"), "--accuracy best"),
        (replace(PRESENT, embedder=FORMER.embedder), ("built-in", "dlib", "default"), "the embedder dlib"),
        (replace(PRESENT, detector=FORMER.detector), ("dlib", "built-in", "default"), "the detector dlib"),
    ],
)
def test_accuracy_and_mixed_models(models: Fingerprint, names: tuple[str, str, str], words: str) -> None:
    chosen = choose(made_by=models)
    assert (chosen.detector, chosen.embedding_model, chosen.accuracy) == names
    assert f"was made with {words}: these are used" in chosen.note


def test_each_part_that_is_not_named_is_the_gallerys() -> None:
    best = with_embedder(FORMER, "dlib-resnet, best")
    assert replace(choose(detector="yunet", made_by=best), note="") == Choice("yunet", "dlib", "best")
    assert replace(choose(embedding_model="sface", made_by=best), note="") == Choice("dlib", "sface", "default")
    assert replace(choose(accuracy="default", made_by=best), note="") == Choice("dlib", "dlib", "default")


def test_models_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    models = Fingerprint(ModelId("ssd", "1" * 64), PRESENT.aligner, ModelId("openface-distilled, mirrored", "2" * 64))
    with pytest.raises(
        ModelError, match=r"^g was made with other models: the detector ssd \(1{8}\) is needed; name its"
    ):
        choose(made_by=models, file="g")
    with pytest.raises(
        ModelError, match=r"the embedder openface-distilled, mirrored \(2{8}\) is needed.* --embedding-mod"
    ):
        choose(detector="built-in", made_by=models)
    (tmp_path / "face_detection_model").mkdir()
    for file in (*zoo.MODELS["ssd-caffe"].files, *zoo.MODELS["openface-distilled"].files):
        (tmp_path / file.path).touch()
    chosen = choose(made_by=models)
    assert (chosen.detector, chosen.embedding_model) == ("ssd-caffe", "openface-distilled")
    assert "made with the detector ssd-caffe and the embedder openface-distilled: these" in chosen.note


def test_models_that_have_no_place() -> None:
    models = replace(PRESENT, embedder=ModelId("arcface, mirrored", "2" * 64))
    with pytest.raises(
        ModelError, match=r"the embedder arcface, mirrored \(2{8}\) is needed; name its file: --embedding"
    ):
        choose(made_by=models)


def test_older_files_name_their_models(tmp_path: Path) -> None:
    for name in ("embeddings_0.0.pickle", "le_0.0.pickle"):
        chosen = choose(made_by=models_of(DATA / name))
        assert (chosen.detector, chosen.embedding_model, chosen.accuracy) == ("dlib", "dlib", "default")
    assert models_of(tmp_path / "none.pickle") is None
    Gallery(np.eye(2, 128, dtype=np.float32), ("Ada", "Bob")).save(tmp_path / "recipe.pickle")
    assert models_of(tmp_path / "recipe.pickle") is None


@needs_dlib_models
@pytest.mark.parametrize("accuracy", ["default", "best"])
def test_dlibs_models_are_still_the_same(accuracy: str) -> None:
    expected = FORMER if accuracy == "default" else with_embedder(FORMER, "dlib-resnet, best")
    assert Pipeline.load("dlib", "dlib", accuracy=accuracy, threads=1).fingerprint == expected
