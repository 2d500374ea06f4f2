"""Fetching the files of the model table that do not come with the installation: HTTP is here and nowhere else."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.error import URLError
from urllib.request import Request, urlopen

from faces.errors import ModelError
from faces.models import cache
from faces.models.spec import ModelFile

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far, and the bytes there will be, or None where nobody said."""

TIMEOUT = 30.0  # s without a byte
BLOCK = 1 << 16
LONGEST_TEXT = 1 << 20  # bytes; OpenCV's deploy.prototxt has 28 thousand
LARGEST_PAGE = 20 << 20  # bytes of a package index's answer
LARGEST_FILE = 300 << 20  # bytes of a file whose size is unknown; the largest package of models has 100 MB


def read(url: str, accept: str = "*/*") -> bytes:
    """Return what an address answers with; raise OSError when it cannot be read, or is too large."""
    page = io.BytesIO()
    try:
        with urlopen(Request(url, headers={"Accept": accept}), timeout=TIMEOUT) as answer:
            _copy(answer, page, LARGEST_PAGE)
        return page.getvalue()
    except HTTPException as error:
        raise OSError(f"the answer broke off ({type(error).__name__})") from error


def save(url: str, path: Path, largest: int = LARGEST_FILE) -> None:
    """Write what an address answers with into a file; raise OSError when it cannot be read or written, or is too large.

    largest: bytes.
    """
    try:
        with urlopen(url, timeout=TIMEOUT) as answer, path.open("wb") as file:
            _copy(answer, file, largest)
    except HTTPException as error:
        raise OSError(f"the answer broke off ({type(error).__name__})") from error


class _Answer(Protocol):
    headers: Message

    def read(self, size: int, /) -> bytes: ...


def fetch(file: ModelFile, root: Path, progress: Progress | None = None) -> Path:
    """Put a file of the table at its place under ``root``, and return that place.

    A file that is there and is right is not fetched again; one that is there and is another is never overwritten, since
    it may be the user's own. What arrives goes into a file beside the place, is checked and then renamed: either the
    whole right file is there in the end, or what was there before.

    Raises ModelError, with one line that says which file to fetch by hand, from where and to which path.
    """
    target = root / file.path
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        if target.exists():
            if not _is_right(target, file):
                raise ModelError(f"{target} is not {_expected(file)}; move it away to have {file.url} fetched")
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(file.url, timeout=TIMEOUT) as answer, part.open("wb") as out:
            _copy(answer, out, file.size or LARGEST_FILE, progress, file.size)
        if not _is_right(part, file):
            raise ModelError(f"what arrived as {target.name} is not {_expected(file)}; {_by_hand(file, target)}")
        part.replace(target)
    except (OSError, HTTPException) as error:
        # urllib wraps what the network said in an error of its own; a status such as 404 comes as it is.
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, OSError) else error
        raise ModelError(f"{target.name} could not be fetched ({cause}); {_by_hand(file, target)}") from error
    finally:
        if part.exists():
            part.unlink()
    return target


def _copy(
    answer: _Answer, out: BinaryIO, largest: int, progress: Progress | None = None, size: int | None = None
) -> None:
    """Copy an answer; OSError where it ends early, which http.client keeps to itself, or is larger than ``largest``."""
    stated = answer.headers.get("Content-Length", "")
    length = int(stated) if stated.isdecimal() else None
    received = 0
    while block := answer.read(BLOCK):
        received += len(block)
        if max(received, length or 0) > largest:
            raise OSError(f"more than the {largest} bytes that are expected at most")
        out.write(block)
        if progress:
            progress(received, length or size)
    if length is not None and received < length:
        raise OSError(f"broken off after {received} of {length} bytes")


def _is_right(path: Path, file: ModelFile) -> bool:
    """Whether a file is the one meant: by its checksum, or, where it has none, by being a Caffe network's text."""
    if file.digest is not None:
        return cache.matches(path, file)
    with path.open("rb") as opened:
        text = opened.read(LONGEST_TEXT + 1)
    # Several versions of deploy.prototxt are good. What comes in its place is a page of HTML.
    return (
        len(text) <= LONGEST_TEXT
        and b"\0" not in text
        and re.search(rb"^\s*input\s*:|^\s*type\s*:\s*\"Input\"", text, re.MULTILINE) is not None
        and re.search(rb"^\s*layers?\s*\{", text, re.MULTILINE) is not None
    )


def _expected(file: ModelFile) -> str:
    """Describe what the file should be."""
    return f"the file with {file.digest}" if file.digest else "the text of a Caffe network"


def _by_hand(file: ModelFile, target: Path) -> str:
    """Describe how to fetch the file by hand."""
    check = f" (its checksum is {file.digest})" if file.digest else ""
    return f"by hand: save {file.url} as {target}{check}"
