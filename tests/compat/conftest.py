"""The package under compat/face_recognition, imported from there as if it was installed."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.conftest import ROOT

COMPAT = ROOT / "compat" / "face_recognition"


def compat_environment() -> dict[str, str]:
    """Return the environment of a process that imports ours, and not the original."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(COMPAT), str(ROOT)])}


@pytest.fixture(scope="module")
def face_recognition() -> Iterator[ModuleType]:
    """Ours; whatever else has that name is back afterwards."""

    def loaded() -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "face_recognition"}

    others = loaded()
    for name in others:
        del sys.modules[name]
    sys.path.insert(0, str(COMPAT))
    try:
        yield importlib.import_module("face_recognition")
    finally:
        sys.path.remove(str(COMPAT))
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(others)
