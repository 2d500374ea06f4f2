"""Extraction again and again, in processes of its own: only what is new is work, and nothing is ever lost."""

from __future__ import annotations

import csv
import os
import pickle
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from faces.commands import extract
from faces.datasets import Photograph
from faces.datasets import folder as data_folder
from faces.datasets.listing import ASIDE, NO_PERSON
from faces.errors import FacesError
from faces.extraction.results import TABLES, EmbeddingsUpdate, Extraction, write_tables
from faces.files.finding import NO_PHOTOGRAPH
from faces.images import read_image, write_image
from faces.recognition.duplicates import Duplicate
from faces.recognition.gallery import Gallery
from tests.conftest import PEOPLE, PHOTOS, RunScript, command, contents, environment, open_terminal, patience

pytestmark = pytest.mark.slow

SCRIPT = "extract_embeddings.py"
COUNT = PEOPLE * PHOTOS
EMBEDDINGS = Path("output", "embeddings.pickle")
CHECKPOINT = Path("output", ".embeddings.pickle.checkpoint")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, terminals and /proc of Linux")


@pytest.fixture
def people(project: Path) -> Path:
    """The data set, for a test to change, as it was when the embeddings were made."""
    shutil.copytree(project / "dataset", project / "people")
    return project / "people"


def news(printed: str) -> str:
    """The line that says what is different from last time."""
    return printed.splitlines()[-2]


# Again


def test_with_nothing_new_the_file_stays_as_it_is(project: Path, run_script: RunScript) -> None:
    before = Gallery.load(project / EMBEDDINGS)
    result = run_script(SCRIPT, cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert news(result.stdout) == f"{COUNT} photographs known, none new"
    after = Gallery.load(project / EMBEDDINGS)
    assert np.array_equal(after.embeddings, before.embeddings)
    assert (after.names, after.paths, after.hashes) == (before.names, before.paths, before.hashes)


def test_what_people_do_with_folders(project: Path, people: Path, run_script: RunScript) -> None:
    ada, bob, cyd, *_ = sorted(path for path in people.iterdir() if path.is_dir())
    before = Gallery.load(project / EMBEDDINGS)
    of = dict(zip(before.hashes, before.embeddings, strict=True))
    ada.rename(people / "Ada Lovelace")
    (bob / "2019").mkdir()
    moved, gone, *_ = sorted(bob.glob("*.jpg"))
    moved.rename(bob / "2019" / "summer.jpg")
    gone.unlink()
    shutil.copy(project / "sample" / "photo.jpg", cyd / "new.jpg")
    result = run_script(SCRIPT, "-i", "people", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    assert news(result.stdout) == (
        f"{COUNT - PHOTOS - 2} photographs known, 1 new, {PHOTOS + 1} moved or copied, 1 gone"
    )
    after = Gallery.load(project / EMBEDDINGS)
    assert sorted(after.paths) == sorted(path.relative_to(people).as_posix() for path in people.rglob("*.jpg"))
    assert all(path.startswith(f"{name}/") for path, name in zip(after.paths, after.names, strict=True))
    for path, sha256, embedding in zip(after.paths, after.hashes, after.embeddings, strict=True):
        assert path.endswith("new.jpg") or np.array_equal(embedding, of[sha256])


def test_the_recipes_folder_of_strangers_is_no_person(project: Path, people: Path, run_script: RunScript) -> None:
    (people / "Amina").rename(people / "unknown")
    result = run_script(SCRIPT, "-i", "people", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    line = "people/unknown: left out; strangers need no photographs, they are told by distance"
    assert result.stdout.splitlines().count(line) == 1
    assert news(result.stdout) == f"{COUNT - PHOTOS} photographs known, {PHOTOS} gone"
    names = Gallery.load(project / EMBEDDINGS).people
    assert len(names) == PEOPLE - 1 and not {"Amina", "unknown"} & {*names}


def test_another_confidence_starts_over_and_says_why(project: Path, run_script: RunScript) -> None:
    result = run_script(SCRIPT, "-c", 0.7, "--workers", 1, cwd=project)
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"warning: {EMBEDDINGS}: made with confidence 0.6, ")
    assert "but this run uses confidence 0.7, " in line and line.endswith(": every photograph is embedded again")
    assert "known" not in result.stdout
    assert Gallery.load(project / EMBEDDINGS).settings.startswith("confidence 0.7")


def test_the_recipes_file_is_kept_and_everything_embedded_anew(project: Path, run_script: RunScript) -> None:
    (project / EMBEDDINGS).write_bytes(pickle.dumps({"embeddings": [np.ones(128)], "names": ["Ada"]}))
    before = (project / EMBEDDINGS).read_bytes()
    result = run_script(SCRIPT, cwd=project)
    kept = f"{EMBEDDINGS}.kept-1"
    assert result.stderr == (
        f"warning: {EMBEDDINGS}: of another version: kept as {kept}, every photograph is embedded again\n"
    )
    assert result.stdout.splitlines()[-1] == f"{COUNT} embeddings of {PEOPLE} people -> {EMBEDDINGS}"
    assert (project / kept).read_bytes() == before


@pytest.mark.parametrize("workers", [1, 2])
def test_the_workers_make_no_difference(project: Path, run_script: RunScript, workers: int) -> None:
    result = run_script(SCRIPT, "--rebuild", "--workers", workers, "-e", "other/embeddings.pickle", cwd=project)
    assert result.returncode == 0, result.stderr
    ours, theirs = (Gallery.load(project / path) for path in (EMBEDDINGS, Path("other", EMBEDDINGS.name)))
    assert np.array_equal(ours.embeddings, theirs.embeddings)
    assert np.array_equal(np.asarray(ours.boxes), np.asarray(theirs.boxes))
    assert np.array_equal(np.asarray(ours.scores), np.asarray(theirs.scores))
    for part in ("names", "paths", "hashes", "sizes", "settings", "fingerprint", "left_out"):
        assert getattr(ours, part) == getattr(theirs, part)


# What is reported


@linux
def test_duplicates_and_odd_files_and_names(project: Path, run_script: RunScript) -> None:
    photo, odd = project / "sample" / "photo.jpg", Path(os.fsdecode(os.fsencode(project) + b"/odd"))
    zoe, bob = odd / os.fsdecode(b"Zo\xeb"), odd / "Bob"  # no Unicode
    for folder in (zoe, bob, odd / "Nobody yet"):
        folder.mkdir(parents=True)
    shutil.copy(photo, zoe / "1.jpg")
    shutil.copy(photo, bob / "1.jpg")
    image = cv2.imread(str(photo))
    assert image is not None
    cv2.imwrite(str(bob / "2.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 70])
    shutil.copy(bob / "2.jpg", bob / "3.jpg")
    (zoe / "link.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(bob / "pipe.jpg")
    result = run_script(SCRIPT, "-i", "odd", "-e", "new/embeddings.pickle", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    shown = [re.split(r" {2,}", line.strip()) for line in result.stdout.splitlines()]
    assert ["odd/Bob/pipe.jpg", "unreadable: not a file but a pipe or a device"] in shown
    assert ["Nobody yet", "0", "0"] in shown
    # The first and the second are the same for people, the third is the second, byte for byte.
    assert result.stdout.count("the same photograph, of Bob and of Zo") == 1
    assert "2 photographs are nearly the same as another of the same person, see new/duplicates.csv" in result.stdout
    assert (project / "new" / "duplicates.csv").read_bytes() == (
        b"\xef\xbb\xbfphotograph,other photograph,why\n"
        b'odd/Bob/1.jpg,odd/Zo\xeb/1.jpg,"the same photograph, of Bob and of Zo\xeb"\n'
        b"odd/Bob/1.jpg,odd/Bob/2.jpg,nearly the same photograph\n"
        b"odd/Bob/1.jpg,odd/Bob/3.jpg,nearly the same photograph\n"
    )
    assert b"odd/Zo\xeb/link.jpg,unreadable: no such file or directory\n" in (
        (project / "new" / "skipped.csv").read_bytes()
    )
    again = run_script(SCRIPT, "-i", "odd", "-e", "new/embeddings.pickle", cwd=project)
    assert news(again.stdout) == "4 photographs known, 2 not read"


def test_what_is_not_read_is_told(project: Path, people: Path, run_script: RunScript) -> None:
    """No file of a person is passed over in silence; by their content, photographs are read whatever their names."""
    names = sorted(path.name for path in people.iterdir() if path.is_dir())
    first, second = (people / name for name in names[:2])
    for name in ("scan", "1.jfif", "1.jpg_large"):
        shutil.copy(first / "01.jpg", first / name)
    write_image(second / "1.gif", read_image(second / "01.jpg"))
    (second / "notes.txt").write_text("taken in May")
    (second / "clip.mov").write_bytes(b"\0\0\0\x14ftypqt  ")
    shutil.copytree(first, people / "#recycle")
    shutil.copy(first / "01.jpg", people / "loose.jpg")
    result = run_script(SCRIPT, "-i", "people", "-e", "new/embeddings.pickle", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    with (project / "new" / "skipped.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["photograph"]: row["reason"] for row in csv.DictReader(file)}
    assert rows == {
        "people/#recycle": NO_PERSON,
        f"people/{second.name}/clip.mov": NO_PHOTOGRAPH,
        f"people/{second.name}/notes.txt": NO_PHOTOGRAPH,
        "people/loose.jpg": ASIDE,
    }
    others = f"people/{second.name}/clip.mov, people/{second.name}/notes.txt"
    assert f"2 files are not photographs that can be read: {others}; see new/skipped.csv\n" in result.stdout
    assert re.search(rf"^people/loose\.jpg +{ASIDE}$", result.stdout, re.MULTILINE)
    gallery = Gallery.load(project / "new" / "embeddings.pickle")
    assert (gallery.people, len(gallery)) == (names, COUNT + 4)


def made(people: int, changed: set[str] = frozenset()) -> Extraction:  # type: ignore[assignment]
    """An extraction of people with two photographs each, one of which has a face."""
    names = [f"Person {number:02}" for number in range(people)]
    photographs = [Photograph(f"{name}/{k}.jpg", name, 1, "") for name in names for k in range(2)]
    gallery = Gallery(np.eye(people, dtype=np.float32), tuple(names))
    return Extraction(gallery, names, photographs, [], [], new=0, known=0, moved=0, gone=0, changed=changed)


def test_of_many_people_those_with_changes_are_shown() -> None:
    few = extract.summary(made(40)).splitlines()
    assert len(few) == 42
    some = extract.summary(made(50, {"Person 07", "Somebody who is gone"})).splitlines()
    assert [re.split(" {2,}", line.strip()) for line in some] == [
        ["person", "photographs", "faces"],
        ["Person 07", "2", "1"],
        ["Somebody who is gone", "0", "0"],
        ["49 others", "98", "49"],
        ["all", "100", "50"],
    ]
    many = extract.summary(made(500, {f"Person {number:02}" for number in range(100)})).splitlines()
    assert (len(many), many[-2].split()) == (43, ["460", "others", "920", "460"])


# Stopped, and two at once


class Run:
    """An extraction on a terminal, in a session of its own, whose progress is followed."""

    def __init__(self, project: Path, *options: str) -> None:
        self._reader, terminal = open_terminal()
        self.process = subprocess.Popen(
            command(SCRIPT, *options),
            cwd=project,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.text = ""
        self.total = 0
        self.shown = [(time.monotonic(), 0)]  # when how many photographs were done

    def until(self, photographs: int) -> None:
        """Wait until so many are done."""
        while self.total == 0 or self.shown[-1][1] < photographs:
            self.text += os.read(self._reader, 4096).decode()
            for done, total in re.findall(r"(\d+)/(\d+) \[", self.text[-200:]):
                self.total = int(total)
                self.shown.append((time.monotonic(), int(done)))

    def done_before(self, seconds: float) -> int:
        """How many were done so long ago."""
        return max(done for when, done in self.shown if when <= max(time.monotonic() - seconds, self.shown[0][0]))

    def end(self, sent: int) -> int:
        """Send a signal to the script alone, and wait until nothing of it is left; its exit status."""
        self.process.send_signal(sent)
        with suppress(OSError):  # how Linux ends a terminal whose last writer has gone
            while some := os.read(self._reader, 4096):
                self.text += some.decode()
        os.close(self._reader)
        self.process.communicate()
        deadline = time.monotonic() + patience(10)
        while (left := of_session(self.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []  # no orphans
        return self.process.returncode


def of_session(session: int) -> list[str]:
    """The processes of a session that are still at work."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            about = file.read_text().rpartition(")")[2].split()
            if int(about[3]) == session and about[0] != "Z":
                found.append(file.parent.name)
    return found


def saved(project: Path) -> int:
    """How many photographs the checkpoint has; looks at a copy, so that nothing is mended in it."""
    for name in (CHECKPOINT.name, f"{CHECKPOINT.name}-journal"):
        if (project / "output" / name).exists():
            shutil.copy(project / "output" / name, project / name)
    with suppress(sqlite3.OperationalError):
        return int(sqlite3.connect(project / CHECKPOINT.name).execute("SELECT count(*) FROM done").fetchone()[0])
    return 0


@pytest.fixture
def many(project: Path) -> int:
    """How many photographs there are in ``many``: some seconds of work. All are the same to look at."""
    count, data = 120, (project / "sample" / "photo.jpg").read_bytes()
    (project / "many" / "Ada").mkdir(parents=True)
    for number in range(count):
        (project / "many" / "Ada" / f"{number:03}.jpg").write_bytes(data + bytes([number]))
    return count


@linux
@pytest.mark.parametrize("options", [(), ("--rebuild",)], ids=["new photographs", "anew"])
@pytest.mark.exhaustive
def test_killed_at_any_moment(project: Path, many: int, run_script: RunScript, options: tuple[str, ...]) -> None:
    line = ("-i", "many", "--workers", "1", *options)
    old, before = (project / EMBEDDINGS).read_bytes(), 0
    for moment in ("at once", "once something is saved"):
        run = Run(project, *line)
        run.until(0)
        while moment != "at once" and saved(project) <= 8 and run.shown[-1][1] < many - 20:
            run.until(run.shown[-1][1] + 1)
        done = run.done_before(4)
        assert run.end(signal.SIGKILL) == -signal.SIGKILL
        assert (project / EMBEDDINGS).read_bytes() == old
        assert run.total == many - before  # what was kept is not looked at again
        assert saved(project) >= before + done
        before = saved(project)
    result = run_script(SCRIPT, *line, cwd=project)
    assert result.returncode == 0, result.stderr
    if before or not options:
        gone = "" if options else f", {COUNT} gone"
        assert news(result.stdout).endswith(f" known, {many - before} new{gone}")
    gallery = Gallery.load(project / EMBEDDINGS)
    assert gallery.paths == tuple(f"Ada/{number:03}.jpg" for number in range(many))
    assert np.allclose(gallery.embeddings, gallery.embeddings[0], atol=1e-6)
    assert [path.name for path in (project / "output").glob(".*")] in ([], [".embeddings.pickle.lock"])


@linux
def test_two_at_once_and_sigterm(project: Path, many: int, run_script: RunScript) -> None:
    def names() -> set[str]:
        """The first run's journal comes and goes with each of its commits."""
        return {path.name for path in (project / "output").iterdir()} - {f"{CHECKPOINT.name}-journal"}

    old = (project / EMBEDDINGS).read_bytes()
    run = Run(project, "-i", "many")
    run.until(1)
    before = names()
    second = run_script(SCRIPT, cwd=project)
    assert second.returncode == 1
    (line,) = second.stderr.splitlines()
    assert line.startswith(f"error: {EMBEDDINGS}: in use by {SCRIPT} (process {run.process.pid} on ")
    assert line.endswith("wait for it, or stop it")
    assert (second.stdout, names()) == ("", before)
    assert run.end(signal.SIGTERM) == 130
    assert run.text.splitlines()[-1] == "stopped; what was there before is unchanged"
    assert "Traceback" not in run.text
    assert (project / EMBEDDINGS).read_bytes() == old
    assert not list((project / "output").glob(".*.holder"))
    assert saved(project) >= run.shown[-1][1]  # all of it: it had the time


# Disks


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_disk_that_is_full_at_each_write(
    project: Path, people: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = (*TABLES, EMBEDDINGS.name)[number - 1]
    next(people.rglob("*.jpg")).unlink()
    before = contents(project / "output")
    written = []

    def fsync(_: int) -> None:
        written.append(file)
        if len(written) == number:
            raise OSError(28, "No space left on device")

    monkeypatch.chdir(project)
    monkeypatch.setattr(os, "fsync", fsync)
    args = extract.build_parser().parse_args(["-i", "people", "--workers", "1"])
    with pytest.raises(FacesError) as caught:
        extract.update_and_show(args)
    assert str(caught.value) == f"cannot write {Path('output', file)}: no space left on device"
    after = contents(project / "output")
    after.pop(CHECKPOINT.name)
    assert after.keys() == before.keys()
    assert all(after[name] == before[name] for name in (file, EMBEDDINGS.name))
    assert extract.update_and_show(args) == 0
    assert len(Gallery.load(EMBEDDINGS)) == COUNT - 1


@linux
def test_a_disk_that_is_full_at_the_checkpoint(project: Path, many: int, run_script: RunScript) -> None:
    def no_room() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

    before = contents(project / "output")
    result = run_script(SCRIPT, "-i", "many", cwd=project, preexec_fn=no_room)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: cannot write {CHECKPOINT}: ")
    after = contents(project / "output")
    assert {name: after[name] for name in before} == before


@linux
def test_a_folder_that_is_read_only(project: Path, run_script: RunScript) -> None:
    folder = project / "read only"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        end = ["umount", str(folder)]
    else:
        folder.chmod(0o500)
        end = ["chmod", "700", str(folder)]
    try:
        with suppress(OSError):
            (folder / "file").touch()
            pytest.skip("nothing is read-only for root, who may not mount here")
        result = run_script(SCRIPT, "-e", folder / "embeddings.pickle", cwd=project)
    finally:
        subprocess.run(end, check=True)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(r"error: cannot write .*/embeddings\.pickle: (read-only file system|permission denied)", line)


def test_a_data_set_that_cannot_be_listed_is_not_an_empty_one(
    project: Path, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(project / "output")

    def stale(place: Path, _: object) -> Iterator[Path]:
        raise OSError(116, "Stale file handle", str(place))

    monkeypatch.setattr(data_folder, "find_images", stale)
    monkeypatch.chdir(project)
    with pytest.raises(OSError, match="Stale file handle"):
        extract.update_and_show(extract.build_parser().parse_args(["-i", "people"]))
    assert contents(project / "output") == before


def test_both_lists_name_photographs_with_the_data_sets_folder(tmp_path: Path) -> None:
    extraction = made(2)
    extraction.lost.append(("Person 00/7.jpg", "unreadable: empty file"))
    update = EmbeddingsUpdate(
        embeddings=tmp_path / "embeddings.pickle",
        dataset="people",
        extraction=extraction,
        duplicates=[Duplicate("Person 00/0.jpg", "Person 01/0.jpg", "the same photograph")],
        continued=False,
    )
    write_tables(update)
    assert "people/Person 00/7.jpg,unreadable: empty file" in update.skipped_csv.read_text()
    assert "people/Person 00/0.jpg,people/Person 01/0.jpg,the same photograph" in update.duplicates_csv.read_text()
