"""The user's cache of models: unpacked from packages, and converted on first use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from faces.errors import CacheError
from faces.files.digest import digest
from faces.models.spec import ModelFile


def home() -> Path:
    """Return the folder for cached models: ``$FACES_HOME``, else ``faces`` in the user's cache folder.

    The folder may not exist yet.
    """
    if chosen := os.environ.get("FACES_HOME"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("faces", appauthor=False, opinion=False)


def cached(name: str, convert: Callable[[Path], object]) -> Path:
    """A converted model in the user's cache, made on first use: ``convert`` writes it to the path it is given.

    A file whose SHA-256 is not the one that was noted when it was made is made again. Raises CacheError when the cache
    cannot be written.
    """
    path = home() / name
    note = path.with_suffix(".sha256")
    if path.is_file() and note.is_file() and note.read_bytes() == digest(path).encode():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent) as folder:  # two first runs at once must not meet in one file
            made = Path(folder) / name
            convert(made)
            made.with_suffix(".sha256").write_text(digest(made))
            made.replace(path)
            made.with_suffix(".sha256").replace(note)
    except OSError as error:
        raise CacheError(
            f"cannot keep the converted model at {path} ({error.strerror}); set FACES_HOME to a folder you can write to"
        ) from error
    return path


def matches(path: Path, file: ModelFile) -> bool:
    """Whether the file at ``path`` is the one that the table means; any is where the table names no digest."""
    return file.digest is None or digest(path, file.digest.partition(":")[0]) == file.digest
