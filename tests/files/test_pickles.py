"""Pickles: what they may hold comes back, and everything else is refused before it is run."""

from __future__ import annotations

import os
import pickle
import re
from contextlib import suppress
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


HUGE = b"r\0\0\0\x20"  # an index of the memo
SIZE = b"\0\0\0\0\0\0\0\x20"


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\2N" + HUGE + b".",
        b"Np536870912\n.",
        b"\x80\4\x95\2\0\0\0\0\0\0\0NM\1\1" + HUGE + b".",
        b"\x80\5\x96" + SIZE + b"a.",  # a bytearray
        b"\x80\5\x8e" + SIZE + b"a.",  # bytes
        b"\x80\5\x8d" + SIZE + b"a.",  # a text
        b"\x80\2\x8b\xff\xff\xff\x7fa.",  # a number
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
def test_a_small_file_gets_no_large_memory(tmp_path: Path, data: bytes) -> None:
    import resource

    (tmp_path / "a.pickle").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with suppress(PickleError):
        load(tmp_path / "a.pickle")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


TUPLES = b"Nq\0" + b"".join(b"h%ch%c\x86q%c" % (k, k, k + 1) for k in range(60))  # of two, of two, and so on
LISTS = b"Nq\0" + b"".join(b"](h%ch%ceq%c" % (k, k, k + 1) for k in range(60))
ENCODE = b"c_codecs\nencode\n"


def text(content: str) -> bytes:
    data = content.encode()
    return b"X" + len(data).to_bytes(4, "little") + data


@pytest.mark.parametrize(
    "data",
    {
        "a key of tuples": b"}" + TUPLES + b"Ns.",
        "keys of tuples": b"}(" + TUPLES + b"Nu.",
        "a dictionary of tuples": b"(" + TUPLES + b"Nd.",
        "a set": b"\x80\4\x8f(" + TUPLES + b"\x90.",
        "a frozen set": b"\x80\4(" + TUPLES + b"\x91.",
        "a number as a key": b"}K\1Ns.",
        "items of a list": b"](NNu.",
        "tuples": TUPLES + b".",
        "lists": LISTS + b".",
        "names": b"}" + text("names") + b"]" + LISTS + b"as.",
        "deep": b"]" * 100_000 + b"a" * 99_999 + b".",
        "a state": b"cnumpy\ndtype\n" + text("f4") + b"\x85R" + TUPLES + b"b.",
        "arguments": b"cnumpy\ndtype\n" + TUPLES + b"R.",
        "hexadecimal": ENCODE + text("a" * 1000) + text("hex") + b"\x86R.",
        "punycode": ENCODE + text("ü" * 1000) + text("punycode") + b"\x86R.",
        "idna": ENCODE + text("ü" * 1000) + text("idna") + b"\x86R.",
        "bytes as text": ENCODE + b"C\1a" + text("latin1") + b"\x86R.",
        "a changed class": b"cnumpy\ndtype\nN}" + text("__init__") + b"Ns\x86b.",
        "a changed function": ENCODE + b"}" + text("real") + b"Nsb.",
        "nothing a trillion times": pickle.dumps(State(1, (10**12,), np.dtype("S0"), False, b"")),
        "a trillion empty rows": pickle.dumps(State(1, (10**12, 0), np.dtype("f4"), False, b"")),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_file_that_would_take_for_ever_is_refused(tmp_path: Path, data: tuple[str, bytes]) -> None:
    """Each nests what is there twice sixty times, or lets a codec do the work."""
    (tmp_path / "a.pickle").write_bytes(data[1])
    with pytest.raises(PickleError, match=r"refused as embeddings: .*; do this"):
        load(tmp_path / "a.pickle")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.pickle").open("wb") as file:
        file.truncate(pickles.LARGEST + 1)
    with pytest.raises(PickleError, match="it has more than 8 GB; do this"):
        load(tmp_path / "a.pickle")


GADGETS = [
    "os.system",
    "os.popen",
    "os.execv",
    "os.spawnv",
    "os.remove",
    "os.rename",
    "os.kill",
    "posix.system",
    "nt.system",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.run",
    "subprocess.check_output",
    "_posixsubprocess.fork_exec",
    "pty.spawn",
    "builtins.eval",
    "builtins.exec",
    "builtins.compile",
    "builtins.open",
    "builtins.getattr",
    "builtins.setattr",
    "builtins.__import__",
    "builtins.input",
    "builtins.breakpoint",
    "builtins.map",
    "builtins.print",
    "builtins.dict",
    "builtins.set",
    "builtins.bytearray",
    "__builtin__.eval",
    "__builtin__.file",
    "io.open",
    "_io.FileIO",
    "io.open_code",
    "pathlib.Path",
    "pathlib.PosixPath",
    "importlib.import_module",
    "importlib.reload",
    "runpy.run_path",
    "runpy.run_module",
    "imp.load_source",
    "pkgutil.get_loader",
    "operator.attrgetter",
    "operator.methodcaller",
    "operator.itemgetter",
    "functools.partial",
    "functools.reduce",
    "types.FunctionType",
    "types.CodeType",
    "marshal.loads",
    "pickle.loads",
    "pickle.load",
    "_pickle.loads",
    "shelve.open",
    "dbm.open",
    "copyreg._reconstructor",
    "ctypes.CDLL",
    "ctypes.cast",
    "code.interact",
    "codeop.compile_command",
    "timeit.timeit",
    "cProfile.run",
    "pdb.run",
    "bdb.Bdb",
    "doctest.testmod",
    "socket.socket",
    "urllib.request.urlopen",
    "webbrowser.open",
    "shutil.rmtree",
    "tempfile.mkdtemp",
    "logging.config.dictConfig",
    "multiprocessing.Process",
    "asyncio.run",
    "threading.Thread",
    "signal.signal",
    "weakref.finalize",
    "_codecs.decode",
    "codecs.open",
    "numpy.load",
    "numpy.fromfile",
    "numpy.save",
    "numpy.memmap",
    "numpy.loadtxt",
    "numpy.core.multiarray.fromfile",
    "numpy.testing._private.utils.runstring",
    "numpy.f2py.crackfortran.myeval",
    "numpy.ndarray.tofile",
    "numpy.dtype.__init__",
    "joblib.load",
    "torch.load",
    "sklearn.utils._testing.ignore_warnings",
    "sklearn.base.clone",
    "cv2.imwrite",
    "faces.files.pickles.load",
    "faces.recognition.recognizers.FaceRecognizer.fit",
    "faces.files.writing.write_bytes",
]


@pytest.mark.parametrize("gadget", GADGETS)
def test_nothing_else_is_imported(tmp_path: Path, gadget: str) -> None:
    """By any opcode that names something, and called in any way that there is."""
    module, _, name = gadget.rpartition(".")
    trace, path = tmp_path / "trace", tmp_path / "a.pickle"
    by_line = f"c{module}\n{name}\n".encode()
    by_stack = b"\x80\4" + text(module) + text(name) + b"\x93"
    argument = text(f"touch {trace}")
    for named in (by_line, by_stack):
        for called in (b"\x85R.", b"\x85\x81.", b"\x85}\x92.", b"0.", b"b."):
            path.write_bytes(named + argument + called)
            with pytest.raises(PickleError, match=re.escape(f"it asks for {module}.{name}, which such a file never")):
                load(path)
    for called in (f"(i{module}\n{name}\n.".encode(), b"(" + by_line + argument + b"o.", b"\x82\1."):
        path.write_bytes(argument + called)
        with pytest.raises(PickleError, match="refused as embeddings"):
            load(path)
    assert list(tmp_path.iterdir()) == [path]


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
