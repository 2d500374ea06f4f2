"""The standard streams: open, with escapes for what a terminal cannot show, and without its control characters."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TextIO

from faces.cli.text import escaped, tell

STANDARD = 3  # file descriptors of stdin, stdout and stderr


def prepare() -> None:
    """Make the standard streams fit for any text; do this before files are opened.

    A stream that was closed, as by ``>&-``, becomes the null device: otherwise the next file to be opened would take
    its place, and what libraries print would be written into it. Letters that a stream cannot encode are escaped, and
    so are control characters where the stream is a terminal.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < STANDARD:  # the lowest that is free
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    sys.stdout, sys.stderr = _fit(sys.stdout), _fit(sys.stderr)
    slow_steps = logging.getLogger("faces.models")
    slow_steps.handlers, slow_steps.propagate = [_Told()], False
    slow_steps.setLevel(logging.INFO)


def _fit(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 (for as long as the process lives)
    if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, _Terminal):
        if stream.isatty():
            return _Terminal(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True)
        stream.reconfigure(errors="backslashreplace")
    return stream


class _Told(logging.Handler):
    """Print what the package logs as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record."""
        tell(record.getMessage())


class _Terminal(io.TextIOWrapper):
    """A terminal that gets no control characters: names of files and people may contain them."""

    def write(self, text: str) -> int:
        """Write a text with escapes in place of control characters other than line breaks and tabs."""
        super().write(escaped(text, lines=True))
        return len(text)
