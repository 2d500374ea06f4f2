"""How similar different people are in general: quantiles, rates, files, and what is measured on drawn people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from faces.errors import ModelError
from faces.evaluation.figures.centroids import centroids_of
from faces.recognition import impostors
from faces.recognition.gallery import Gallery
from faces.recognition.impostors import (
    FARS,
    Impostors,
    impostors_among,
    impostors_of,
    measure,
    own_file,
)
from faces.recognition.recognizers import FaceRecognizer
from faces.types import Fingerprint, Floats, ModelId
from tests.recognition.populations import GENERAL, MEAN, NOISE, crowd_of_faces, one_each, units

SHIPPED = ("sface-int8", "dlib-resnet, mirrored", "dlib-resnet, best")


def shipped(embedder: str) -> Impostors:
    model = impostors_of(embedder)
    assert model is not None
    return model


@pytest.mark.parametrize("embedder", SHIPPED)
def test_the_rate_is_the_inverse_of_the_quantile(embedder: str) -> None:
    model = shipped(embedder)
    for far in (1e-9, 1e-6, 3e-5, 1e-4, 5e-4, 1e-3, 0.01, 0.02, 0.1, 0.3, 0.6):
        assert model.far(np.array([model.quantile(far)]))[0] == pytest.approx(far, rel=1e-4)


@pytest.mark.parametrize("embedder", SHIPPED)
def test_rates_fall_with_similarity(embedder: str) -> None:
    rates = shipped(embedder).far(np.linspace(-5, 12, 200))
    assert (np.diff(rates) <= 0).all()
    assert (rates > 0).all()
    assert (rates <= 1).all()
    assert rates[0] == 1
    assert shipped(embedder).far(np.zeros((2, 3))).shape == (2, 3)
    assert shipped(embedder).far(np.zeros(0)).shape == (0,)


def test_quantiles_between_measured_rates_are_linear_in_their_logarithm() -> None:
    model = replace(GENERAL, fars=np.array([0.1, 0.01], np.float32), quantiles=np.array([1.0, 2.0], np.float32))
    for far, quantile in ((0.1, 1), (0.01, 2), (0.1**1.5, 1.5), (0.001, 3), (1, 0)):
        assert model.quantile(far) == pytest.approx(quantile, abs=1e-5)


@pytest.mark.parametrize("centroids", [0, 7])
def test_saved_and_loaded(tmp_path: Path, centroids: int) -> None:
    model = measure(crowd_of_faces(300), crowd_of_faces(centroids, seed=1) if centroids else None)
    model.save(tmp_path / "own.npz")
    with (tmp_path / "own.npz").open("rb") as file:
        loaded = Impostors.load(file)
    for name in ("mean", "noise_sd", "person_sd", "gallery_sd", "average"):
        assert getattr(loaded, name) == pytest.approx(getattr(model, name), rel=1e-6)
        assert type(getattr(loaded, name)) is float
    assert np.array_equal(loaded.fars, model.fars)
    assert np.array_equal(loaded.quantiles, model.quantiles)
    assert loaded.centroids.shape[0] == centroids
    assert np.allclose(loaded.centroids, model.centroids, atol=1e-3)
    faces = crowd_of_faces(5, seed=2)
    assert np.allclose(loaded.crowding(faces), model.crowding(faces), atol=1e-3)


@pytest.mark.parametrize("arrays", [{}, {"mean": np.zeros(1)}])
def test_other_files_are_refused(arrays: dict[str, np.ndarray]) -> None:
    content = BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    content.seek(0)
    with pytest.raises(KeyError):
        Impostors.load(content)
    with pytest.raises(ValueError, match="allow_pickle"):
        Impostors.load(BytesIO(b"no file of ours"))


def test_who_was_not_measured() -> None:
    assert impostors_of("somebody's own") is None
    assert impostors_of("") is None


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelId]:
    """An embedder that was measured by the user."""
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "cache"))
    impostors_of.cache_clear()
    embedder = ModelId("arcface", "a" * 64)
    measure(crowd_of_faces(300), crowd_of_faces(7, seed=1)).save(own_file(embedder))
    yield embedder
    impostors_of.cache_clear()


def test_an_embedder_that_the_user_measured(own: ModelId) -> None:
    model = impostors_of(own)
    assert model is not None and len(model.centroids) == 7
    assert impostors_of(replace(own, sha256="b" * 64)) is None  # another file of that kind
    assert impostors_of(replace(own, name="arcface, mirrored")) is None
    assert impostors_of("arcface") is None
    built_in, by_name = impostors_of(ModelId("sface-int8", "c" * 64)), impostors_of("sface-int8")
    assert built_in is not None and by_name is not None and built_in.mean == by_name.mean


def test_galleries_of_an_embedder_that_the_user_measured(own: ModelId) -> None:
    print_ = Fingerprint(ModelId("yunet", "1" * 64), ModelId("arcface", "2" * 64), own)
    faces = crowd_of_faces(40)
    recognizer = FaceRecognizer().fit(Gallery(faces, tuple(map(str, range(40))), fingerprint=print_))
    assert recognizer.crowd_ is not None and len(recognizer.crowd_.impostors.centroids) == 7
    assert "these people alone" not in recognizer.threshold_.origin
    other = replace(print_, embedder=replace(own, sha256="b" * 64))
    alone = FaceRecognizer().fit(Gallery(faces, tuple(map(str, range(40))), fingerprint=other))
    assert alone.crowd_ is not None and len(alone.crowd_.impostors.centroids) == 0
    assert alone.threshold_.origin.endswith("estimated from these people alone")


@pytest.mark.parametrize("content", [b"", b"no file of ours", b"PK\x03\x04 half of one"])
def test_a_damaged_measurement_is_told_of(own: ModelId, content: bytes) -> None:
    own_file(own).write_bytes(content)
    with pytest.raises(ModelError, match=r"arcface-a{16}\.npz: damaged \(\w+\); make it again: faces evaluate"):
        impostors_of(own)


def test_a_centroid_is_nobodys_template() -> None:
    faces = crowd_of_faces(400)
    centroids = centroids_of(faces)
    assert 5 <= len(centroids) <= 25
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(np.ones(len(centroids)), abs=1e-3)
    assert (centroids @ faces.T).max() < 0.95
    assert centroids_of(faces[:15]).shape == (0, faces.shape[1])


@pytest.mark.parametrize("mean", [0.0, 0.1, 0.3])
def test_what_is_measured_is_what_was_drawn(mean: float) -> None:
    model = measure(crowd_of_faces(600, mean))
    assert model.mean == pytest.approx(mean, abs=0.01)
    assert model.noise_sd == pytest.approx((1 - mean) / 128**0.5 if mean < MEAN else NOISE, rel=0.05)
    assert model.quantiles[:7] == pytest.approx(GENERAL.quantiles[:7], abs=0.4)
    assert model.fars.tolist() == pytest.approx(list(FARS[: len(model.fars)]))
    assert model.crowding(crowd_of_faces(3)).tolist() == [0, 0, 0]  # without centroids


def test_a_crowded_neighbourhood_is_told_by_the_centroids() -> None:
    children, adults = crowd_of_faces(400, 0.4, seed=3), units(crowd_of_faces(400, 0.0, seed=4))
    centroids = np.concatenate([units(each.reshape(-1, 8, 128).mean(axis=1)) for each in (children, adults)])
    both = np.concatenate([crowd_of_faces(100, 0.4, seed=5), crowd_of_faces(100, 0.0, seed=6)])
    model = measure(both, centroids)
    crowding = model.crowding(both)
    assert crowding[:100].min() > crowding[100:].max()
    assert crowding.mean() == pytest.approx(0, abs=1e-5)
    assert model.crowding(both[:0]).shape == (0,)


def test_an_unknown_embedder_is_estimated_from_seven_people() -> None:
    assert impostors_among(one_each(crowd_of_faces(6))) is None
    model = impostors_among(one_each(crowd_of_faces(7)))
    assert model is not None
    assert np.array_equal(model.quantiles, shipped("sface-int8").quantiles)
    seeds = range(200)
    models = [impostors_among(one_each(crowd_of_faces(7, seed=seed))) for seed in seeds]
    assert np.mean([each.noise_sd for each in models if each]) == pytest.approx(NOISE, rel=0.05)
    assert np.mean([each.mean for each in models if each]) == pytest.approx(MEAN, abs=0.01)


def test_an_unknown_embedder_is_estimated_from_a_thousand_people_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(faces: Floats, trimmed: float) -> Impostors:
        seen.append(len(faces))
        return measure(faces, trimmed=trimmed)

    monkeypatch.setattr(impostors, "measure", counted)
    assert impostors_among(one_each(crowd_of_faces(2500))) is not None
    assert seen == [834]


@pytest.mark.parametrize("people", [10, 20, 100])
def test_one_person_under_two_names_does_not_change_an_estimate(people: int) -> None:
    faces = crowd_of_faces(people)
    without, twice = impostors_among(one_each(faces)), impostors_among(one_each(np.concatenate([faces, faces[:1]])))
    assert without is not None
    assert twice is not None
    assert twice.mean == pytest.approx(without.mean, abs=0.01)
    assert twice.noise_sd == pytest.approx(without.noise_sd, rel=0.05)
