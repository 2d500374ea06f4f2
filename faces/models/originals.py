"""Model files with an address of their own that are kept in the user's cache: downloaded, or taken from a folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from faces.errors import CacheError, ModelError, reason_of
from faces.models.cache import matches
from faces.models.download import Progress, fetch
from faces.models.packages import place
from faces.models.spec import ModelFile


def fetch_original(file: ModelFile, progress: Progress | None = None) -> Path:
    """Download a file into the cache, unless it is there with the right hash, and return its path.

    Raises ModelError as ``download.fetch`` does, and CacheError when the cache cannot be written.
    """
    path = place(file)
    try:
        if path.is_file() and not matches(path, file):
            path.unlink()  # nothing in the cache is the user's own
    except OSError as error:
        raise _unwritable(path, error) from error
    return fetch(replace(file, path=path.name), path.parent, progress)


def take_originals(files: Sequence[ModelFile], given: Path) -> list[Path]:
    """Copy files that were fetched elsewhere into the cache, and return their paths.

    files: of the model table.
    given: a folder that has all of them under their own names, or one of them under any name.
    Raises ModelError for a file that is missing or has the wrong hash, before anything is copied, and CacheError when
    the cache cannot be written.
    """
    if given.is_dir():
        sources = {given / Path(file.path).name: file for file in files}
        for source, file in sources.items():
            if not source.is_file():
                raise ModelError(f"{source}: no such file; fetch it from {file.url}")
            if not matches(source, file):
                raise ModelError(f"{source} has the wrong hash; fetch it from {file.url}")
    else:
        right = [file for file in files if given.is_file() and matches(given, file)]
        sources = dict(zip([given], right, strict=False))
        if not right:
            names = " or ".join(Path(file.path).name for file in files)
            raise ModelError(f"{given} is not {names}: no such file, or the wrong hash")
    return [_copied(source, place(file)) for source, file in sources.items()]


def _copied(source: Path, path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".copy-") as folder:
            shutil.copyfile(source, Path(folder) / path.name)
            (Path(folder) / path.name).replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path: Path, error: OSError) -> CacheError:
    remedy = "set FACES_HOME to a folder you can write to"
    return CacheError(f"cannot keep models in {path.parent} ({reason_of(error)}); {remedy}")
