"""Load pickles safely: a file that asks for anything unexpected is refused, not run."""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faces.errors import PickleError, reason_of
from faces.files.writing import write_bytes

Allowed = Mapping[tuple[str, str], Any]
"""What a file may import, by module and name: a replacement, or None for the thing itself.

These are exact names, not modules: numpy and scikit-learn have functions that execute their arguments.
"""


def _only(names: dict[str, str]) -> Allowed:
    return {(module, name): None for module, listed in names.items() for name in listed.split()}


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
        if not sides or type(data) is not kind or len(data) != each * math.prod(shape):
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


ARRAYS: Allowed = {
    ("numpy", "ndarray"): "ndarray",  # only passed to _reconstruct; a call would accept addresses
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): None,
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


ARGUMENTS = {ord(code.code): code.arg.n if code.arg else 0 for code in pickletools.opcodes}
"""Bytes that follow an opcode; below 0: a line, or as many bytes as the number that follows says."""
NUMBERS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
"""Bytes of such a number."""
OF_TWO_LINES = pickle.GLOBAL + pickle.INST
BAD_FRAMES = "its frames do not match its opcodes"  # the unpickler would continue elsewhere than this check
CHECKED = pickle.PUT + pickle.LONG_BINPUT + pickle.FRAME + pickle.STOP


def _check_memo(data: bytes) -> None:
    """Refuse a memo index beyond the file's length: the unpickler allocates memory for all indices up to it.

    Other opcodes have small indices: BINPUT's is a byte, and MEMOIZE counts. ``pickletools.genops`` takes three times
    as long. Errors at which the unpickler stops are left to it.
    """
    size, at, frame = len(data), 0, 0
    arguments, checked = ARGUMENTS, frozenset(CHECKED)  # locals are faster in this loop over every opcode
    while at < size:
        start, code = at, data[at]
        follow = arguments.get(code)
        if follow is None:
            return
        if follow >= 0:
            at += 1 + follow
        elif follow in NUMBERS:
            at = start + 1 + NUMBERS[follow]
            at += data[start + 1] if at == start + 2 else int.from_bytes(data[start + 1 : at], "little")
        else:
            at += 1
            for _ in range(2 if code in OF_TWO_LINES else 1):
                at = data.find(b"\n", at) + 1 or size
        if at > size:  # cut off: the unpickler reports it
            return
        if start < frame < at:
            raise PickleError(BAD_FRAMES)
        if code not in checked:
            continue
        argument = data[start + 1 : at]
        if code == pickle.STOP[0]:
            return
        if code == pickle.PUT[0]:
            _check_index(int(argument) if argument.strip().isdigit() else size + 1, size)
            continue
        number = int.from_bytes(argument, "little")
        if code == pickle.LONG_BINPUT[0]:
            _check_index(number, size)
        elif at < frame < at + number:
            raise PickleError(BAD_FRAMES)
        else:
            frame = max(frame, at + number)


def _check_index(index: int, size: int) -> None:
    if index > size:
        raise PickleError("it would allocate more memory than such a file needs")


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, allowed: Allowed) -> None:
        super().__init__(io.BytesIO(data))
        self._allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise PickleError(f"it asks for {module}.{name}, which such a file never contains")
        return self._allowed[module, name] or super().find_class(module, name)


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
        data = path.read_bytes()
        _check_memo(data)
        return _Unpickler(data, allowed).load()
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
