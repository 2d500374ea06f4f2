"""Convert YuNet and SFace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faces.errors import ModelError, first_line
from faces.models.opencv_zoo.folding import Network

CHANNELS = 16  # at most, of the input and of the outputs


def convert_yunet(content: bytes, path: Path) -> None:
    """Write YuNet with float32 weights, for images of any size. Raises ModelError for another file."""
    network = _read(content)
    values = network.graph.input[0], *network.graph.output
    for dimension in (dimension for value in values for dimension in value.type.tensor_type.shape.dim[1:]):
        if dimension.dim_value > CHANNELS:  # a side of the image, or a number of cells, which follows from the sides
            dimension.Clear()
    path.write_bytes(Network(network).serialize())


def convert_sface(content: bytes, path: Path) -> None:
    """Write SFace with float32 weights, without batch normalizations and PRelus. Raises ModelError for another file."""
    network = Network(_read(content))
    network.fold_batch_norms()
    network.split_prelus()
    path.write_bytes(network.serialize())


def _read(content: bytes) -> Any:
    import onnx

    try:
        return onnx.load_from_string(content)
    except Exception as error:  # protobuf's exceptions have no common base but Exception
        raise ModelError(f"not an ONNX network ({first_line(error)})") from error
