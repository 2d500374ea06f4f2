"""Pickles that only hold what they should: a hostile file is refused, not run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faces.errors import PickleError
from faces.images import write_bytes

Allowed = Mapping[tuple[str, str], type | None]
"""What a file may ask for, by module and name: the class to give it instead, or None for the very thing.

Exact names, no whole modules: numpy and scikit-learn hold functions that run what they are given.
"""


def _only(names: dict[str, str]) -> Allowed:
    return {(module, name): None for module, listed in names.items() for name in listed.split()}


ARRAYS = _only(
    {
        "numpy": "ndarray dtype",
        "numpy.core.multiarray": "_reconstruct scalar",
        "numpy._core.multiarray": "_reconstruct scalar",
        "numpy.core.numeric": "_frombuffer",
        "numpy._core.numeric": "_frombuffer",
        "_codecs": "encode",
    }
)
CLASSIFIERS = _only(
    {
        "sklearn.svm._classes": "SVC LinearSVC",
        "sklearn.neighbors._classification": "KNeighborsClassifier",
        "sklearn.linear_model._logistic": "LogisticRegression",
    }
)


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, allowed: Allowed) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise PickleError(f"it asks for {module}.{name}, which no file of ours needs")
        return self._allowed[module, name] or super().find_class(module, name)


def load(path: Path, what: str, remedy: str, allowed: Allowed = ARRAYS) -> Any:
    """The object in a pickle, if it is made of ``allowed`` things only.

    Raises PickleError, which says ``what`` cannot be used and why, and the ``remedy``.
    """
    if not path.is_file():
        raise PickleError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; {remedy}")
    try:
        return _Unpickler(path.read_bytes(), allowed).load()
    except PickleError as error:
        raise PickleError(f"{path}: refused as {what}: {error}; {remedy}") from None
    except OSError as error:
        raise PickleError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:  # unpickling runs the classes' own code, which may fail in any way
        raise PickleError(f"{path}: not {what} ({type(error).__name__}); {remedy}") from error


def dump(path: Path, value: object) -> None:
    """Write a pickle, whole or not at all; raises FacesError when it cannot be written."""
    write_bytes(path, pickle.dumps(value, protocol=4))
