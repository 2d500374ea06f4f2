"""Pickles: what they may hold comes back, and everything else is refused before it is run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.errors import PickleError
from faces.files import pickles

VALUES = [
    {"a": [1, 2.5, None, True, "ü"], "b": (b"x", [])},
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(["Ada", "Zoë"]),
    np.array(["Ada", "Zoë"], object),
    np.zeros((0, 4), np.float32),
    np.array([1, 2], ">i8"),
    np.float64(2.5),
    np.bool_(True),
    [np.arange(2), np.arange(3)],
]


def load(path: Path) -> Any:
    return pickles.load(path, "embeddings", "do this")


def assert_same(value: Any, expected: Any) -> None:
    if isinstance(expected, np.ndarray):
        assert isinstance(value, np.ndarray)
        assert value.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
        assert np.array_equal(value, expected)
    elif isinstance(expected, list):
        for one, other in zip(value, expected, strict=True):
            assert_same(one, other)
    else:
        assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_data_comes_back_whatever_python_3s_protocol(tmp_path: Path, value: Any, protocol: int) -> None:
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(value, protocol))
    loaded = load(tmp_path / "a.pickle")
    assert_same(loaded, value)
    again = pickle.dumps(loaded, protocol)
    assert b"faces" not in again  # any program can read what is written again
    assert_same(pickle.loads(again), value)


def test_dump_and_load(tmp_path: Path) -> None:
    pickles.dump(tmp_path / "new" / "a.pickle", {"x": np.arange(3)})
    assert_same(load(tmp_path / "new" / "a.pickle")["x"], np.arange(3))
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "a.pickle"]


class Calls:
    """Pickles as a call of a function, which the unpickler would make."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"names": ["a"], "embeddings": [x]}], ids=["bare", "inside"])
def test_a_hostile_file_is_refused_not_run(tmp_path: Path, wrap: Any, protocol: int) -> None:
    trace, path = tmp_path / "trace", tmp_path / "a.pickle"
    for call in (
        Calls(os.system, f"touch {trace}"),
        Calls(eval, f"open({str(trace)!r}, 'w')"),
        Calls(getattr, np.arange(3), "tofile"),
        Calls(np.save, str(trace), np.arange(3)),
        Calls(np.fromfile, str(path)),
        Calls(Path, str(trace)),
    ):
        path.write_bytes(pickle.dumps(wrap(call), protocol))
        with pytest.raises(PickleError, match=r"a\.pickle: refused as embeddings: it asks for .*; do this"):
            load(path)
        assert not trace.exists()


class State:
    """Pickles as an array with this state."""

    def __init__(self, *state: Any) -> None:
        self.state = state

    def __reduce__(self) -> Any:
        return (*np.zeros(0).__reduce__()[:2], self.state)


@pytest.mark.parametrize(
    ("shape", "dtype", "data"),
    [
        ((10_000,), "O", []),
        ((2,), "O", ["a"]),
        ((0,), "O", ["a"]),
        ((1,), "O", b"12345678"),
        ((-1, -1), "O", ["a"]),
        ((np.int64(2**32), np.int64(2**32)), "O", []),
        ((10_000,), "f4", b""),
        ((1,), "f4", b"12345"),
        ((1,), "f4", [1, 2, 3, 4]),
    ],
)
def test_an_arrays_content_is_of_its_size(tmp_path: Path, shape: Any, dtype: str, data: Any) -> None:
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(State(1, shape, np.dtype(dtype), False, data)))
    with pytest.raises(PickleError, match=r"refused as embeddings: the size of an array's content .*; do this"):
        load(tmp_path / "a.pickle")


HUGE = b"r\0\0\0\x20"


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\2N" + HUGE + b".",
        b"Np536870912\n.",
        b"Np5368_70912\n.",
        b"Np536870912\0\n.",
        b"cnumpy\nndarray\n" + HUGE + b".",
        b"U\1rX\1\0\0\0.0\x8d\1\0\0\0\0\0\0\0.0" + HUGE + b".",
        b"\x80\4\x95\2\0\0\0\0\0\0\0NM\1\1" + HUGE + b".",  # the frame's last opcode has its number beyond it
        b"\x80\4\x95\1\0\0\0\0\0\0\0U\4" + HUGE + b".",
        b"\x80\4\x95\x0b\0\0\0\0\0\0\0NN\x95\6\0\0\0\0\0\0\0" + HUGE + b".",  # right up to its end
    ],
)
def test_a_small_file_gets_no_large_memo(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pickle").write_bytes(data)
    with pytest.raises(PickleError, match=r"refused as embeddings: .*(memory|frames).*; do this"):
        load(tmp_path / "a.pickle")


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_many_things_come_back(tmp_path: Path, protocol: int) -> None:
    values = [[str(k), 2 * k, (k,), str(k).encode() * 50, 0.5 * k] for k in range(5000)] + [bytes(1 << 20), 1 << 9000]
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(values, protocol))
    assert load(tmp_path / "a.pickle") == values


def test_names_with_dots_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.pickle").write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.")
    with pytest.raises(PickleError, match=r"it asks for numpy\.ndarray\.tofile"):
        load(tmp_path / "a.pickle")


def test_allowed_names_are_exact_and_can_be_stood_in_for(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(pickle.dumps(Path))
    name = (Path.__module__, Path.__qualname__)
    assert pickles.load(path, "a path", "do this", {name: None}) is Path
    assert pickles.load(path, "a path", "do this", {name: Calls}) is Calls


WHOLE = pickle.dumps(VALUES)


@pytest.mark.parametrize(
    "data", [b"", b"names,embeddings\n", b"\x80\x04", WHOLE[:-1], WHOLE[: len(WHOLE) // 2], b"\xff"]
)
def test_what_is_no_pickle(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.pickle").write_bytes(data)
    with pytest.raises(PickleError, match=r"a\.pickle: not embeddings \(\w+\); do this"):
        load(tmp_path / "a.pickle")


@pytest.mark.parametrize(("name", "why"), [("none", "no such file"), ("", "a folder")])
def test_what_is_no_file(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(PickleError, match=f"{why}; do this"):
        load(tmp_path / name)


def test_a_class_is_named_without_its_being_imported(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    state = {"names": np.array(["Ada", "Zoë"]), "more": {"a": 1}}
    pickles.dump_as(path, "a.module", "OfSomebody", state)  # there is no such module
    with pytest.raises(PickleError, match=r"it asks for a\.module\.OfSomebody"):
        load(path)
    stand_in = pickles.load(path, "it", "do this", {**pickles.ARRAYS, ("a.module", "OfSomebody"): StandIn})
    assert stand_in.names.tolist() == ["Ada", "Zoë"]
    assert stand_in.more == {"a": 1}
    pickles.dump_as(path, StandIn.__module__, "StandIn", state)
    assert pickle.loads(path.read_bytes()).more == {"a": 1}


class StandIn:
    """Takes whatever state a file has for it."""

    names: Any
    more: Any


@pytest.mark.parametrize("data", [b"trunc", b"\x80\x04Nr\x01", b"\x80\x04\x95\xff\xff"])
def test_what_is_cut_off_is_called_no_pickle(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "cut.pickle"
    path.write_bytes(data)
    with pytest.raises(PickleError, match="not letters"):
        pickles.load(path, "letters", "write it again")
