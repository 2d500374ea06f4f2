"""Embedders: mirror images, unit length and batches around any network; and which network a file is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faces.embedding import embedders
from faces.embedding.aligners import TEMPLATES, Aligner
from faces.embedding.embedders import BATCH_FACES, Embedder, unit
from faces.embedding.views import BEST, MIRRORED, PLAIN, Views
from faces.errors import ModelError, UsageError
from faces.files import digest
from faces.models import zoo
from faces.models.torch7 import to_onnx
from faces.models.torch7.file import write_t7
from faces.types import Floats, Image, ModelId
from tests.conftest import ROOT
from tests.dlib_models import needs_dlib_models
from tests.fakes import Array, FakeEngine, noise, write_embedder, write_onnx
from tests.torch7_files import nn4_small2

SPEC = zoo.MODELS["sface"]
every_way = pytest.mark.parametrize("views", [PLAIN, MIRRORED, BEST], ids=lambda views: views.name or "plain")


def halves(blob: Array) -> list[Array]:
    """A network that gives the means of a crop's left and right half."""
    middle = blob.shape[2] // 2
    return [np.stack([blob[:, :, :middle].mean((1, 2, 3)), blob[:, :, middle:].mean((1, 2, 3))], 1).astype(np.float32)]


def embedder(views: Views = MIRRORED) -> tuple[Embedder, FakeEngine]:
    engine = FakeEngine(halves)
    model = ModelId("halves", "0" * 64)
    return Embedder(engine, SPEC, model, Aligner(TEMPLATES["arcface"]), np.ascontiguousarray, views), engine


def crops_of(*pairs: tuple[int, int]) -> Image:
    """Crops whose left and right halves have these colours."""
    crops = np.zeros((len(pairs), 112, 112, 3), np.uint8)
    for crop, (left, right) in zip(crops, pairs, strict=True):
        crop[:, :56], crop[:, 56:] = left, right
    return crops


def test_a_single_view_is_the_networks_answer_at_unit_length() -> None:
    plain, _ = embedder(PLAIN)
    assert plain.model.name == "halves"
    assert np.allclose(plain.embed(crops_of((30, 40), (80, 60))), [[0.6, 0.8], [0.8, 0.6]])
    assert np.allclose(plain.forward(crops_of((30, 40))), [[30, 40]])


def test_mirroring_takes_the_mean_of_both_unit_vectors() -> None:
    mirrored, engine = embedder()
    assert mirrored.model.name == "halves, mirrored"
    assert np.allclose(mirrored.embed(crops_of((30, 40), (0, 200))), [[0.5**0.5] * 2] * 2)
    assert np.array_equal(np.concatenate(engine.blobs)[2:], crops_of((40, 30), (200, 0)))


@pytest.mark.parametrize("views", [MIRRORED, BEST])
def test_mirrored_crops_have_the_same_embedding(views: Views) -> None:
    mirrored, _ = embedder(views)
    crops = np.stack([noise(112, 112, seed) for seed in range(3)])
    assert np.allclose(mirrored.embed(crops), mirrored.embed(crops[:, :, ::-1]), atol=1e-5)


def test_the_mean_of_all_views() -> None:
    best, _ = embedder(BEST)
    crops = np.stack([noise(112, 112, seed) for seed in range(3)])
    said = [unit(best.forward(view.of(crops))) for view in BEST.views]
    assert np.allclose(best.embed(crops), unit(np.sum(said, axis=0)))
    assert np.array_equal(best.embed(crops), best.embed(crops))
    assert best.model == ModelId("halves, best", "0" * 64)


def test_accuracies_are_told_apart() -> None:
    default, best = (embedders.load("built-in", threads=1, accuracy=name) for name in ("default", "best"))
    assert (default.model.name, best.model.name) == ("sface-int8", "sface-int8, mirrored")
    assert embedders.load("built-in", threads=1).model == default.model
    assert embedders.load("built-in", threads=1, accuracy="fast").model == default.model


@needs_dlib_models
def test_accuracies_of_dlib_have_thresholds_of_their_own() -> None:
    fast, best = (embedders.load("dlib", threads=1, accuracy=name) for name in ("fast", "best"))
    assert embedders.load("dlib", threads=1).model == fast.model
    assert (fast.model.name, best.model.name) == ("dlib-resnet, mirrored", "dlib-resnet, best")
    for embedding in (fast, best):
        assert embedding.spec.operating_points == zoo.operating_points(embedding.model.name) != ()
    assert fast.spec.operating_points != best.spec.operating_points


def test_more_views_are_the_packaged_embedders_alone(tmp_path: Path) -> None:
    path = write_embedder(tmp_path / "a.onnx")
    with pytest.raises(UsageError, match=r"--accuracy best works with .* and dlib only; leave out .*a\.onnx"):
        embedders.load(str(path), accuracy="best")


@pytest.mark.parametrize("count", [1, BATCH_FACES, BATCH_FACES + 1, 3 * BATCH_FACES + 5])
@every_way
def test_batches_are_limited_and_change_nothing(count: int, views: Views) -> None:
    embedding, engine = embedder(views)
    crops = crops_of(*((index + 1, 200 - index) for index in range(count)))
    together = embedding.embed(crops)
    assert together.shape == (count, 2)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1)
    assert max(len(blob) for blob in engine.blobs) <= BATCH_FACES
    assert sum(len(blob) for blob in engine.blobs) == count * len(views.views)
    assert np.allclose(np.concatenate([embedding.embed(crop[None]) for crop in crops]), together)


@every_way
def test_no_crops(views: Views) -> None:
    embedding, engine = embedder(views)
    for nothing in (embedding.embed(crops_of()), embedding.forward(crops_of())):
        assert nothing.shape == (0, 128) and nothing.dtype == np.float32
    assert engine.blobs == []


def test_unit_leaves_zero_vectors_alone() -> None:
    vectors: Floats = np.array([[3, 4], [0, 0]], np.float32)
    assert unit(vectors).tolist() == [pytest.approx([0.6, 0.8]), [0, 0]]
    assert unit(vectors[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("side", "batch", "normalizing", "kind", "template"),
    [
        (112, "n", True, "sface", "arcface"),
        (112, 1, True, "sface", "arcface"),
        (112, "n", False, "arcface", "arcface"),
        (112, 1, False, "arcface", "arcface"),
        (96, "n", False, "openface", "openface"),
    ],
)
def test_the_kind_is_read_from_the_file(
    tmp_path: Path, side: int, batch: int | str, normalizing: bool, kind: str, template: str
) -> None:
    path = write_embedder(tmp_path / "a.onnx", side, batch, normalizing, dimension=96)
    loaded = embedders.load(str(path), threads=1)
    assert (loaded.spec.name, loaded.spec.dimension, loaded.aligner.template.name) == (kind, 96, template)
    assert loaded.model == ModelId(f"{kind}, mirrored", digest.digest(path).removeprefix("sha256:"))
    assert loaded.embed(np.zeros((0, side, side, 3), np.uint8)).shape == (0, 96)
    crops = np.empty((5, side, side, 3), np.uint8)
    crops[:] = (10, 20, 30)
    crops[1:] += 100
    expected = {
        "sface": lambda rgb: (rgb - 100) * 2,  # the network's own
        "arcface": lambda rgb: (rgb - 127.5) / 127.5,
        "openface": lambda rgb: rgb / 255,
    }[kind]
    rgb = np.array([[30.0, 20, 10]] + [[130.0, 120, 110]] * 4)
    assert np.allclose(loaded.forward(crops)[:, :3], expected(rgb), atol=1e-4)


@pytest.mark.parametrize(
    "shape", [["n", 3, 100, 100], ["n", 112, 112, 3], ["n", 3, 112, 96], ["n", 3, "h", "w"], ["n", 512]]
)
def test_another_input_is_refused(tmp_path: Path, shape: list[int | str]) -> None:
    path = write_onnx(tmp_path / "a.onnx", shape, [("Identity", ["x"], ["y"])])
    with pytest.raises(ModelError, match=r"a\.onnx: its input is .* known embedders take"):
        embedders.load(str(path))


def test_another_output_is_refused(tmp_path: Path) -> None:
    maps = write_onnx(tmp_path / "maps.onnx", ["n", 3, 112, 112], [("Identity", ["x"], ["y"])])
    short = write_embedder(tmp_path / "short.onnx", dimension=10)
    for path in (maps, short):
        with pytest.raises(ModelError, match="not one embedding a face"):
            embedders.load(str(path))


def test_files_that_cannot_be_embedders(tmp_path: Path) -> None:
    for name in ("notes.txt", "bad.onnx", "bad.t7"):
        (tmp_path / name).write_text("no network")
    for name, why in (
        ("none.onnx", r"no such embedding model; run: faces download-models"),
        ("", "no such embedding model"),
        ("notes.txt", r"expected a \.t7 or \.onnx file"),
        ("bad.onnx", "not a network that ONNX Runtime can run"),
        ("bad.t7", "not a Torch7 file that can be read"),
    ):
        with pytest.raises(ModelError, match=why):
            embedders.load(str(tmp_path / name))


def test_a_known_torch7_network_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "cache"))
    ours, other = ROOT / zoo.MODELS["openface-distilled"].files[0].path, tmp_path / "other.t7"
    write_t7(other, nn4_small2())
    assert embedders.load(str(other), threads=1).spec.name == "openface"
    assert not (tmp_path / "cache").exists()
    crops = np.stack([noise(96, 96, seed) for seed in range(2)])
    first = embedders.load(str(ours), threads=1)
    assert [path.suffix for path in sorted((tmp_path / "cache").iterdir())] == [".onnx", ".sha256"]
    monkeypatch.setattr(to_onnx, "converted", pytest.fail)
    again = embedders.load(str(ours), threads=1)
    assert again.spec.name == "openface-distilled"
    assert np.array_equal(first.embed(crops), again.embed(crops))


def test_a_known_torch7_network_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "file" / "cache"))
    assert embedders.load(str(ROOT / "openface_nn4.small2.v1.t7"), threads=1).spec.name == "openface-distilled"
