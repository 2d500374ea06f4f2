"""Read the tensors of a ``.pth`` file without PyTorch: nothing in the file is imported or run.

``torch.save`` has two formats (torch/serialization.py). Today's is a zip archive, not compressed: ``data.pkl`` is a
pickle of the object, in which each tensor names its storage, and ``data/KEY`` holds the bytes of a storage. The one
before 1.6 is a sequence of pickles, namely a magic number, the version, a description of the machine, the object, and
the keys of the storages, followed by the storages themselves.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError, PickleError
from faces.files.unpickling import Allowed, Unpickler

MAGIC = 0x1950A86A20F9469CFC6C
ZIP = b"PK\3\4"
COUNT = 8  # bytes of a storage's number of elements, in the older format
STORAGES = {  # little endian, as all machines are that such files come from
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Storage:
    """The elements of one or more tensors, which are in another part of the file."""

    key: str
    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A row-major part of a storage."""

    storage: _Storage
    start: int
    shape: tuple[int, ...]

    def of(self, storages: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the tensor's elements, taken from the storages by key."""
        return storages[self.storage.key][self.start : self.start + math.prod(self.shape)].reshape(self.shape)


class _Dtype(str):
    """The dtype of a storage, as numpy writes it."""


def read_tensors(content: bytes) -> Tensors:
    """Return the tensors of a saved dictionary, such as a module's weights, by name.

    content: of the file.
    Raises ModelError if it is damaged, holds anything else than tensors, or asks for anything to be imported.
    """
    try:
        return _of_zip(content) if content.startswith(ZIP) else _of_pickles(content)
    except PickleError as error:
        raise ModelError(f"refused as weights of PyTorch: {error}") from error
    except ModelError:
        raise
    except Exception as error:  # of zip archives, pickles and arrays
        raise ModelError(f"not a file of weights of PyTorch, or damaged ({type(error).__name__})") from error


def _of_zip(content: bytes) -> Tensors:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {}
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ModelError("not a file of weights of PyTorch: it is compressed")
            members[PurePosixPath(member.filename).relative_to(member.filename.partition("/")[0]).as_posix()] = member
        if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
            raise ModelError("a file of weights from a big-endian machine, which is not supported")
        tensors, storages = _unpickled(archive.read(members["data.pkl"]))[0]
        return _filled(tensors, storages, lambda storage: archive.read(members[f"data/{storage.key}"]))


def _of_pickles(content: bytes) -> Tensors:
    values: list[Any] = []
    for _ in range(5):
        value, end = _unpickled(content)
        values.append(value)
        content = content[end:]
        if values[0][0] != MAGIC:
            raise ModelError("not a file of weights of PyTorch")
    (_, (tensors, storages), keys) = values[2][0], values[3], values[4][0]
    places, start = {}, 0
    for key in keys:
        end = start + COUNT + np.dtype(storages[key].dtype).itemsize * storages[key].size
        if len(content) < end or int.from_bytes(content[start : start + COUNT], "little") != storages[key].size:
            raise ModelError("damaged: the size of a tensor's content does not match its description")
        places[key] = content[start + COUNT : end]
        start = end
    return _filled(tensors, storages, lambda storage: places[storage.key])


def _unpickled(data: bytes) -> tuple[tuple[Any, dict[str, _Storage]], int]:
    """Return an object, the storages that its tensors name, by key, and where its pickle ends."""
    unpickler = _Unpickler(data)
    return (unpickler.load(), unpickler.storages), unpickler.end


def _filled(tensors: object, storages: Mapping[str, _Storage], read: Callable[[_Storage], bytes]) -> Tensors:
    """Return arrays for the tensors of an object; ``read`` returns the bytes of a storage."""
    if type(tensors) is not dict or not all(type(tensor) is _Tensor for tensor in tensors.values()):
        raise ModelError("not a file of weights of PyTorch: it holds something else than tensors")
    arrays = {}
    for key, storage in storages.items():
        data = read(storage)
        if len(data) != np.dtype(storage.dtype).itemsize * storage.size:
            raise ModelError("damaged: the size of a tensor's content does not match its description")
        arrays[key] = np.frombuffer(data, storage.dtype)
    return {name: tensor.of(arrays) for name, tensor in tensors.items()}


def _rebuild(storage: object, start: object, shape: Any, stride: Any, *_: object) -> _Tensor:
    """Return a tensor; torch._utils._rebuild_tensor_v2 has these arguments."""
    numbers = (start, *shape, *stride)
    if type(storage) is not _Storage or not all(type(number) is int and number >= 0 for number in numbers):
        raise PickleError("it describes a tensor as such a file never does")
    if start + math.prod(shape) > storage.size or len(shape) != len(stride):
        raise PickleError("it describes a tensor that is larger than its content")
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size > 1 and step != expected and math.prod(shape):
            raise PickleError("it describes a tensor whose elements are not in order, which is not supported")
        expected *= size
    return _Tensor(storage, start, tuple(shape))  # type: ignore[arg-type]


def _dictionary() -> dict[str, object]:
    """Return an empty dictionary; with arguments, an OrderedDict would be filled with keys that are not checked."""
    return {}


ALLOWED: Allowed = {
    ("collections", "OrderedDict"): _dictionary,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    **{("torch", name): _Dtype(dtype) for name, dtype in STORAGES.items()},
}


class _Unpickler(Unpickler):
    """Reads an object whose tensors are described as ``_Tensor``.

    storages: by key, those that were named.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data, ALLOWED)
        self.storages: dict[str, _Storage] = {}

    def _named(self) -> None:
        """Put the storage that a tensor names in place of its name."""
        kind, dtype, key, _, size, *view = self.stack.pop()
        described = (kind, type(dtype), type(key), type(size), any(view)) == ("storage", _Dtype, str, int, False)
        if not described or size < 0:
            raise PickleError("it names a storage as such a file never does")
        storage = _Storage(key, str(dtype), size)
        if self.storages.setdefault(key, storage) != storage:
            raise PickleError("it describes a storage in two ways")
        self.append(storage)

    def _build(self) -> None:
        """Leave out the versions of modules, which a dictionary of weights has as an attribute."""
        state = self.stack.pop()
        if type(self.stack[-1]) is not dict or type(state) is not dict:
            raise PickleError("it sets the state of something else than a dictionary, which such a file never does")

    dispatch: ClassVar[dict[int, Any]] = {
        **Unpickler.dispatch,
        pickle.BINPERSID[0]: _named,
        pickle.BUILD[0]: _build,
    }
