"""Tests that need the face mesh, which is not built in: skipped where it was not fetched."""

from __future__ import annotations

import pytest

from faces.errors import FacesError
from faces.models.conversion import converted
from faces.models.zoo import MODELS


def fetched() -> bool:
    """Return whether the face mesh is in the cache, converted or to be converted."""
    try:
        converted(MODELS["mediapipe-mesh"])
    except FacesError:
        return False
    return True


needs_face_mesh = pytest.mark.skipif(not fetched(), reason="the face mesh is not here: faces download-models mesh")
