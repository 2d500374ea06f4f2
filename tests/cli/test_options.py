"""What the commands share: tables, options, exit statuses."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from faces.cli import options, running, values
from faces.cli.text import plural, table, warn
from faces.errors import FacesError, ImageError, UsageError
from faces.files.writing import require_distinct
from tests.conftest import ROOT, patience

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


def test_table_aligns_words_left_and_numbers_right() -> None:
    text = table(["person", "faces", "share"], [("Zoë", 2, 0.5), ("Ada Lovelace", 10, 1.25)])
    assert text.splitlines() == [
        "person        faces  share",
        "Zoë               2    0.5",
        "Ada Lovelace     10   1.25",
    ]


def test_table_of_nothing_and_of_mixed_columns() -> None:
    assert table(["a", "bb"], []) == "a  bb"
    assert table(["a", "b"], [(1, "x"), ("none", "y")]).splitlines() == ["a     b", "1     x", "none  y"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (values.share, {"0.5": 0.5, "1e-6": 1e-6, ".99": 0.99}, ["0", "1", "-0.1", "1.5", "nan", "inf", "x", ""]),
        (values.positive, {"0.5": 0.5, "3": 3.0}, ["0", "-1", "nan", "inf", "x", ""]),
        (values.rate, {"0.001": 0.001, "0.5": 0.5, "1000": 1000.0}, ["0.0009", "1001", "0", "-1", "nan", "x"]),
        (values.count, {"1": 1, "250": 250}, ["0", "-1", "1.5", "x", "", "²"]),
    ],
)
def test_numbers(kind: Callable[[str], float], good: dict[str, float], bad: list[str]) -> None:
    for text, value in good.items():
        assert kind(text) == value
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="is not a"):
            kind(text)


def test_options_are_the_recipes_and_have_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    parser = options.parser("Does something.", "--confidence 0.7", prog="x.py")
    options.add_embeddings_option(parser)
    options.add_model_options(parser)
    options.add_recognizer_options(parser)
    args = vars(parser.parse_args([]))
    assert {name: str(value) for name, value in args.items()} == {
        "embeddings": "output/embeddings.pickle",
        "models": "None",
        "detector": "None",
        "embedding_model": "None",
        "accuracy": "None",
        "confidence": "None",
        "recognizer": "output/recognizer.pickle",
        "le": "output/le.pickle",
    }
    short = parser.parse_args(["-e", "a", "-d", "b", "-m", "c", "--accuracy=best", "-c", "0.7", "-r", "d", "-l", "e"])
    assert [str(value) for value in vars(short).values()] == ["a", "None", "b", "c", "best", "0.7", "d", "e"]
    text = parser.format_help()
    assert text.count("(default:") == 6
    assert text.startswith("usage: x.py [options]\n")
    assert "input and output:\n  -e, --embeddings FILE " in text
    assert text.endswith("example:\n  python x.py --confidence 0.7\n")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(["--confidence", "2"])
    assert caught.value.code == 2
    assert "'2' is not a number between 0 and 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "waits"), [([], True), (["README.md", ".gitkeep"], True), (["README.md", "net.weights"], False)]
)
def test_a_folder_without_a_detector_counts_as_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: list[str], waits: bool
) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert values.detector(str(tmp_path)) == (None if waits else str(tmp_path))
    warning = f"warning: {tmp_path}: no detector in it yet, so none is named (the SSD: faces download"
    assert capsys.readouterr().err.startswith(warning) is waits


@pytest.fixture(autouse=True)
def keep_handler() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def raising(error: BaseException) -> Callable[[], int]:
    def main() -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "status", "stderr"),
    [
        (lambda: 0, 0, ""),
        (lambda: 3, 3, ""),
        (raising(FacesError("no face; take another")), 1, "error: no face; take another\n"),
        (raising(ImageError("empty file")), 1, "error: empty file\n"),
        (raising(UsageError("no such folder")), 2, "error: no such folder\n"),
        (raising(KeyboardInterrupt()), 130, "stopped; what was there before is unchanged\n"),
    ],
)
def test_run(capsys: pytest.CaptureFixture[str], main: Callable[[], int], status: int, stderr: str) -> None:
    with pytest.raises(SystemExit) as caught:
        running.run(main)
    assert caught.value.code == status
    assert capsys.readouterr() == ("", stderr)


def test_run_lets_our_own_mistakes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        running.run(raising(ZeroDivisionError()))


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "from faces.cli import running; running.run(lambda: [print('x' * 80) for _ in range(10_000)] and 0)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


SLOW_IMPORT = """
import time
print("importing", flush=True)
try:
    time.sleep(1)
except KeyboardInterrupt:
    raise ImportError("half done") from None  # as packages written in C do
"""
CALLBACK = """
import signal, time, weakref
from faces.cli.running import run
class Thing: pass
def callback(_):
    signal.raise_signal(signal.SIGINT)
    time.sleep(0)
def main():
    thing = Thing()
    reference = weakref.ref(thing, callback)
    del thing
    time.sleep(20)
    return 0
run(main)
"""
BUSY = """
import threading, time
start = threading.Timer.start
def slow(timer):
    start(timer)
    time.sleep(0.3)
threading.Timer.start = slow
"""


def interrupted(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program, and send Ctrl-C when it has said something."""
    (folder / "program.py").write_text(code)
    line = [sys.executable, "program.py"]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        line, cwd=folder, env=path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        if process.stdout.readline():
            process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=patience(30))
    return subprocess.CompletedProcess(line, process.returncode, "", stderr)


@posix
@pytest.mark.parametrize(
    "program",
    [
        "from faces.cli.running import run\nimport slow\nrun(lambda: 0)",
        "from faces.cli.running import run\ndef main():\n    import slow\n    slow.time.sleep(20)\nrun(main)",
    ],
    ids=["before the command runs", "while it runs"],
)
def test_an_interrupt_during_an_import(program: str, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW_IMPORT)
    result = interrupted(program, tmp_path)
    assert (result.returncode, result.stderr) == (130, "stopped; what was there before is unchanged\n")


@pytest.mark.parametrize("program", ["faces.cli.running", "faces.commands"])
def test_nothing_slow_is_imported_before_interrupts_are_handled(program: str) -> None:
    """What is imported earlier ends with a traceback when it is interrupted."""
    code = f"""
import sys
class Watch:
    def find_spec(self, name, path, target=None):
        print(name)
sys.meta_path.insert(0, Watch())
import {program}
"""
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    before = names.split()[: names.split().index("faces.cli.interrupts")]
    assert {name for name in before if name.startswith("faces")} <= {"faces", "faces.commands", "faces.cli"}
    assert not {"typing", "pathlib", "re", "logging", "numpy"} & set(before)


@posix
@pytest.mark.parametrize("first", ["", BUSY], ids=["", "on a busy machine"])
def test_an_interrupt_in_a_callback_is_not_lost(tmp_path: Path, first: str) -> None:
    result = interrupted(first + CALLBACK, tmp_path)
    assert (result.returncode, result.stderr) == (130, "stopped; what was there before is unchanged\n")


def test_warn_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    warn("careful")
    assert capsys.readouterr() == ("", "warning: careful\n")


def test_each_file_needs_a_name_of_its_own(tmp_path: Path) -> None:
    require_distinct(tmp_path / "a", tmp_path / "b")
    with pytest.raises(UsageError, match="named twice"):
        require_distinct(tmp_path / "a", tmp_path / "folder" / ".." / "a")


@pytest.mark.parametrize(("number", "text"), [(0, "0 people"), (1, "1 person"), (2, "2 people")])
def test_plural(number: int, text: str) -> None:
    assert plural(number, "person", "people") == text


def parsed(*arguments: str) -> argparse.Namespace:
    parser = options.parser("Does something.", "faces x")
    options.add_model_options(parser)
    return parser.parse_args(arguments)


def test_models_are_named_together_or_apart() -> None:
    names = {"detector": None, "embedding_model": None, "accuracy": None}
    assert options.model_names(parsed()) == names
    dlib = {"detector": "dlib", "embedding_model": "dlib"}
    assert options.model_names(parsed("--models", "dlib", "--accuracy", "best")) == {**dlib, "accuracy": "best"}
    assert options.model_names(parsed("--models", "dlib", "-d", "yunet")) == {**names, **dlib, "detector": "yunet"}
    with pytest.raises(SystemExit):
        parsed("--models", "openface")


def test_fast_is_the_default_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed("--accuracy", "fast").accuracy == "default"
    assert capsys.readouterr().err == "--accuracy fast is the same as default: there is no faster embedder yet\n"
    assert parsed("--accuracy", "best").accuracy == "best"
    assert capsys.readouterr().err == ""
    with pytest.raises(SystemExit):
        parsed("--accuracy", "slow")
    assert "no accuracy 'slow'; there are default, best, fast" in capsys.readouterr().err


def test_a_dataclass_takes_the_options_of_its_names() -> None:
    @dataclass
    class Some:
        confidence: float
        detector: str | None

    parser = options.parser("Does something.", "faces x")
    options.add_model_options(parser)
    args = parser.parse_args(["--confidence", "0.7"])
    assert options.as_dataclass(Some, args) == Some(confidence=0.7, detector=None)
