"""Frames from a camera, a video file, a stream, a folder, or stdin."""

from __future__ import annotations

import os
import stat
import sys
from io import FileIO
from pathlib import Path

from faces.errors import SourceError
from faces.files.redaction import without_password
from faces.video.sources.base import Source, Tell
from faces.video.sources.camera import Camera, CameraSource, cameras, find_camera
from faces.video.sources.folder import FrameFolder
from faces.video.sources.media import Media, Recording
from faces.video.sources.pipe import Pipe, RawStream
from faces.video.sources.stream import Stream, open_address

__all__ = ["Camera", "Source", "cameras", "open_source"]


def open_source(
    name: str,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    reconnect: float = 600.0,
    tell: Tell = lambda line: None,
) -> Source:
    """The source that a user means by ``name``.

    A camera's number, its device or (part of) its name, a video file, an address (``rtsp://``, ``http://``...), a
    folder of frames, or ``-`` for stdin: bare frames of ``size`` (bgr24), without a size anything that FFmpeg knows.

    size: width and height, px; of a raw stream, or asked of a camera. rate: frames a second; of a raw stream or
    folder, or asked of a camera. reconnect: s without a picture after which a stream that dropped is given up.
    tell: gets a line about what was left out, and of streams that drop.
    Raises SourceError when it cannot be opened.
    """
    if not name:
        raise SourceError("the source has no name: give a camera's number, a file, an address, a folder, or -")
    if "://" in name:
        _refuse(name, size, rate)
        media = open_address(name)
        return Recording(name, media, tell) if media.finite else Stream(name, media, reconnect, tell)
    mode = _mode(name)
    if name == "-" or stat.S_ISFIFO(mode):
        return _piped(name, size, rate, tell)
    if stat.S_ISDIR(mode):
        _refuse(name, size, None)
        return FrameFolder(name, rate, tell)
    if stat.S_ISREG(mode):
        _refuse(name, size, rate)
        return Recording(name, Media(f"file:{name}", name, {}), tell)
    if camera := find_camera(name):
        return CameraSource(name, camera, size, rate)
    there = ", ".join(map(str, cameras())) or "none"
    raise SourceError(f"{name}: no such video or folder, and no camera of that name; cameras here: {there}")


def _mode(name: str) -> int:
    """What kind of file it is, for ``stat``; 0 where there is none."""
    try:
        return Path(name).stat().st_mode
    except (OSError, ValueError):
        return 0


def _piped(name: str, size: tuple[int, int] | None, rate: float | None, tell: Tell) -> Source:
    if name != "-":
        pipe = Pipe(FileIO(name))
    elif sys.stdin is None or sys.stdin.isatty():
        raise SourceError("stdin is a terminal: pipe a video into it, as in: ffmpeg ... -f mpegts - | ...")
    elif size is None and rate is None and stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return Recording(name, Media("fd:", "stdin", {"fd": str(sys.stdin.fileno())}), tell)
    else:
        pipe = Pipe(FileIO(sys.stdin.fileno(), closefd=False))
    if size is not None:
        return RawStream(name, pipe, size, rate, tell)
    _refuse(name, None, rate)
    try:
        media = Media(pipe, "stdin" if name == "-" else name, {})
    finally:
        if pipe.interrupted:
            raise KeyboardInterrupt
    return Recording(name, media, tell, pipe)


def _refuse(name: str, size: tuple[int, int] | None, rate: float | None) -> None:
    """Raise SourceError for a size or rate that would be ignored."""
    if size is not None or rate is not None:
        what = "size" if size is not None else "rate"
        raise SourceError(f"{without_password(name)}: it has a {what} of its own; leave --{what} out")
