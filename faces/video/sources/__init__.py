"""Read frames from a camera, a video file, a stream, a folder or stdin."""

from __future__ import annotations

import os
import stat
import sys
from io import FileIO
from pathlib import Path

from faces.errors import ImageError, SourceError
from faces.files.finding import SUFFIXES
from faces.files.redaction import without_password
from faces.images import read_image
from faces.video.sources.base import FrameSource, Tell
from faces.video.sources.camera import Camera, CameraSource, cameras, find_camera
from faces.video.sources.folder import FolderSource
from faces.video.sources.media import Media, RecordingSource
from faces.video.sources.pipe import Pipe, RawSource
from faces.video.sources.stream import StreamSource, open_address

__all__ = ["Camera", "FrameSource", "cameras", "open_source"]


def open_source(
    name: str,
    size: tuple[int, int] | None = None,
    rate: float | None = None,
    reconnect: float = 600.0,
    tell: Tell = lambda line: None,
) -> FrameSource:
    """Open the source that the user names.

    name: a camera's number, device or (part of its) name, a video file, an address (``rtsp://``, ``http://``...), a
        folder of frames, or ``-`` for stdin. With ``size``, stdin holds raw bgr24 frames; without it, any format that
        FFmpeg reads.
    size: width and height, px, of a raw stream, or requested from a camera.
    rate: frames per second, of a raw stream or a folder, or requested from a camera.
    reconnect: seconds without a picture after which a dropped stream is given up.
    tell: receives one line about frames that are left out, and when a stream drops or returns.
    Raises SourceError if the source cannot be opened.
    """
    if not name:
        raise SourceError("the source has no name: give a camera's number, a file, an address, a folder, or -")
    if "://" in name:
        _reject_options(name, size, rate)
        media = open_address(name)
        return RecordingSource(name, media, tell) if media.finite else StreamSource(name, media, reconnect, tell)
    mode = _file_mode(name)
    if name == "-" or stat.S_ISFIFO(mode):
        return _open_pipe(name, size, rate, tell)
    if stat.S_ISDIR(mode):
        _reject_options(name, size, None)
        return FolderSource(name, rate, tell)
    if stat.S_ISREG(mode):
        _reject_options(name, size, rate)
        if Path(name).suffix.lower() in SUFFIXES:
            _require_readable(Path(name))
        return RecordingSource(name, Media(f"file:{name}", name, {}), tell)
    if camera := find_camera(name):
        return CameraSource(name, camera, size, rate)
    available = ", ".join(map(str, cameras())) or "none"
    raise SourceError(f"{name}: no video, folder or camera has this name; available cameras: {available}")


def _require_readable(photograph: Path) -> None:
    """Raise SourceError for a damaged photograph: FFmpeg would show what it makes of the rest."""
    try:
        read_image(photograph)
    except ImageError as error:
        raise SourceError(f"{photograph}: {error}") from error


def _file_mode(name: str) -> int:
    """Return ``st_mode`` of a path; 0 if there is no such file."""
    try:
        return Path(name).stat().st_mode
    except (OSError, ValueError):
        return 0


def _open_pipe(name: str, size: tuple[int, int] | None, rate: float | None, tell: Tell) -> FrameSource:
    if name != "-":
        pipe = Pipe(FileIO(name))
    elif sys.stdin is None or sys.stdin.isatty():
        raise SourceError("stdin is a terminal: pipe a video into it, as in: ffmpeg ... -f mpegts - | ...")
    elif size is None and rate is None and stat.S_ISREG(os.fstat(sys.stdin.fileno()).st_mode):
        return RecordingSource(name, Media("fd:", "stdin", {"fd": str(sys.stdin.fileno())}), tell)
    else:
        pipe = Pipe(FileIO(sys.stdin.fileno(), closefd=False))
    if size is not None:
        return RawSource(name, pipe, size, rate, tell)
    _reject_options(name, None, rate)
    try:
        media = Media(pipe, "stdin" if name == "-" else name, {})
    finally:
        if pipe.interrupted:
            raise KeyboardInterrupt
    return RecordingSource(name, media, tell, pipe)


def _reject_options(name: str, size: tuple[int, int] | None, rate: float | None) -> None:
    """Raise SourceError for a size or rate that would have no effect."""
    if size is not None or rate is not None:
        option = "size" if size is not None else "rate"
        raise SourceError(f"{without_password(name)}: the source has its own {option}; remove --{option}")
