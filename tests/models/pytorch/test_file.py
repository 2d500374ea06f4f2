"""PyTorch's files: both formats, and files that are damaged, foreign or malicious."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import ModelError
from faces.models.pytorch.file import read_tensors
from tests.pytorch_files import dictionary, older, pickled, plain, storage, tensor, zipped

TENSORS: dict[str, Any] = {
    "a.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "a.count": np.array(7),
    "b.bias": np.array([0.5, -1.5], np.float64),
    "b.half": np.array([[1, 2]], np.float16),
    "empty": np.zeros((0, 3), np.int32),
}
WRITERS = pytest.mark.parametrize("write", [older, zipped])
Write = Callable[..., bytes]


@WRITERS
def test_the_tensors_of_a_file(write: Write) -> None:
    tensors = read_tensors(write(TENSORS))
    assert list(tensors) == list(TENSORS)
    for name, array in TENSORS.items():
        assert (tensors[name].dtype, tensors[name].tolist()) == (array.dtype, array.tolist())


@WRITERS
def test_tensors_that_share_a_storage(write: Write) -> None:
    store = storage("FloatStorage", "0", 6, *([None] if write is older else []))
    content = dictionary({"whole": tensor(store, 0, (6,), (1,)), "end": tensor(store, 2, (2, 2), (2, 1))})
    tensors = read_tensors(write({"0": np.arange(6, dtype=np.float32)}, content))
    assert (tensors["whole"].tolist(), tensors["end"].tolist()) == ([0, 1, 2, 3, 4, 5], [[2, 3], [4, 5]])


@pytest.mark.training
@WRITERS
def test_files_of_pytorch_itself(write: Write) -> None:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    values = {name: torch.from_numpy(array.copy()) for name, array in TENSORS.items()}
    torch.save(values, file, _use_new_zipfile_serialization=write is zipped)
    assert {name: array.tolist() for name, array in read_tensors(file.getvalue()).items()} == {
        name: array.tolist() for name, array in TENSORS.items()
    }
    loaded = torch.load(io.BytesIO(write(TENSORS)), map_location="cpu", weights_only=True)  # the tests' own files
    assert {name: value.tolist() for name, value in loaded.items()} == {
        name: array.tolist() for name, array in TENSORS.items()
    }


# Damaged


@WRITERS
def test_a_file_that_ends_early(write: Write) -> None:
    data = write(TENSORS)
    for length in range(0, len(data) - 1, 7):
        with pytest.raises(ModelError, match=r"damaged|not a file of weights|refused as weights"):
            read_tensors(data[:length])


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"PK\3\4", b"a page of text", b"\x80\2K\1.", pickle.dumps([1]), pickle.dumps(("x",), 2) * 5]
)
def test_a_file_of_something_else(data: bytes) -> None:
    with pytest.raises(ModelError, match="not a file of weights of PyTorch"):
        read_tensors(data)


@WRITERS
@pytest.mark.parametrize("value", [[1, 2], {"epoch": 3}, "weights", {"model": {}, "optimizer": {}}])
def test_an_object_that_is_no_dictionary_of_tensors(write: Write, value: object) -> None:
    with pytest.raises(ModelError, match="something else than tensors"):
        read_tensors(write({}, pickle.dumps(value, 2)))


@WRITERS
def test_a_storage_of_another_size(write: Write) -> None:
    content = pickled({"0": np.zeros(3, np.float32)}, *([None] if write is older else []))
    with pytest.raises(ModelError, match="the size of a tensor's content"):
        read_tensors(write({"0": np.zeros(2, np.float32)}, content))


def test_an_archive_that_is_compressed() -> None:
    with pytest.raises(ModelError, match="it is compressed"):  # a few bytes could become gigabytes
        read_tensors(zipped({"a": np.zeros(1 << 16, np.float32)}, compression=zipfile.ZIP_DEFLATED))


def test_a_machine_with_the_other_order_of_bytes() -> None:
    with pytest.raises(ModelError, match="big-endian"):
        read_tensors(zipped(TENSORS, byteorder="big"))


# Malicious


class Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"echo run > {self.path}",)


@WRITERS
def test_nothing_of_a_file_is_run(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"refused as weights of PyTorch: it asks for (posix|nt)\.system"):
        read_tensors(write({}, pickle.dumps({"a": Runs(tmp_path / "run")}, 2)))
    assert not list(tmp_path.iterdir())


STORE = storage("FloatStorage", "0", 4, None)
REFUSED = {
    "another class": b"cbuiltins\neval\n(" + plain("1") + b"tR",
    "torch's own loader": b"ctorch\nload\n(" + plain("x") + b"tR",
    "a dictionary with arguments": b"ccollections\nOrderedDict\n(" + plain([("a", 1)]) + b"tR",
    "a tensor that is too large": tensor(STORE, 0, (5,), (1,)),
    "a tensor beyond the storage": tensor(STORE, 3, (2,), (1,)),
    "a tensor before the storage": tensor(STORE, -1, (2,), (1,)),
    "a tensor that repeats elements": tensor(STORE, 0, (2, 2), (0, 1)),
    "a transposed tensor": tensor(STORE, 0, (2, 2), (1, 2)),
    "a negative size": tensor(STORE, 0, (-2, -2), (2, 1)),
    "a size that is no number": tensor(STORE, 0, (True,), (1,)),
    "other strides than sizes": tensor(STORE, 0, (2, 2), (1,)),
    "a tensor without a storage": tensor(plain("0"), 0, (1,), (1,)),
    "a storage of a negative size": tensor(storage("FloatStorage", "0", -1, None), 0, (0,), (1,)),
    "a storage that is part of another": tensor(storage("FloatStorage", "0", 4, ("1", 0, 2)), 0, (1,), (1,)),
    "a storage without a known type": tensor(storage("QInt8Storage", "0", 4, None), 0, (1,), (1,)),
    "a storage whose name is no text": tensor(storage("FloatStorage", 0, 4, None), 0, (1,), (1,)),
    "a state of a tensor": tensor(STORE, 0, (4,), (1,)) + plain({"x": 1}) + b"b",
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED)
def test_what_no_such_file_has_is_refused(value: bytes) -> None:
    four = {"0": np.zeros(4, np.float32)}
    with pytest.raises(ModelError, match="PyTorch"):
        read_tensors(older(four, dictionary({"a": value})))


def test_a_storage_that_is_described_twice() -> None:
    again = tensor(storage("LongStorage", "0", 2, None), 0, (2,), (1,))
    content = dictionary({"a": tensor(STORE, 0, (4,), (1,)), "b": again})
    with pytest.raises(ModelError, match="in two ways"):
        read_tensors(older({"0": np.zeros(4, np.float32)}, content))


def test_a_storage_with_another_key_than_those_of_the_file() -> None:
    content = dictionary({"a": tensor(storage("FloatStorage", "../7", 4), 0, (4,), (1,))})
    with pytest.raises(ModelError, match="damaged"):
        read_tensors(zipped({"0": np.zeros(4, np.float32)}, content))
