"""Photographs that are there twice, by their content and by their embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from faces.embedding import registry
from faces.recognition import duplicates
from faces.recognition.duplicates import NEAR, NEAR_UNKNOWN, NEARLY, Duplicate
from faces.recognition.gallery import Gallery
from faces.types import Fingerprint, Floats, ModelId


def gallery(*photographs: tuple[str, str, Floats], embedder: str | None = None) -> Gallery:
    """Of paths, contents and embeddings; the first folder is the person."""
    paths, hashes, embeddings = zip(*photographs, strict=True)
    models = None
    if embedder:
        models = Fingerprint(ModelId("detector", ""), ModelId("aligner", ""), ModelId(embedder, ""))
    names = tuple(path.split("/")[0] for path in paths)
    return Gallery(np.stack(embeddings).astype(np.float32), names, paths, hashes, fingerprint=models)


def at(angle: float, axis: int = 1) -> Floats:
    """A point of the sphere, so far (rad) from the first axis towards another."""
    point = np.zeros(8, np.float32)
    point[0], point[axis] = np.cos(angle), np.sin(angle)
    return point


FAR = 1.0


def test_nothing_twice() -> None:
    assert duplicates.find(gallery(("Ada/1", "a", at(0)), ("Ada/2", "b", at(FAR)), ("Bob/1", "c", at(FAR, 2)))) == []
    assert duplicates.find(Gallery(np.zeros((0, 0), np.float32), ())) == []


def test_the_same_photograph_in_two_peoples_folders() -> None:
    found = duplicates.find(gallery(("Ada/1", "a", at(0)), ("Bob/1", "a", at(0)), ("Cyd/1", "a", at(0))))
    assert found == [
        Duplicate("Ada/1", "Bob/1", "the same photograph, of Ada and of Bob"),
        Duplicate("Ada/1", "Cyd/1", "the same photograph, of Ada and of Cyd"),
    ]


def test_people_who_look_alike_are_not_duplicates() -> None:
    assert duplicates.find(gallery(("Ada/1", "a", at(0)), ("Bob/1", "b", at(0)))) == []


def test_the_same_and_nearly_the_same_within_one() -> None:
    found = duplicates.find(
        gallery(
            ("Ada/1", "a", at(0)),
            ("Bob/1", "x", at(FAR)),
            ("Ada/2", "b", at(0.9 * NEAR_UNKNOWN)),
            ("Ada/3", "a", at(0)),
            ("Ada/4", "c", at(2.5 * NEAR_UNKNOWN)),
            ("Ada/5", "d", at(2.6 * NEAR_UNKNOWN)),
        )
    )
    assert found == [
        Duplicate("Ada/1", "Ada/2", NEARLY),
        Duplicate("Ada/1", "Ada/3", "the same photograph"),
        Duplicate("Ada/4", "Ada/5", NEARLY),
    ]


@pytest.mark.parametrize(
    ("embedder", "near"),
    [*NEAR.items(), ("sface-int8, mirrored", NEAR["sface-int8"]), ("other", NEAR_UNKNOWN), (None, NEAR_UNKNOWN)],
)
def test_the_limit_is_the_embedders(embedder: str | None, near: float) -> None:
    for apart, found in ((0.98 * near, 1), (1.02 * near, 0)):
        two = gallery(("Ada/1", "a", at(0)), ("Ada/2", "b", at(apart)), embedder=embedder)
        assert len(duplicates.find(two)) == found


def test_the_built_in_embedders_limit_was_measured() -> None:
    assert registry.PACKAGED[registry.BUILT_IN] in NEAR


@pytest.mark.parametrize("block", [1, 2, 3, 100])
def test_of_many_photographs_some_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    rng = np.random.default_rng(0)
    angles = rng.permutation(np.repeat(np.arange(10) * 0.3, 3))
    some = gallery(*((f"Ada/{k}", str(k), at(angle)) for k, angle in enumerate(angles)))
    expected = {k: int(np.flatnonzero(angles == angle)[0]) for k, angle in enumerate(angles)}
    monkeypatch.setattr(duplicates, "BLOCK_ROWS", block)
    assert {(one.first, one.second) for one in duplicates.find(some)} == {
        (f"Ada/{first}", f"Ada/{k}") for k, first in expected.items() if k != first
    }
