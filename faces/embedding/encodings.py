"""Encodings that were pickled with face_recognition, as tutorials do, as the content of a gallery of dlib's embedder.

Such a file has ``encodings``, a list of float64 (128,), and ``names``, in a dictionary or as a pair. The file names no
models; face_recognition has only one embedder. Its encodings are of the face alone, where ours are the mean of the face
and its mirror image: docs/face-recognition.md has how far they are apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from faces.models import zoo
from faces.types import Fingerprint, ModelId

DIMENSION = 128


def as_gallery(content: Any) -> Any:
    """Return the content of a pickle in the form of a gallery's file if it is face_recognition's, else as it is.

    Raises ValueError for encodings that are not dlib's.
    """
    if isinstance(content, (list, tuple)) and len(content) == 2:
        encodings, names = content
    elif isinstance(content, dict) and "encodings" in content and "embeddings" not in content:
        encodings, names = content["encodings"], content.get("names")
    else:
        return content
    if len(encodings) == 0:
        return {"embeddings": [], "names": names}
    rows = np.asarray(encodings, np.float32)
    if rows.ndim != 2 or rows.shape[1] != DIMENSION:
        raise ValueError(f"encodings of shape {rows.shape}, not (N, {DIMENSION})")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise ValueError("an encoding is zero or not finite")
    return {"embeddings": rows / lengths, "names": names, "fingerprint": dlib_fingerprint().to_dict()}


def dlib_fingerprint() -> Fingerprint:
    """Return the fingerprint of dlib's detector, landmarks and embedder, without loading them."""
    from faces.embedding.aligners import TEMPLATES, Aligner, aligned_by
    from faces.embedding.views import MIRRORED

    detector, points, embedder = (
        zoo.model_id(zoo.MODELS[name]) for name in ("dlib-mmod", "dlib-5-points", "dlib-resnet")
    )
    aligner = aligned_by(Aligner(TEMPLATES["dlib-chip"]).model, points)
    return Fingerprint(detector, aligner, ModelId(f"{embedder.name}, {MIRRORED.name}", embedder.sha256))
