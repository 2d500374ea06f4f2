"""Convert MediaPipe's face mesh."""

from __future__ import annotations

from pathlib import Path

from faces.errors import ModelError
from faces.models.tflite.file import Network, read_tflite
from faces.models.tflite.to_onnx import to_onnx

POINTS, SIDE = 468, 192
INPUT: dict[tuple[int, ...], str] = {(1, SIDE, SIDE, 3): "image"}
OUTPUTS: dict[tuple[int, ...], str] = {(1, 1, 1, 3 * POINTS): "points", (1, 1, 1, 1): "presence"}


def convert_face_mesh(content: bytes, path: Path) -> None:
    """Write the face mesh as an ONNX network.

    Its input is ``image``, float32 (N, 3, 192, 192), RGB, 0 to 1; its outputs are ``points``, float32 (N, 1404, 1, 1):
    x, y and z of each point in the image's pixels, and ``presence``, float32 (N, 1, 1, 1): a logit.
    content: of a ``.tflite``.
    Raises ModelError for another or a damaged file, and UsageError if the package ``tflite`` is missing.
    """
    network = read_tflite(content)
    path.write_bytes(to_onnx(network, _names(network)))


def _names(network: Network) -> dict[int, str]:
    """Return the names of inputs and outputs, by the index of their tensor."""
    named: dict[int, str] = {}
    for indices, expected in ((network.inputs, INPUT), (network.outputs, OUTPUTS)):
        shapes = [network.tensors[index].shape if index < len(network.tensors) else () for index in indices]
        if sorted(shapes) != sorted(expected):
            raise ModelError("not MediaPipe's face mesh: its input or its outputs have other shapes")
        named |= {index: expected[shape] for index, shape in zip(indices, shapes, strict=True)}
    return named
