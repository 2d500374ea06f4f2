"""Load pickles safely: a file that asks for anything unexpected is refused, not run."""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faces.errors import PickleError, reason_of
from faces.files.unpickling import Allowed, Unpickler
from faces.files.writing import write_bytes


def _only(names: dict[str, str]) -> Allowed:
    return {(module, name): None for module, listed in names.items() for name in listed.split()}


LONGEST_EMPTY = 1 << 16  # side of an array without content


class _Dtype:
    """The dtype of an array: numbers, text or objects.

    numpy's own class also takes fields and flags from the file, and lets bytes of the file become addresses of objects.
    """

    def __init__(self, code: str, align: bool = False, copy: bool = False) -> None:
        if not re.fullmatch(r"[biufUSO]\d*", code):
            raise PickleError(f"it asks for an array of {code!r}, which such a file never contains")
        self.real = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):
            self.real = self.real.newbyteorder(state[1])


class _Array(np.ndarray[Any, Any]):
    """An array that is being read; its size is checked."""

    def __setstate__(self, state: Any) -> None:
        version, shape, dtype, fortran, data = state
        kind, each = (list, 1) if dtype.real.hasobject else (bytes, dtype.real.itemsize)
        sides = all(type(side) is int and side >= 0 for side in shape)
        number = math.prod(shape) if sides else -1
        empty = max(shape, default=0) <= LONGEST_EMPTY if number == 0 else each > 0
        if not empty or type(data) is not kind or len(data) != each * number:
            raise PickleError(
                "the size of an array's content does not match its shape"
            )  # numpy reads past the end of a short list
        super().__setstate__((version, shape, dtype.real, fortran, data))

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()  # pickled again, it is a plain array


def _reconstruct(kind: object, shape: object, code: object) -> Any:
    """Return an empty array; its content follows in the file."""
    return _Array((0,), np.int8)


def _frombuffer(data: bytes, dtype: _Dtype, shape: tuple[int, ...], order: Literal["C", "F"]) -> NDArray[Any]:
    return np.frombuffer(data, dtype.real).reshape(shape, order=order)  # refuses objects


def _scalar(dtype: _Dtype, data: bytes) -> Any:
    return np.frombuffer(data, dtype.real)[0]


def _encode(text: str, codec: str) -> bytes:
    """Return bytes that protocols before 3 store as text; other codecs can blow it up, or take for ever."""
    if type(text) is not str or codec not in ("latin1", "latin-1"):
        raise PickleError(f"it asks for the codec {codec!r:.20}, which such a file never contains")
    return text.encode("latin-1")


ARRAYS: Allowed = {
    ("numpy", "ndarray"): "ndarray",  # only passed to _reconstruct; a call would accept addresses
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    **{
        (f"numpy.{core}.{module}", name): ours
        for core in ("core", "_core")  # before and since numpy 2
        for module, name, ours in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
}
CLASSIFIERS = _only(
    {
        "sklearn.svm._classes": "SVC LinearSVC",
        "sklearn.neighbors._classification": "KNeighborsClassifier",
        "sklearn.linear_model._logistic": "LogisticRegression",
    }
)


LARGEST = 8 << 30  # bytes of a file: ten million embeddings are 5 GB


def load(path: Path, description: str, remedy: str, allowed: Allowed = ARRAYS) -> Any:
    """Load a pickle that imports only what is allowed.

    description: what the file should be, for messages: ``a recognizer``.
    remedy: what to do if it cannot be used, for messages.
    allowed: what it may import.
    Raises PickleError if the file is missing, damaged or refused.
    """
    if not path.is_file():
        raise PickleError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; {remedy}")
    try:
        if path.stat().st_size > LARGEST:
            raise PickleError(f"it has more than {LARGEST >> 30} GB")
        return Unpickler(path.read_bytes(), allowed).load()
    except PickleError as error:
        raise PickleError(f"{path}: refused as {description}: {error}; {remedy}") from None
    except OSError as error:
        raise PickleError(f"{path}: cannot be read ({reason_of(error)})") from error
    except Exception as error:  # unpickling runs the classes' own code, which may raise anything
        raise PickleError(f"{path}: not {description} ({type(error).__name__}); {remedy}") from error


def dump(path: Path, value: object) -> None:
    """Write a pickle atomically; raise FacesError if it cannot be written."""
    write_bytes(path, dumped(value))


def dumped(value: object) -> bytes:
    """Return a pickle as ``dump`` writes it."""
    return pickle.dumps(value, protocol=4)


def dump_as(path: Path, module: str, name: str, state: dict[str, object]) -> None:
    """Write a pickle of an object whose class is named but not imported; see ``dump``.

    module, name: of the class.
    state: the object's attributes.
    """
    content = pickle.dumps(state, protocol=3)[2:-1]  # without its header and STOP
    create = pickle.GLOBAL + f"{module}\n{name}\n".encode() + pickle.EMPTY_TUPLE + pickle.NEWOBJ
    write_bytes(path, pickle.PROTO + b"\3" + create + content + pickle.BUILD + pickle.STOP)
