"""Files with faces, embeddings or names are for their owner alone, under any umask, until the owner shares them."""

from __future__ import annotations

import ast
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from faces.datasets import Folder
from faces.extraction.checkpoints import Checkpoint
from faces.extraction.workers import Task
from faces.files import locks
from faces.files.writing import check_writable, make_folder, private, write_bytes
from faces.versions.swap import InService
from faces.versions.versions import LE, RECOGNIZER, REPORT
from faces.video.sink import VideoSink
from tests.conftest import ROOT, RunScript

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

FILE, FOLDER = 0o600, 0o700
COMMANDS = {
    "sample": "sample --people 3 --photos 3",
    "extract": "extract_embeddings.py",
    "train": "train_model.py",
    "image": "recognize_image.py --image sample/group_1.jpg --output new/marked",
    "video": "recognize_video.py --source sample/video.mp4 --no-display --max-frames 40 --output films/film.mp4"
    " --events who/events.csv --boxes who/boxes.jsonl --attendance who/attendance.csv --save-unknown strangers/today",
    "retrain": "retrain.py",
    "evaluate": "evaluate identification --images dataset --enrol 2 --splits 1 --report reports/page.html"
    " --json reports/a.json",
}
MODELS = {
    "faces/models/cache.py",
    "faces/models/download.py",
    "faces/models/engine.py",
    "faces/models/opencv_zoo/conversion.py",
    "faces/models/originals.py",
    "faces/models/packages.py",
    "faces/models/pytorch/minifasnet.py",
    "faces/models/tflite/face_mesh.py",
}  # downloaded or converted: nobody's data
OTHERS = {
    "faces/files/writing.py",
    "setup_venv.py",
    "demo.py",  # a folder of drawn people
    "faces/cli/output.py",  # the null device
    "faces/training/exporting.py",  # in a temporary folder
}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The modes of all files and folders below a folder, by path; links have none of their own."""
    paths = (path for path in sorted(folder.rglob("*")) if not path.is_symlink())
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in paths}


def open_ones(folder: Path) -> dict[str, str]:
    """Those of ``modes`` that are not for their owner alone."""
    found = modes(folder).items()
    return {path: oct(mode) for path, mode in found if mode != (FOLDER if (folder / path).is_dir() else FILE)}


def run_all(folder: Path, mask: int, run_script: RunScript, without: str = "") -> None:
    for name, line in COMMANDS.items():
        if name != without:
            result = run_script(*line.split(), cwd=folder, umask=mask)
            assert result.returncode == 0, (line, result.stderr)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, run_script: RunScript) -> Path:
    """What all scripts make in an empty folder, without a umask: another one only takes rights away."""
    folder = tmp_path_factory.mktemp("made")
    run_all(folder, 0, run_script)
    return folder


@pytest.mark.slow
def test_everything_that_the_scripts_make(made: Path) -> None:
    assert open_ones(made) == {}
    there = modes(made)
    for path in (
        "output/embeddings.pickle",
        "output/skipped.csv",
        "output/duplicates.csv",
        "output/several_faces.csv",
        "output/runs/manifests",
        "output/versions/1/recognizer.pickle",
        "output/versions/1/version.json",
        "films/film.mp4",
        "who/events.csv",
        "who/boxes.jsonl",
        "who/attendance.csv",
        "new/marked/group_1_annotated.jpg",
        "strangers/today/unknown-001",
        "reports/page.html",
        "reports/a.json",
    ):
        assert path in there


@pytest.mark.slow
def test_what_somebody_shares_stays_shared(made: Path, tmp_path: Path, run_script: RunScript) -> None:
    folder = tmp_path / "shared"
    shutil.copytree(made, folder, symlinks=True)
    before = modes(folder)
    for path in before:
        (folder / path).chmod(0o750 if (folder / path).is_dir() else 0o640)
    next((folder / "dataset").rglob("*.jpg")).unlink()  # so that there is something to retrain
    run_all(folder, 0, run_script, without="sample")
    after = modes(folder)
    kept = before.keys() & after.keys()
    assert {after[path] for path in kept} == {0o640, 0o750}
    assert {"output/embeddings.pickle", "films/film.mp4", "who/events.csv", "who/attendance.csv"} <= kept
    new = {path: mode for path, mode in after.items() if path not in before}
    handed_on = {path: mode for path, mode in new.items() if Path(path).name in (RECOGNIZER, LE, REPORT)}
    assert handed_on and set(handed_on.values()) == {0o640}  # a version is as open as the one before it
    assert {new[str(Path(path).parent)] for path in handed_on} == {0o750}
    for path in handed_on:
        del new[path]
        new.pop(str(Path(path).parent), None)
    assert new and set(new.values()) <= {FILE, FOLDER}


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
def test_new_files_and_folders(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        write_bytes(tmp_path / "a" / "b" / "file", b"new")
        check_writable(tmp_path / "c" / "d" / "file")
        make_folder(tmp_path / "e" / "f")
        make_folder(tmp_path / "e" / "f")
    assert open_ones(tmp_path) == {} and len(modes(tmp_path)) == 7


def test_files_and_folders_of_other_libraries(tmp_path: Path) -> None:
    with umask(0):
        with private():
            (tmp_path / "folder").mkdir()
            (tmp_path / "folder" / "file").touch()
        (tmp_path / "file").touch()
    assert open_ones(tmp_path) == {"file": "0o666"}


@pytest.mark.slow
def test_the_scratch_space_of_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    from faces.extraction.dask import Cluster

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with umask(0), closing(Cluster(Task(Folder(tmp_path), ("built-in", "built-in", None, "default")), 1, "local")):
        assert modes(tmp_path) and open_ones(tmp_path) == {}


def test_old_files_and_folders(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "file"
    for mode in (0o644, 0o400, 0o604):
        write_bytes(path, b"new")
        path.chmod(mode)
        write_bytes(path, b"newer")
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"newer", mode)
    make_folder(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may give files to any group")
def test_the_group_stays_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, user: int, group: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    path = tmp_path / "file"
    write_bytes(path, b"new")
    path.chmod(0o640)
    os.chown(path, -1, 12345)
    write_bytes(path, b"newer")
    assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (12345, 0o640)
    monkeypatch.setattr(os, "chown", refuse)
    write_bytes(path, b"newest")  # as by a user who is not in the group: it must not be open to another one
    assert (path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (os.getegid(), 0o600)


def test_folders_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for path, error in (("file", FileExistsError), ("file/a/b", NotADirectoryError)):
        with pytest.raises(error):
            make_folder(tmp_path / path)
    with pytest.raises(FileExistsError):
        make_folder(tmp_path, exist_ok=False)
    monkeypatch.chdir(tmp_path)
    make_folder(Path("a/b"))
    make_folder(Path())
    assert (tmp_path / "a" / "b").is_dir()


def test_what_is_there_only_while_a_script_works(tmp_path: Path) -> None:
    with umask(0), locks.only_one(tmp_path / "a.pickle"), VideoSink(tmp_path / "film.mkv", 25) as sink:
        checkpoint = Checkpoint(tmp_path / "checkpoint", "these models")
        checkpoint._database.execute("BEGIN IMMEDIATE")
        checkpoint._database.execute("INSERT INTO made_with VALUES ('more')")  # with a journal beside it
        sink.write(np.zeros((48, 64, 3), np.uint8), 0)
        while len(modes(tmp_path)) < 5:  # the encoder is a thread
            pass
        assert open_ones(tmp_path) == {}
        assert {path.suffix for path in tmp_path.iterdir()} >= {".lock", ".holder", ".mkv"}
        assert any(path.name == "checkpoint-journal" for path in tmp_path.iterdir())


def test_a_lock_stays_shared(tmp_path: Path) -> None:
    for _ in range(2):
        with locks.only_one(tmp_path / "a"):
            (tmp_path / ".a.lock").chmod(0o660)
    assert stat.S_IMODE((tmp_path / ".a.lock").stat().st_mode) == 0o660


def test_a_version_that_cannot_be_opened_goes_into_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that another user made, in a folder that both may write into."""
    for number in (1, 2):
        for name in (RECOGNIZER, LE):
            write_bytes(tmp_path / "versions" / str(number) / name, b"%d" % number)
    service = InService(tmp_path / "versions", tmp_path / RECOGNIZER, tmp_path / LE)
    service.swap(1)
    (tmp_path / RECOGNIZER).chmod(0o640)

    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "chmod", refuse)
        service.swap(2)
    assert (tmp_path / RECOGNIZER).read_bytes() == b"2"


def unguarded(path: Path) -> Iterator[str]:
    """The calls in a program that make a file or a folder with whatever mode the umask leaves."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function, texts = node.func, [word.value for word in node.args[:2] if isinstance(word, ast.Constant)]
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if ast.unparse(function) == "av.open":  # it writes into a file that is open
            continue
        makes = isinstance(function, ast.Attribute) and name in ("mkdir", "makedirs", "write_text", "write_bytes")
        writes = name == "open" and any(isinstance(text, str) and text[:1] in tuple("wax") for text in texts)
        if makes or (writes and all(word.arg != "opener" for word in node.keywords)):
            yield f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {name}"


def test_no_module_makes_files_in_another_way() -> None:
    paths = [*ROOT.glob("*.py"), *(ROOT / "faces").rglob("*.py")]
    calls = [call for path in paths for call in unguarded(path)]
    assert [call for call in calls if call.partition(":")[0] not in MODELS | OTHERS] == []
