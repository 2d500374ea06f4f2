"""Liveness from pixels: what the networks are given, what cannot be told, and NUAA's photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import liveness as benchmark
from benchmarks.photographs import DATA
from faces.errors import ModelError
from faces.liveness.pixels import LIVE, SCALES, SIDE, THRESHOLD, PixelLiveness
from faces.liveness.squares import BATCH_FACES
from faces.models.engine import OnnxEngine
from faces.models.pytorch.minifasnet import convert_minifasnet
from faces.models.zoo import MODELS
from faces.pipeline import Pipeline
from faces.types import Faces, Image
from tests.fakes import Array, FakeEngine, faces_at, noise

NUAA = DATA / "liveness" / "nuaa"
NETWORKS = DATA.parent / "models"


def blue(blob: Array) -> list[Array]:
    """The bluer a face, the more it is alive."""
    share = blob[:, 0].mean(axis=(1, 2)) / 255
    return [np.stack([1 - share, share, 0 * share], axis=1).astype(np.float32)]


def bright(blob: Array) -> list[Array]:
    return [np.tile(blob.mean(axis=(1, 2, 3))[:, None] / 255, (1, 3)).astype(np.float32)]


def picture(*colours: tuple[int, int, int]) -> tuple[Image, Faces]:
    """Faces of 100 px, each in a patch of its colour, 400 px wide."""
    image = np.concatenate([np.full((400, 400, 3), colour, np.uint8) for colour in colours], axis=1)
    return image, faces_at(*[(150 + 400 * k, 150, 250 + 400 * k, 250) for k in range(len(colours))])


def test_the_mean_of_the_networks() -> None:
    image, faces = picture((255, 0, 0), (0, 0, 255), (51, 51, 51))
    live = PixelLiveness([(FakeEngine(blue), 2.7), (FakeEngine(bright), 2.7)]).of(image, faces)
    assert live.dtype == np.float32
    assert live == pytest.approx([(1 + 1 / 3) / 2, 1 / 6, 0.2], abs=0.01)


def test_each_network_sees_as_much_as_it_was_trained_with() -> None:
    image, faces = picture((9, 9, 9))
    image[10:390, 10:390] = 200  # 300 px of 270 and 400
    engines = [FakeEngine(bright) for _ in SCALES]
    PixelLiveness(list(zip(engines, SCALES.values(), strict=True))).of(image, faces)
    near, far = (engine.blobs[0] for engine in engines)
    assert near.shape == (1, 3, SIDE, SIDE)
    assert near.dtype == np.float32
    assert (near == 200).all()
    assert far[0, 0, 0, 0] < 150 and far[0, 0, SIDE // 2, SIDE // 2] == 200


def test_a_crowd_is_judged_in_batches() -> None:
    image, faces = picture(*[(2 * k, 0, 0) for k in range(BATCH_FACES + 3)])
    engine = FakeEngine(blue)
    live = PixelLiveness([(engine, 2.7)]).of(image, faces)
    assert [len(blob) for blob in engine.blobs] == [BATCH_FACES, 3]
    assert live * 255 == pytest.approx(2 * np.arange(len(faces)), abs=0.1)


def test_no_face() -> None:
    engine = FakeEngine(blue)
    live = PixelLiveness([(engine, 2.7)]).of(noise(90, 90), Faces.empty())
    assert live.shape == (0,)
    assert live.dtype == np.float32
    assert not engine.blobs


def test_what_cannot_be_told() -> None:
    image, faces = picture((255, 0, 0))
    others = faces_at(
        (150, 150, 180, 180),  # small
        (-40, 150, 60, 250),  # cut off by the picture's edge
        (5, 5, 395, 395),  # as large as the picture
        (150, 150, 150, 150),
    )
    both = Faces(np.concatenate([others.xyxy, faces.xyxy]), np.ones(5, np.float32))
    live = PixelLiveness([(FakeEngine(blue), 2.7)]).of(image, both)
    assert np.isnan(live).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 400, 3), (400, 2, 3)])
def test_a_picture_without_room(shape: tuple[int, int, int]) -> None:
    live = PixelLiveness([(FakeEngine(blue), 2.7)]).of(np.zeros(shape, np.uint8), picture((0, 0, 0))[1])
    assert np.isnan(live).all()


def test_the_networks_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACES_HOME", str(tmp_path))
    with pytest.raises(ModelError, match=r"MiniFASNetV2\.pth is not there; run: faces download-models liveness$"):
        PixelLiveness.load()


@pytest.fixture(scope="module")
def liveness(tmp_path_factory: pytest.TempPathFactory) -> PixelLiveness:
    """Silent-Face's networks."""
    folder, networks = tmp_path_factory.mktemp("networks"), []
    for name, scale in SCALES.items():
        original = NETWORKS / MODELS[name].files[0].path
        if not original.is_file():
            pytest.skip(f"no {original.name} in ../shared/models")
        convert_minifasnet(original.read_bytes(), folder / f"{name}.onnx")
        networks.append((OnnxEngine(folder / f"{name}.onnx"), scale))
    return PixelLiveness(networks)


def test_drawn_noise_is_judged_too(liveness: PixelLiveness) -> None:
    live = liveness.of(noise(400, 400), picture((0, 0, 0))[1])
    assert 0 <= live[0] <= 1


@pytest.mark.accuracy
@pytest.mark.skipif(not NUAA.is_dir(), reason="no photographs in ../shared/data/liveness")
def test_live_faces_and_printed_photographs(liveness: PixelLiveness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third picture; all of them are in docs/liveness.md."""
    pipeline = Pipeline.load()
    monkeypatch.setattr(benchmark, "_models", lambda name: (pipeline, liveness))
    shares = {}
    for kind in ("real", "print"):
        pictures = sorted((NUAA / kind).rglob("*.jpg"))[::3]
        values = np.array([value for *_, value in benchmark.judged(pictures)])
        assert np.isnan(values).mean() < 0.1
        shares[kind] = np.nanmean(values[np.isfinite(values)] >= THRESHOLD)
    assert shares["real"] > 0.97
    assert shares["print"] < 0.03


def test_the_class_of_live_faces() -> None:
    assert (LIVE, len(SCALES), SIDE) == (1, 2, 80)
