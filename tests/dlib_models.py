"""Tests that need dlib's models, which are not built in: skipped where they were not fetched."""

from __future__ import annotations

import pytest

from faces.commands.download_models import SETS
from faces.errors import ModelError
from faces.models.conversion import converted
from faces.models.zoo import MODELS


def fetched() -> bool:
    """Return whether dlib's detector, landmark predictor and embedder are in the cache."""
    try:
        for name in SETS["dlib"]:
            converted(MODELS[name])
    except ModelError:
        return False
    return True


needs_dlib_models = pytest.mark.skipif(not fetched(), reason="dlib's models are not here: faces download-models dlib")
