"""The model table, and where its files are."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from faces.files import digest
from faces.models import cache, zoo
from faces.models.spec import ModelFile

ABC = {
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
}  # FIPS 180: the digests of "abc"


@pytest.mark.parametrize(
    ("system", "environment", "expected"),
    [
        ("linux", {}, "/home/ada/.cache/faces"),
        ("linux", {"XDG_CACHE_HOME": ""}, "/home/ada/.cache/faces"),
        ("linux", {"XDG_CACHE_HOME": "/tmp/xdg"}, "/tmp/xdg/faces"),
        ("linux", {"FACES_HOME": "/tmp/models", "XDG_CACHE_HOME": "/tmp/xdg"}, "/tmp/models"),
        ("linux", {"FACES_HOME": "~/models"}, "/home/ada/models"),
    ],
)
def test_home(monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], expected: str) -> None:
    for name in ("FACES_HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/ada", "USERPROFILE": "/home/ada", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", system)
    assert cache.home() == Path(expected)


@pytest.mark.parametrize("algorithm", ABC)
def test_digest(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert digest.digest(tmp_path / "file", algorithm) == f"{algorithm}:{ABC[algorithm]}"


@pytest.mark.parametrize(
    ("digest", "right"),
    [(None, True), (f"sha1:{ABC['sha1']}", True), (f"sha256:{ABC['sha256']}", True), (f"sha1:{'0' * 40}", False)],
)
def test_matches(tmp_path: Path, digest: str | None, right: bool) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    assert cache.matches(tmp_path / "file", ModelFile("file", "", digest)) is right


def test_table_is_sound() -> None:
    for name, spec in zoo.MODELS.items():
        assert spec.name == name
        for file in spec.files:
            algorithm, _, digits = (file.digest or f"sha1:{'0' * 40}").partition(":")
            assert len(digits) == {"sha1": 40, "sha256": 64}[algorithm]
            assert not Path(file.path).is_absolute()
        for points in (spec.operating_points, spec.best_points):
            for before, after in pairwise(points):
                assert before.far < after.far
                assert before.threshold < after.threshold
        assert (spec.task in ("embedder", "liveness")) == (spec.input_wh is not None)


def test_model_id_of_the_built_in_ones_is_their_published_digest() -> None:
    for name in ("dlib-mmod", "dlib-5-points", "dlib-resnet"):
        model = zoo.model_id(zoo.MODELS[name])
        assert (model.name, f"sha256:{model.sha256}") == (name, zoo.MODELS[name].files[0].digest)
