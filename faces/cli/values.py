"""Types of option values: shares, rates, sizes, counts. Each raises ArgumentTypeError for another text."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faces.attributes import predictor
from faces.cli.text import warn
from faces.embedding import embedders

MAX_FRAME_SIDE = 16384  # px


def share(text: str) -> float:
    """Parse a number between 0 and 1, both excluded."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def detector(name: str) -> str | None:
    """Return the detector's name; None for a folder without a model, as in a new clone, as if nothing were named."""
    folder = Path(name)
    if folder.is_dir() and all(file.suffix == ".md" or file.name.startswith(".") for file in folder.iterdir()):
        warn(f"{name}: no detector in it yet, so none is named (the SSD: faces download-models openface)")
        return None
    return name


def accuracy(level: str) -> str:
    """Parse an accuracy; ``fast``, which older commands name, is the default and said so."""
    if level not in embedders.ACCURACIES:
        raise argparse.ArgumentTypeError(f"no accuracy {level!r}; there are {', '.join(embedders.ACCURACIES)}")
    if level == embedders.FAST:
        print("--accuracy fast is the same as default: there is no faster embedder yet", file=sys.stderr)
        return embedders.DEFAULT
    return level


def positive(text: str) -> float:
    """Parse a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def rate(text: str) -> float:
    """Parse a frame rate that a video can be written with, frames per second."""
    value = positive(text)
    if not 0.001 <= value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 0.001 to 1000 frames a second")
    return value


def not_negative(text: str) -> float:
    """Parse a number of 0 or above."""
    return 0.0 if text == "0" else positive(text)


def size(text: str) -> tuple[int, int]:
    """Parse a size such as 640x360: width and height, px."""
    width, x, height = text.lower().partition("x")
    if not x:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 640x360")
    wh = count(width), count(height)
    if max(wh) > MAX_FRAME_SIDE:
        raise argparse.ArgumentTypeError(f"{text!r} is more than {MAX_FRAME_SIDE} px")
    return wh


def count(text: str) -> int:
    """Parse a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def file_or_none(text: str) -> Path | None:
    """Parse a path; ``none`` is None."""
    return None if text == "none" else Path(text)


def attribute_names(text: str) -> tuple[str, ...]:
    """Parse a list such as gender,age."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in predictor.NAMES]:
        raise argparse.ArgumentTypeError(
            f"no attribute {unknown[0]!r}; the attributes are {', '.join(predictor.NAMES)}"
        )
    if not names:
        raise argparse.ArgumentTypeError(f"names no attribute; the attributes are {', '.join(predictor.NAMES)}")
    return names


def port(text: str) -> int:
    """Parse a port, 0 to 65535."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)
