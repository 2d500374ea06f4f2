"""Hashes of what pictures show."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.images import write_image
from faces.training.data import near_duplicates
from faces.training.data.near_duplicates import BITS, COPY_BITS, close_pairs, dhash, similar_pairs
from faces.types import Image


def scene(seed: int, side: int = 96) -> Image:
    """Smooth blobs, as photographs are."""
    rough = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(rough, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def bits(first: Image, second: Image) -> int:
    return int(np.unpackbits(dhash(first) ^ dhash(second)).sum())


def test_a_copy_differs_little_and_another_picture_much() -> None:
    picture = scene(0)
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert bits(picture, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)) <= COPY_BITS
    assert bits(picture, scene(0, 140)) <= COPY_BITS
    assert bits(picture, np.asarray(picture * 0.7, np.uint8)) <= COPY_BITS
    assert min(bits(picture, scene(seed)) for seed in range(1, 20)) > 3 * COPY_BITS


def test_all_pairs_within_the_bits_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_duplicates, "BLOCK_PAIRS", 100)  # several blocks
    random = np.random.default_rng(0)
    hashes = random.integers(0, 256, (40, BITS // 8), dtype=np.uint8)
    flips = random.integers(0, BITS, 60)
    for row, count in ((10, 20), (20, 21), (30, 0)):
        changed = np.unpackbits(hashes[row - 1])
        changed[np.unique(flips)[:count]] ^= 1
        hashes[row] = np.packbits(changed)
    assert [(a, b) for pairs in similar_pairs(hashes) for a, b in zip(*pairs, strict=True)] == [(9, 10), (29, 30)]


def test_nothing_is_like_a_plain_picture() -> None:
    assert dhash(np.full((40, 40, 3), 9, np.uint8)).tolist() == [0] * 32
    assert [len(rows) for rows, _ in similar_pairs(np.zeros((3, 32), np.uint8))] == []
    assert list(close_pairs(np.zeros((0, 128), np.float32), 0.5)) == []


def test_looking_at_files(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", scene(1))
    write_image(tmp_path / "small.png", scene(1, 20)[:, :16])
    (tmp_path / "text.png").write_text("no picture")
    done: list[int] = []
    paths = [tmp_path / name for name in ("a.png", "text.png", "gone.png", "small.png")]
    files = near_duplicates.scan(paths, done.append)
    assert files.sides.tolist() == [96, 0, 0, 16]
    assert files.unreadable == {1: "not an image", 2: "no such file or directory"}
    assert [len(fingerprint) for fingerprint in files.fingerprints] == [64, 64, 0, 64]
    assert done == [4]
    selected = files[np.array([False, True, False, True])]
    assert selected.unreadable == {0: "not an image"}
    assert selected.sides.tolist() == [0, 16]
