"""dlib's ``.dat`` files: integers and tensors.

The format is dlib's serialization (dlib/serialize.h). An integer is a control byte (low four bits: how many bytes
follow; high bit: negative) and that many little-endian bytes. A tensor (dlib/dnn/tensor.h) is the integers
``2, samples, k, rows, columns`` and its raw little-endian float32. A lone float is two integers, mantissa and exponent.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faces.errors import ModelError
from faces.types import Floats


def pack(value: int) -> bytes:
    """Return a non-negative integer as dlib writes it."""
    data = value.to_bytes((value.bit_length() + 7) // 8 or 1, "little")
    return bytes([len(data)]) + data


def tensors(data: bytes, shapes: list[tuple[int, ...]]) -> Iterator[Floats]:
    """Read tensors in the order of the file.

    Data between the tensors (names, learning rates, saved gradients) is skipped.
    data: the file.
    shapes: samples, k, rows, columns of each tensor; trailing ones may be left out.
    Raises ModelError if a tensor is missing.
    """
    position = 0
    for shape in shapes:
        header = pack(2) + b"".join(pack(size) for size in (*shape, 1, 1, 1)[: max(4, len(shape))])
        start = data.find(header, position)
        if start < 0:
            raise ModelError(f"no tensor of shape {shape} after byte {position}: not the network that was expected")
        start += len(header)
        position = start + 4 * int(np.prod(shape))
        yield np.frombuffer(data[start:position], "<f4").reshape(shape)


def integers(data: bytes, position: int = 0) -> Iterator[int]:
    """Read packed integers from a position to the end."""
    while position < len(data):
        control = data[position]
        end = position + 1 + (control & 15)
        value = int.from_bytes(data[position + 1 : end], "little")
        yield -value if control & 0x80 else value
        position = end
