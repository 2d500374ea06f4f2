"""Models in the formats that this project runs: converted on first use and kept in the user's cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from faces.errors import ModelError
from faces.models import cache, packages
from faces.models.dlib.networks import convert_mmod, convert_resnet
from faces.models.dlib.shape_predictor import convert_shape_predictor
from faces.models.opencv_zoo.conversion import convert_sface, convert_yunet
from faces.models.pytorch.minifasnet import convert_minifasnet
from faces.models.spec import ModelSpec
from faces.models.tflite.face_mesh import convert_face_mesh

FORMAT = 2  # raised when the conversion changes, so that older files in users' caches are not used
CONVERTERS: dict[str, tuple[Callable[[bytes, Path], None], str]] = {
    "dlib-resnet": (convert_resnet, ".onnx"),
    "dlib-mmod": (convert_mmod, ".onnx"),
    "dlib-5-points": (convert_shape_predictor, ".npz"),
    "yunet-int8": (convert_yunet, ".onnx"),
    "sface-int8": (convert_sface, ".onnx"),
    "minifasnet-v2": (convert_minifasnet, ".onnx"),
    "minifasnet-v1se": (convert_minifasnet, ".onnx"),
    "mediapipe-mesh": (convert_face_mesh, ".onnx"),
}


def converted(spec: ModelSpec) -> Path:
    """Return the path of a converted model in the user's cache; convert it on first use.

    spec: its row of the model table.
    Raises ModelError if the original is missing or damaged, and CacheError if the cache cannot be written.
    """
    convert, suffix = CONVERTERS[spec.name]

    def original() -> Path:
        original = packages.unpacked(spec.files[0])
        if not cache.matches(original, spec.files[0]):
            raise ModelError(
                f"{original} is damaged (its SHA-256 is not the published one);"
                f" run: faces download-models {packages.models_of(spec.files[0])}"
            )
        return original

    def convert_to(path: Path) -> None:
        convert(original().read_bytes(), path)

    return cache.cached(f"{spec.name}-{FORMAT}{suffix}", convert_to, original)
