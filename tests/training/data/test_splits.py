"""Parts of a data set: nobody in two of them, whatever the files' order, and much the same when some are added."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import FacesError
from faces.training.data import splits
from faces.training.data.labelled import LabelledImages
from faces.training.data.splits import MAX_GROUP, group_numbers, split


def data(*labels: int, classes: tuple[str, ...] = ("cat", "dog")) -> LabelledImages:
    paths = tuple(Path(f"{at}.jpg") for at in range(len(labels)))
    return LabelledImages(paths, {"class": np.array(labels, np.intp)}, {"class": classes})


def files(count: int, first: int = 0) -> np.ndarray[Any, Any]:
    return np.array([hashlib.sha256(str(at).encode()).hexdigest() for at in range(first, first + count)], "S64")


def faces_at(*angles: float) -> np.ndarray[Any, Any]:
    """Points of the circle; their distances are about the differences (rad)."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_every_photograph_is_in_one_part_and_the_shares_are_kept_in_every_class() -> None:
    animals = data(*([0] * 900 + [1] * 100))
    parts = split(animals, files(1000), None, seed=1, stratify=["class"])
    assert np.sum(parts, axis=0).tolist() == [1] * 1000
    assert [int(part.sum()) for part in parts] == [800, 100, 100]
    assert [animals[part].counts("class") for part in parts] == [
        {"cat": 720, "dog": 80},
        {"cat": 90, "dog": 10},
        {"cat": 90, "dog": 10},
    ]


def test_a_group_is_in_one_part() -> None:
    number = np.repeat(np.arange(100), 5)
    parts = split(data(*[0] * 500), files(500), number, seed=0)
    assert [len(np.unique(number[part])) for part in parts] == [80, 10, 10]
    assert sum(len(np.unique(number[part])) for part in parts) == 100


def test_equal_files_are_in_one_part_even_without_groups() -> None:
    twice = np.tile(files(50), 2)
    for part in split(data(*[0] * 100), twice, None, seed=3):
        assert (part[:50] == part[50:]).all()


def test_neither_names_nor_order_matter_but_the_seed_does() -> None:
    animals, contents, back = data(*[0, 1] * 100), files(200), np.random.default_rng(0).permutation(200)
    first = split(animals, contents, None, seed=5, stratify=["class"])
    again = split(animals[back], contents[back], None, seed=5, stratify=["class"])
    other = split(animals, contents, None, seed=6, stratify=["class"])
    assert all((a[back] == b).all() for a, b in zip(first, again, strict=True))
    assert (first[2] != other[2]).any()


def test_a_photograph_that_is_added_moves_at_most_one_over_each_cut() -> None:
    before = np.stack(split(data(*[0, 1] * 150), files(300), None, seed=2, stratify=["class"]))
    moved = []
    for new in range(20):
        contents = np.concatenate([files(300), files(1, 1000 + new)])
        after = np.stack(split(data(*[0, 1] * 150, 0), contents, None, seed=2, stratify=["class"]))[:, :300]
        moved.append(int((before != after).any(axis=0).sum()))
        assert not (before != after)[:, 1::2].any()  # of the other stratum none
    assert max(moved) <= 2


def test_small_classes_are_in_every_part() -> None:
    animals = data(*[0] * 50, *[1] * 3)
    parts = split(animals, files(53), None, seed=0, stratify=["class"])
    assert [animals[part].counts("class")["dog"] for part in parts] == [1, 1, 1]
    rare = split(data(*[0] * 50, 1), files(51), None, seed=0, stratify=["class"])
    assert rare[0][50]


def test_rounding_favours_no_part() -> None:
    """Of many strata with five groups each, the shares are kept all together."""
    many = data(*np.repeat(np.arange(200), 5).tolist(), classes=tuple(f"{at:03}" for at in range(200)))
    sizes = [int(part.sum()) for part in split(many, files(1000), None, seed=0, shares=(0.6, 0.4), stratify=["class"])]
    assert sizes == [600, 400]
    sizes = [int(part.sum()) for part in split(many, files(1000), None, seed=0, shares=(0.7, 0.3), stratify=["class"])]
    assert sizes == pytest.approx([700, 300], abs=30)


def test_a_large_group_is_to_train_with() -> None:
    number = np.concatenate([np.zeros(MAX_GROUP + 1, np.intp), np.arange(1, 41)])
    for seed in range(5):
        training, *_ = split(data(*[0] * len(number)), files(len(number)), number, seed)
        assert training[: MAX_GROUP + 1].all()


def test_too_few() -> None:
    with pytest.raises(FacesError, match="2 different faces or pictures are too few"):
        split(data(0, 1), files(2), None, seed=0)
    with pytest.raises(FacesError, match="0 different"):
        split(data(), files(0), None, seed=0)


def test_shares_may_leave_a_part_empty() -> None:
    training, test, none = split(data(*[0] * 10), files(10), None, seed=0, shares=(0.5, 0.5, 0))
    assert (int(training.sum()), int(test.sum()), int(none.sum())) == (5, 5, 0)


def test_copies_by_name_are_a_group_even_without_their_original() -> None:
    paths = [
        Path(name) for name in ("a/X.jpg", "a/X.jpg1.jpg", "b/X.jpg2.jpg", "a/Y.jpg3.jpg", "a/Y.jpg4.jpg", "a/Z.jpg")
    ]
    assert group_numbers(paths).tolist() == [0, 0, 1, 2, 2, 3]


def test_pictures_that_look_alike_and_faces_that_are_close_are_a_group() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (5, 32), dtype=np.uint8)
    hashes[3] = hashes[0]
    people = faces_at(0, 1.1, 1.7, 2.8, 4.0)
    paths = [Path(f"{at}.jpg") for at in range(5)]
    assert group_numbers(paths, hashes).tolist() == [0, 1, 2, 0, 3]
    assert group_numbers(paths, hashes, people).tolist() == [0, 1, 1, 0, 2]
    people[2] = 0  # no face found
    assert group_numbers(paths, None, people).tolist() == [0, 1, 2, 3, 4]


def test_faces_that_look_like_many_are_not_chained() -> None:
    steps = np.arange(0, 6, 0.7)
    paths = [Path(f"{at}.jpg") for at in range(7 * len(steps))]
    assert (
        len(np.unique(group_numbers(paths[: len(steps)], None, faces_at(*steps)))) == 1
    )  # few neighbours each: a chain
    assert len(np.unique(group_numbers(paths, None, faces_at(*np.repeat(steps, 7))))) == len(
        steps
    )  # only those at one place


def test_nobody() -> None:
    assert splits.group_numbers([], np.zeros((0, 32), np.uint8), np.zeros((0, 128), np.float32)).tolist() == []
