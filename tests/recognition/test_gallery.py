"""The gallery and its file, ours and the recipe's."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import FacesError, PickleError
from faces.recognition.gallery import Gallery, LeftOut
from faces.types import Fingerprint, ModelId

PRINT = Fingerprint(ModelId("det", "1" * 64), ModelId("ali", "2" * 64), ModelId("emb", "3" * 64))
VECTORS = np.eye(3, 4, dtype=np.float32)
NAMES = ("Zoë Lind", "Ada", "Zoë Lind")
ODD = os.fsdecode(b"caf\xe9.jpg")  # no Unicode


def full() -> Gallery:
    boxes, scores = np.arange(12, dtype=np.float32).reshape(3, 4), np.array([0.7, 0.8, 0.9], np.float32)
    left_out = LeftOut(("d.jpg", ODD), ("4" * 64, "5" * 64), (7, 8), ("", "9"), ("no face", "unreadable: not an image"))
    return Gallery(
        VECTORS,
        NAMES,
        ("a.jpg", "b.jpg", "ç.jpg"),
        ("1" * 64,) * 3,
        boxes,
        scores,
        PRINT,
        (4, 5, 6),
        ("1", "", "2"),
        "confidence 0.5",
        left_out,
    )


def test_round_trip(tmp_path: Path) -> None:
    full().save(tmp_path / "new" / "a.pickle")
    loaded = Gallery.load(tmp_path / "new" / "a.pickle")
    assert (loaded.names, loaded.paths, loaded.hashes, loaded.fingerprint) == (
        NAMES,
        ("a.jpg", "b.jpg", "ç.jpg"),
        ("1" * 64,) * 3,
        PRINT,
    )
    assert (loaded.sizes, loaded.stamps, loaded.settings) == ((4, 5, 6), ("1", "", "2"), "confidence 0.5")
    assert loaded.left_out == full().left_out
    assert len(loaded.left_out) == 2
    for name in ("embeddings", "boxes", "scores"):
        assert np.array_equal(getattr(loaded, name), getattr(full(), name))
    assert loaded.embeddings.dtype == np.float32
    assert (len(loaded), loaded.people) == (3, ["Ada", "Zoë Lind"])


def test_strangers_are_no_people() -> None:
    everything = full()
    assert everything.of_people() is everything
    people = replace(everything, names=("Unknown", "Ada", "unknown")).of_people()
    assert (people.names, people.paths, people.sizes, people.stamps) == (("Ada",), ("b.jpg",), (5,), ("",))
    assert (people.hashes, people.left_out, people.fingerprint) == (("1" * 64,), everything.left_out, PRINT)
    assert np.array_equal(people.embeddings, VECTORS[1:2])
    assert people.boxes is not None and people.boxes.tolist() == [[4, 5, 6, 7]]
    assert people.scores is not None and people.scores.tolist() == [np.float32(0.8)]
    assert Gallery(VECTORS, ("unknown", *NAMES[1:])).of_people().names == NAMES[1:]  # as a recipe's, which has no more


def test_the_recipes_script_can_read_ours(tmp_path: Path) -> None:
    full().save(tmp_path / "a.pickle")
    data = pickle.loads((tmp_path / "a.pickle").read_bytes())  # needs nothing of this package
    assert data["names"] == list(NAMES)
    assert np.array_equal(np.array(list(data["embeddings"])), VECTORS)


@pytest.mark.parametrize("shape", [(4,), (1, 4)])
def test_the_recipes_file_is_read(tmp_path: Path, shape: tuple[int, ...]) -> None:
    content = {"embeddings": [row.reshape(shape).astype(np.float64) for row in VECTORS], "names": list(NAMES)}
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(content))
    loaded = Gallery.load(tmp_path / "a.pickle")
    assert np.array_equal(loaded.embeddings, VECTORS)
    assert loaded.embeddings.dtype == np.float32
    assert (loaded.names, loaded.fingerprint, loaded.paths, loaded.boxes) == (NAMES, None, (), None)
    assert (loaded.sizes, loaded.settings, len(loaded.left_out)) == ((), "", 0)


def test_nobody_enrolled(tmp_path: Path) -> None:
    Gallery(np.zeros((0, 128), np.float32), ()).save(tmp_path / "a.pickle")
    loaded = Gallery.load(tmp_path / "a.pickle")
    assert (len(loaded), loaded.people, loaded.embeddings.ndim) == (0, [], 2)


BAD: list[Any] = [
    [1, 2],
    "text",
    None,
    {},
    {"names": ["a"]},
    {"names": ["a"], "embeddings": []},
    {"names": [], "embeddings": [[1.0, 2]]},
    {"names": ["a", "b"], "embeddings": [[1.0, 2]] * 4},  # as many numbers as two longer ones
    {"names": ["a", "b"], "embeddings": [[1.0, 2], [1.0]]},
    {"names": ["a"], "embeddings": ["x"]},
    {"names": ["a"], "embeddings": [[float("nan"), 1]]},
    {"names": ["a"], "embeddings": [[1.0, 2]], "boxes": np.zeros((2, 4))},
    {"names": ["a"], "embeddings": [[1.0, 2]], "paths": 7},
    {"names": ["a"], "embeddings": [[1.0, 2]], "fingerprint": {"detector": "x"}},
    {"names": ["a"], "embeddings": [[1.0, 2]], "sizes": [1, 2]},
    {"names": ["a"], "embeddings": [[1.0, 2]], "left_out": {"paths": ["x"]}},
    {"names": ["a"], "embeddings": [[1.0, 2]], "left_out": {"unheard of": []}},
    {"names": ["a"], "embeddings": [[1.0, 2]], "left_out": 7},
]


@pytest.mark.parametrize("content", BAD)
def test_other_content_is_refused_in_one_line(tmp_path: Path, content: Any) -> None:
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(content))
    with pytest.raises(PickleError, match=r"a\.pickle: not embeddings .* run: faces extract") as caught:
        Gallery.load(tmp_path / "a.pickle")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"names": ("a",)},
        {"paths": ("x",)},
        {"hashes": ("x",) * 4},
        {"boxes": np.zeros((2, 4))},
        {"scores": np.zeros(1)},
        {"sizes": (1,)},
        {"stamps": ("",) * 2},
        {"embeddings": np.zeros(3)},
        {"embeddings": np.full((3, 4), np.inf)},
    ],
)
def test_parts_that_do_not_agree_are_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r" for 3 names| for 1 names|not finite"):
        Gallery(**{"embeddings": VECTORS, "names": NAMES, **parts})


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="cannot write"):
        full().save(tmp_path)
