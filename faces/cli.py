"""What the scripts share: options, errors as one line, tables."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from faces import attributes, detectors, embedders, experiments, runs
from faces.errors import FacesError, UsageError
from faces.runs import Recorder
from faces.versions import Versions

INTERRUPTED = 130
LARGEST_FRAME = 16384  # px, of each side


def _quiet_interrupt(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _quiet_interrupt  # for Ctrl-C while a script still imports; then ``run`` is there


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults where there are some, and keeps the example's lines."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        nothing = action.default is None or action.default is False or action.default == ()
        return action.help if nothing else super()._get_help_string(action)


def parser(description: str, example: str) -> argparse.ArgumentParser:
    """A parser in the scripts' style."""
    return argparse.ArgumentParser(
        description=description, epilog=f"example:\n  {example}", formatter_class=HelpFormatter
    )


def own_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, object]:
    """Of all options that were given, those of one step and their values."""
    return {name: getattr(args, name) for name in vars(parser.parse_args([]))}


def add_embeddings_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-e", "--embeddings", type=Path, default=Path("output/embeddings.pickle"), help="file of facial embeddings"
    )


def add_recognizer_options(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-r", "--recognizer", type=Path, default=Path("output/recognizer.pickle"), help="file of the recognizer"
    )
    parser.add_argument("-l", "--le", type=Path, default=Path("output/le.pickle"), help="file of the label encoder")


def add_model_options(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "-d", "--detector", type=detector, default=detectors.BUILT_IN,
        help="face detector: built-in, a folder with OpenCV's SSD or YuNet in it, or a YuNet .onnx file",
    )  # fmt: skip
    parser.add_argument(
        "-m", "--embedding-model", default="built-in",
        help="embedder: built-in, OpenFace's .t7 file, or an .onnx file (SFace, ArcFace)",
    )  # fmt: skip
    parser.add_argument(
        "--accuracy", choices=embedders.ACCURACIES, default=embedders.FAST,
        help="how the built-in embedder sees a face: fast in two views, best in six, in three times the time (too"
        " much for many faces live), which pays where many people are enrolled; embeddings of the two cannot be"
        " compared, so tell all scripts the same",
    )  # fmt: skip
    parser.add_argument(
        "-c", "--confidence", type=share, default=0.5, help="least score of a detected face, between 0 and 1"
    )


def detector(name: str) -> str:
    """A detector's name. A folder that waits for one, as the recipe's does in a new clone, stands for the built-in."""
    folder = Path(name)
    if folder.is_dir() and all(file.suffix == ".md" or file.name.startswith(".") for file in folder.iterdir()):
        warn(
            f"{name}: no detector in it yet, so the built-in one is used (the SSD: python download_models.py openface)"
        )
        return detectors.BUILT_IN
    return name


def add_attributes_option(parser: argparse._ActionsContainer) -> None:
    default = ",".join(attributes.DEFAULT)
    parser.add_argument(
        "--attributes", type=attribute_names, nargs="?", const=attributes.DEFAULT, metavar="LIST",
        help=f"what faces look like, some of {','.join(attributes.NAMES)}; without a list {default}"
        " (estimates, which are wrong for some groups of people more often than for others: docs/attributes.md)",
    )  # fmt: skip


def add_track_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--track", metavar="URI",
        help="MLflow server that is sent the run, its figures and what it made (docs/tracking.md); without the option"
        f" that of {experiments.VARIABLE}, if MLflow is installed",
    )  # fmt: skip


def attribute_names(text: str) -> tuple[str, ...]:
    """An option's value such as gender,age."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in attributes.NAMES]:
        raise argparse.ArgumentTypeError(f"no attribute {unknown[0]!r}; there are {', '.join(attributes.NAMES)}")
    if not names:
        raise argparse.ArgumentTypeError(f"names no attribute; there are {', '.join(attributes.NAMES)}")
    return names


def share(text: str) -> float:
    """An option's value in (0, 1)."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def positive(text: str) -> float:
    """An option's value above 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def rate(text: str) -> float:
    """An option's value of frames a second, as few and as many as a video can be written of."""
    value = positive(text)
    if not 0.001 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 0.001 to 1000 frames a second")
    return value


def not_negative(text: str) -> float:
    """An option's value of 0 or above."""
    return 0.0 if text == "0" else positive(text)


def size(text: str) -> tuple[int, int]:
    """An option's value such as 640x360: width and height, px."""
    width, x, height = text.lower().partition("x")
    if not x:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 640x360")
    wh = count(width), count(height)
    if max(wh) > LARGEST_FRAME:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {LARGEST_FRAME} px")
    return wh


def count(text: str) -> int:
    """An option's value of 1, 2, 3, ..."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def require_distinct(*paths: Path) -> None:
    """Raise UsageError when two of a script's files are the same one, which would lose the other."""
    seen: set[Path] = set()
    for path in (path.resolve() for path in paths):
        if path in seen:
            raise UsageError(f"{path} is named twice: each file needs a name of its own")
        seen.add(path)


def plural(number: int, one: str, many: str) -> str:
    """``1 person`` or ``3 people``."""
    return f"{number} {one if number == 1 else many}"


def run(main: Callable[[], int]) -> None:
    """Run a script: its exit status becomes the program's, and what goes wrong is one line on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal has no letters for stops nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", module="PIL")  # of damaged EXIF, in pictures that are sound
    try:
        status = main()
        sys.stdout.flush()
    except FacesError as error:
        complain(str(error))
        status = error.status
    except KeyboardInterrupt as stop:  # a script that has changed something says so
        print(str(stop) or "stopped; what was there before is unchanged", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        _drop_output()
        status = 0
    except OSError as error:  # what nothing above knows more of: a full disk behind stdout, a name that is too long
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{(error.strerror or str(error)).lower()}")
        _drop_output()
        status = FacesError.status
    sys.exit(status)


def _drop_output() -> None:
    """Let Python's own last flush of stdout, on the way out, find a place that takes everything."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def recording(path: Path, kind: str, options: Mapping[str, Any]) -> Iterator[Recorder]:
    """``runs.recording`` beside the file that is made; then the MLflow server of ``--track``, if any, is told.

    One that fails is a warning.
    """
    uri, folder, run = experiments.address(options["track"]), runs.beside(path), None
    try:
        with runs.recording(folder, kind, options) as run:
            yield run
    finally:
        if uri and run and run.ended:
            with _not_tracked_is_said():
                experiments.publish(run.ended, uri, folder)


@contextmanager
def following_stages(versions: Versions, args: argparse.Namespace) -> Iterator[None]:
    """Afterwards the MLflow server of ``--track``, if any, is told which versions are in service, candidates, ..."""
    uri = experiments.address(args.track)
    try:
        yield
    finally:
        if uri:
            with _not_tracked_is_said():
                experiments.follow(versions.all(), uri, runs.beside(versions.recognizer))


@contextmanager
def _not_tracked_is_said() -> Iterator[None]:
    try:
        yield
    except FacesError as error:
        _warn_once(f"not tracked: {error}")


@cache
def _warn_once(text: str) -> None:
    warn(text)


def warn(text: str) -> None:
    """A line on stderr that stops nothing."""
    print(f"warning: {text}", file=sys.stderr)


def complain(text: str) -> None:
    """A line on stderr of what failed, while the rest goes on."""
    print(f"error: {text}", file=sys.stderr)


def every(step: int, total: int, what: str, tell: Callable[[str], None]) -> Callable[[int], None]:
    """Hears how many are done of ``total``, and tells it at every ``step``-th and at the last."""
    before = 0

    def heard(done: int) -> None:
        nonlocal before
        if done // step > before // step or done == total:
            tell(f"{done:,} of {total:,} {what}")
        before = done

    return heard


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as they need; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [headings, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(headings))]
    lines = []
    for row in cells:
        columns = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns))
    return "\n".join(line.rstrip() for line in lines)
