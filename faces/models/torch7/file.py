"""Torch7's binary files (`.t7`): trees of values, as Lua's `torch.save` and `torch.load` write and read them.

Format: torch7's File.lua, Tensor.c and Storage.c on a little-endian machine with 8-byte longs. A value is an int32
type and its content: number float64; string int32 length and bytes; boolean int32; table a memory index (int32), a
count (int32) and that many key-value pairs; object a memory index, the strings `V 1` and its class's name, and its
content (for a Lua class, a table of its fields). A memory index that occurred before has no content: it is the same
object again.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faces.errors import ModelError
from faces.files.writing import write_bytes

FloatArray: TypeAlias = NDArray[np.float32]
_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN = range(6)
_TYPE_NAMES = {"float32": "Float", "float64": "Double", "int64": "Long", "int32": "Int", "uint8": "Byte"}


@dataclass(frozen=True, eq=False)
class Storage:
    """A torch.*Storage: one-dimensional values of a dtype in `_TYPE_NAMES`."""

    values: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A contiguous torch.*Tensor of `shape` that starts at element `offset` of a storage, which others may share."""

    storage: Storage
    shape: tuple[int, ...]
    offset: int = 0

    @property
    def array(self) -> NDArray[Any]:
        """The elements, as an array of `shape`."""
        size = int(np.prod(self.shape))
        return self.storage.values[self.offset : self.offset + size].reshape(self.shape)


@dataclass(frozen=True, eq=False)
class TorchObject:
    """An object of a Lua class such as nn.ReLU; the same object met twice is written once."""

    class_name: str
    fields: Mapping[str, Any]


class _Writer:
    """Writes values to a file, and remembers the memory index of each table, tensor, storage and object."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # id -> memory index, and the object: while it lives, so does its id
        self._seen: dict[int, tuple[int, object]] = {}

    def write(self, value: Any) -> None:
        if value is None:
            self._pack("i", _NIL)
        elif isinstance(value, bool):
            self._pack("ii", _BOOLEAN, value)
        elif isinstance(value, int | float):
            self._pack("id", _NUMBER, value)
        elif isinstance(value, str):
            self._pack("i", _STRING)
            self._text(value)
        elif isinstance(value, Mapping):
            self._table(value, value)
        elif isinstance(value, list | tuple):
            self._table(value, {number: item for number, item in enumerate(value, 1) if item is not None})
        elif isinstance(value, np.ndarray):
            flat = Storage(np.ascontiguousarray(value).reshape(-1))
            self._tensor(value, Tensor(flat, value.shape))
        elif isinstance(value, Tensor):
            self._tensor(value, value)
        elif isinstance(value, Storage):
            if self._begin_object(value, f"torch.{_TYPE_NAMES[value.values.dtype.name]}Storage"):
                self._pack("q", value.values.size)
                self._file.write(np.ascontiguousarray(value.values, value.values.dtype.newbyteorder("<")).tobytes())
        elif isinstance(value, TorchObject):
            if self._begin_object(value, value.class_name):
                self._table(value.fields, value.fields)
        else:
            raise TypeError(f"cannot write a {type(value).__name__} to a Torch7 file")

    def _tensor(self, identity: object, tensor: Tensor) -> None:
        if not self._begin_object(identity, f"torch.{_TYPE_NAMES[tensor.storage.values.dtype.name]}Tensor"):
            return
        empty = 0 in tensor.shape
        shape = () if empty else tensor.shape
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
        self._pack(f"i{2 * len(shape) + 1}q", len(shape), *shape, *strides, tensor.offset + 1)
        self.write(None if empty else tensor.storage)

    def _table(self, identity: object, items: Mapping[Any, Any]) -> None:
        self._pack("i", _TABLE)
        if self._begin(identity):
            self._pack("i", len(items))
            for key, value in items.items():
                self.write(key)
                self.write(value)

    def _begin_object(self, identity: object, class_name: str) -> bool:
        self._pack("i", _TORCH)
        if not self._begin(identity):
            return False
        self._text("V 1")
        self._text(class_name)
        return True

    def _begin(self, identity: object) -> bool:
        """Write the memory index; return whether it is new, so that the content must follow."""
        is_new = id(identity) not in self._seen
        index, _ = self._seen.setdefault(id(identity), (len(self._seen) + 1, identity))
        self._pack("i", index)
        return is_new

    def _text(self, text: str) -> None:
        content = text.encode()
        self._pack("i", len(content))
        self._file.write(content)

    def _pack(self, layout: str, *values: float) -> None:
        self._file.write(struct.pack("<" + layout, *values))


def write_t7(path: Path, value: Any) -> None:
    """Write a value, usually a network's tree of modules, as `torch.save(path, value)` does.

    value: a number, string, boolean or None; a mapping or sequence (written as a table; a sequence counts from 1 and
    leaves None out); a numpy array or `Tensor` (a tensor), `Storage`, or `TorchObject`. Fields keep their order.
    Raises TypeError for another value, KeyError for a dtype that is not in `_TYPE_NAMES`, and FacesError if the file
    cannot be written; an old file is kept then.
    """
    file = io.BytesIO()
    _Writer(file).write(value)
    write_bytes(path, file.getvalue())


class _Reader:
    """Reads values from bytes; raises ModelError if they end early or are of a kind that networks do not have."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._seen: dict[int, Any] = {}  # by memory index

    def read(self) -> Any:
        kind = self._unpack("i")
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return self._unpack("d")
        if kind == _STRING:
            return self._text()
        if kind == _BOOLEAN:
            return bool(self._unpack("i"))
        if kind not in (_TABLE, _TORCH):
            raise ModelError(f"holds a value of kind {kind}, which no network has")
        index = self._unpack("i")
        if index not in self._seen:
            self._seen[index] = None  # networks have no table that contains itself
            self._seen[index] = self._table() if kind == _TABLE else self._object()
        return self._seen[index]

    def _table(self) -> Any:
        pairs = {}
        for _ in range(self._unpack("i")):
            key = self.read()
            pairs[int(key) if isinstance(key, float) else key] = self.read()
        return list(pairs.values()) if list(pairs) == list(range(1, len(pairs) + 1)) else pairs

    def _object(self) -> Any:
        version = self._text()
        name = self._text() if version.startswith("V ") else version  # the oldest files have no version
        kind = name.removeprefix("torch.").removesuffix("Storage").removesuffix("Tensor")
        dtype = next((np.dtype(dtype) for dtype, known in _TYPE_NAMES.items() if known == kind), None)
        if dtype is not None and name.endswith("Storage"):
            size = self._unpack("q")
            return np.frombuffer(self._take(size * dtype.itemsize), dtype.newbyteorder("<"))
        if dtype is not None and name.endswith("Tensor"):
            return self._tensor(dtype)
        fields = self.read()
        return TorchObject(name, fields if isinstance(fields, dict) else {})

    def _tensor(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        axes = self._unpack("i")
        sizes = self._unpack_all(f"{2 * axes}q")
        shape, strides, offset = sizes[:axes], sizes[axes:], self._unpack("q") - 1
        storage = self.read()
        if storage is None or not shape:
            return np.zeros(0, dtype)
        last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        if min(*shape, *strides, offset + 1) < 1 or last >= len(storage):
            raise ModelError("a tensor reaches beyond its storage")
        steps = [stride * dtype.itemsize for stride in strides]
        return np.array(np.lib.stride_tricks.as_strided(storage[offset:], shape, steps))

    def _text(self) -> str:
        return self._take(self._unpack("i")).decode()

    def _unpack(self, layout: str) -> Any:
        return self._unpack_all(layout)[0]

    def _unpack_all(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self._take(struct.calcsize(f"<{layout}")))

    def _take(self, size: int) -> bytes:
        if not 0 <= size <= len(self._data) - self._at:
            raise ModelError("ends early")
        self._at += size
        return self._data[self._at - size : self._at]


_DAMAGED = ModelError, ValueError, TypeError, OverflowError, struct.error, RecursionError, MemoryError


def read_t7(path: Path) -> Any:
    """Read a file: numbers (float), strings, booleans, None, arrays (tensors and storages), `TorchObject`.

    A table whose keys count from 1 becomes a list, another table a dictionary.
    Raises ModelError if the file is damaged or has values that networks do not have, such as functions.
    """
    try:
        return _Reader(path.read_bytes()).read()
    except (OSError, *_DAMAGED) as error:
        raise ModelError(f"{path}: not a Torch7 file that can be read ({error})") from error
