"""Files as ``torch.save`` writes them, in both formats, without PyTorch; and a small MiniFASNet's weights."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.models.pytorch.file import MAGIC

Tensors = Mapping[str, NDArray[Any]]
STORAGE = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage", "i4": "IntStorage"}
DICTIONARY = b"ccollections\nOrderedDict\n)R"
CLASSES = 3


def plain(value: object) -> bytes:
    """Opcodes that push a plain value."""
    return pickle.dumps(value, 2)[2:-1]


def storage(name: str, key: object, size: object, *view: object) -> bytes:
    """Opcodes that push a storage."""
    described = plain("storage") + f"ctorch\n{name}\n".encode() + plain(key) + plain("cuda:0") + plain(size)
    return b"(" + described + b"".join(map(plain, view)) + b"tQ"


def tensor(store: bytes, start: object, shape: tuple[Any, ...], stride: tuple[Any, ...]) -> bytes:
    """Opcodes that push a tensor."""
    given = store + plain(start) + plain(shape) + plain(stride) + plain(False) + DICTIONARY
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + given + b"tR"


def dictionary(values: Mapping[str, bytes]) -> bytes:
    """A pickle of a module's weights; the values are opcodes."""
    items = b"".join(plain(name) + value for name, value in values.items())
    versions = plain({"_metadata": {"": {"version": 1}}})
    return b"\x80\2" + DICTIONARY + b"(" + items + b"u" + versions + b"b."


def stride_of(array: NDArray[Any]) -> tuple[int, ...]:
    return tuple(each // array.itemsize for each in array.strides)


def pickled(tensors: Tensors, *view: object) -> bytes:
    return dictionary(
        {
            name: tensor(
                storage(STORAGE[array.dtype.str[1:]], str(number), array.size, *view), 0, array.shape, stride_of(array)
            )
            for number, (name, array) in enumerate(tensors.items())
        }
    )


def older(tensors: Tensors, content: bytes | None = None) -> bytes:
    """A file of before PyTorch 1.6. content: another pickle than the tensors' own."""
    keys = [str(number) for number in range(len(tensors))]
    about = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    start = b"".join(pickle.dumps(value, 2) for value in (MAGIC, 1001, about))
    stored = b"".join(array.size.to_bytes(8, "little") + array.tobytes() for array in tensors.values())
    return start + (content or pickled(tensors, None)) + pickle.dumps(keys, 2) + stored


def zipped(
    tensors: Tensors, content: bytes | None = None, compression: int = zipfile.ZIP_STORED, byteorder: str = "little"
) -> bytes:
    """A file of today. content: as for ``older``."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("weights/data.pkl", content or pickled(tensors))
        archive.writestr("weights/byteorder", byteorder)
        for number, array in enumerate(tensors.values()):
            archive.writestr(f"weights/data/{number}", array.tobytes())
        archive.writestr("weights/version", "3\n")
    return file.getvalue()


def minifasnet(excited: bool, blocks: int = 2) -> dict[str, NDArray[Any]]:
    """Weights of a small MiniFASNet. excited: with squeeze and excitation in the last block of each stage."""
    random = np.random.default_rng(3)
    weights: dict[str, NDArray[Any]] = {}

    def norm(name: str, channels: int) -> None:
        weights[f"{name}.weight"] = random.uniform(0.5, 1.5, channels)
        weights[f"{name}.bias"] = random.normal(size=channels) / 4
        weights[f"{name}.running_mean"] = random.normal(size=channels) / 4
        weights[f"{name}.running_var"] = random.uniform(0.5, 1.5, channels)
        weights[f"{name}.num_batches_tracked"] = np.array(5)

    def layer(name: str, outputs: int, inputs: int, kernel: int, linear: bool = False) -> None:
        weights[f"{name}.conv.weight"] = random.normal(size=(outputs, inputs, kernel, kernel)) / (
            kernel * np.sqrt(inputs)
        )
        norm(f"{name}.bn", outputs)
        if not linear:
            weights[f"{name}.prelu.weight"] = random.uniform(-0.5, 1.5, outputs)

    def block(name: str, outputs: int, inner: int, inputs: int) -> None:
        layer(f"{name}.conv", inner, inputs, 1)
        layer(f"{name}.conv_dw", inner, 1, 3)
        layer(f"{name}.project", outputs, inner, 1, linear=True)

    layer("conv1", 6, 3, 3)
    weights["conv1.conv.weight"] /= 128  # of pixels
    layer("conv2_dw", 6, 1, 3)
    for first, stage, inputs, outputs in (("conv_23", "conv_3", 6, 8), ("conv_34", "conv_4", 8, 5)):
        block(first, outputs, 7, inputs)
        for number in range(blocks):
            block(f"{stage}.model.{number}", outputs, 3 + number, outputs)
            if excited and number == blocks - 1:
                squeeze = f"{stage}.model.{number}.se_module"
                weights[f"{squeeze}.fc1.weight"] = random.normal(size=(2, outputs, 1, 1))
                norm(f"{squeeze}.bn1", 2)
                weights[f"{squeeze}.fc2.weight"] = random.normal(size=(outputs, 2, 1, 1))
                norm(f"{squeeze}.bn2", outputs)
    block("conv_45", 6, 7, 5)
    block("conv_5.model.0", 6, 4, 6)
    layer("conv_6_sep", 9, 6, 1)
    layer("conv_6_dw", 9, 1, 5, linear=True)
    weights["linear.weight"] = random.normal(size=(4, 9)) / 3
    norm("bn", 4)
    weights["prob.weight"] = random.normal(size=(CLASSES, 4)) / 2
    return {f"module.{name}": value if value.ndim == 0 else value.astype(np.float32) for name, value in weights.items()}
