"""The interface of face_recognition 1.3.0, served by recognize-faces. Importing it loads no model."""

from importlib.metadata import PackageNotFoundError, distribution

try:
    distribution("face_recognition")
except PackageNotFoundError:
    pass
else:
    raise ImportError(
        "the original face_recognition is installed beside recognize-faces-compat, in the same folder; run:"
        " pip uninstall face_recognition recognize-faces-compat, then install the one that you want"
    )

from .api import (
    batch_face_locations,
    compare_faces,
    face_distance,
    face_encodings,
    face_landmarks,
    face_locations,
    load_image_file,
)

__all__ = [
    "batch_face_locations",
    "compare_faces",
    "face_distance",
    "face_encodings",
    "face_landmarks",
    "face_locations",
    "load_image_file",
]
__version__ = "1.3.0"
