"""Torch7 files: what is written is read again, a damaged one is refused. Their bytes: tests/test_classic_files.py."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from faces.errors import FacesError, ModelError
from faces.models.torch7.file import Storage, Tensor, TorchObject, read_t7, write_t7
from tests.conftest import disk
from tests.torch7_files import nn4_small2, walk


def test_values_come_back(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    shared = {"a": 1.5}
    value = {"yes": True, "none": None, "text": "Zoë", "list": [2, "b", None, array], "one": shared, "two": shared}
    write_t7(tmp_path / "values.t7", value)
    read = read_t7(tmp_path / "values.t7")
    assert (read["yes"], read["none"], read["text"], read["one"]) == (True, None, "Zoë", {"a": 1.5})
    assert read["two"] is read["one"]
    assert read["list"] == {1: 2, 2: "b", 4: pytest.approx(array)}


def test_a_network_comes_back(tmp_path: Path) -> None:
    network = nn4_small2(seed=1)
    write_t7(tmp_path / "network.t7", network)
    again = read_t7(tmp_path / "network.t7")
    assert isinstance(again, TorchObject)
    ours, theirs = walk(network), walk(again)
    assert [module.class_name for module in theirs] == [module.class_name for module in ours]
    for one, other in zip(ours, theirs, strict=True):
        assert list(other.fields) == list(one.fields)
        for name in ("weight", "bias", "running_var"):
            np.testing.assert_array_equal(other.fields.get(name), one.fields.get(name))


def test_tensors_that_share_a_storage(tmp_path: Path) -> None:
    storage = Storage(np.arange(20, dtype=np.int64))
    write_t7(tmp_path / "shared.t7", [Tensor(storage, (2, 3), 4), Tensor(storage, (3,), 1), np.zeros((0, 2), np.uint8)])
    first, second, empty = read_t7(tmp_path / "shared.t7")
    np.testing.assert_array_equal(first, [[4, 5, 6], [7, 8, 9]])
    np.testing.assert_array_equal(second, [1, 2, 3])
    assert (first.dtype, empty.shape, empty.dtype) == (np.int64, (0,), np.uint8)


def text(words: str) -> bytes:
    return struct.pack("<i", len(words)) + words.encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "ends early"),
        (b"<!DOCTYPE html>", "holds a value of kind"),
        (struct.pack("<iii", 3, 1, 2**31 - 1), "ends early"),
        (struct.pack("<iiii", 2, -5, 0, 0), "ends early"),
        (struct.pack("<i", 6), "holds a value of kind 6"),
        (struct.pack("<ii", 4, 1) + text("V 1") + text("torch.FloatStorage") + struct.pack("<q", 2**62), "ends early"),
        (
            struct.pack("<ii", 4, 1)
            + text("V 1")
            + text("torch.FloatTensor")
            + struct.pack("<iqqq", 1, 9, 1, 1)
            + struct.pack("<ii", 4, 2)
            + text("V 1")
            + text("torch.FloatStorage")
            + struct.pack("<qf", 1, 1),
            "a tensor reaches beyond its storage",
        ),
        (b"".join(struct.pack("<iiiid", 3, depth, 1, 1, 1.0) for depth in range(9999)), "can be read"),
        (struct.pack("<iii", 3, 1, 1) + struct.pack("<iii", 3, 2, 0) + struct.pack("<i", 0), "unhashable"),
        (struct.pack("<iiiidi", 3, 1, 1, 1, float("inf"), 0), "infinity"),
    ],
    ids=[
        "empty",
        "a web page",
        "too many pairs",
        "a negative length",
        "a function",
        "too large",
        "beyond",
        "too deep",
        "a table as a key",
        "an endless key",
    ],
)
def test_a_damaged_file_is_refused_in_a_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "damaged.t7"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=why) as refused:
        read_t7(path)
    assert str(refused.value).startswith(f"{path}: not a Torch7 file")
    assert "\n" not in str(refused.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a Torch7 file"):
        read_t7(tmp_path / "no.t7")


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "64k") as folder:
        write_t7(folder / "network.t7", "old")
        with pytest.raises(FacesError, match="no space left"):
            write_t7(folder / "network.t7", np.zeros(100_000))
        assert read_t7(folder / "network.t7") == "old"
