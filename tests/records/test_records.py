"""Records of runs: what is in them, who finds them, and what of somebody erased is left."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces import records
from faces.commands import runs as runs_command
from faces.errors import FacesError, UsageError
from faces.recognition.gallery import ERASED, Gallery, LeftOut
from faces.records import Code, Damaged, File, Manifest, Run, Runs, environment, lineage
from faces.types import Fingerprint, ModelId

MODELS = Fingerprint(*(ModelId(name, 64 * name[0]) for name in ("detector", "aligner", "embedder")))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(*paths: str) -> Manifest:
    """Of photographs whose folders are people, and whose content is their path."""
    return Manifest.sorted((path, path.partition("/")[0], sha(path), "") for path in paths)


def record(folder: Path, kind: str = "train", *paths: str, reads: Path | None = None, writes: str = "") -> Run:
    """A run as a script leaves it."""
    with records.recording(folder / "runs", kind, {"fpir": 0.01, "place": folder / "x"}) as run:
        if reads:
            run.input(reads)
        if paths:
            run.data(manifest(*paths))
        if writes:
            (folder / writes).write_text(f"{kind} {paths}")
            run.artefact(folder / writes)
        run.figure("right", 9)
        run.models(MODELS)
    assert run.ended is not None
    return run.ended


def test_what_a_record_holds(tmp_path: Path) -> None:
    first = record(tmp_path, "extract", "Ada/1.jpg", "Bob/1.jpg", writes="embeddings.pickle")
    second = record(tmp_path, "train", "Ada/1.jpg", reads=tmp_path / "embeddings.pickle", writes="recognizer.pickle")
    assert Runs(tmp_path / "runs").all() == [second, first]
    assert (second.kind, second.status, second.error) == ("train", "succeeded", "")
    assert second.id.split("-")[1] == "train" and second.time.endswith("+00:00") and second.seconds >= 0
    assert second.parameters == {"fpir": 0.01, "place": str(tmp_path / "x")} and second.figures == {"right": 9}
    assert second.packages["numpy"] == np.__version__ and second.python == sys.version.split()[0]
    assert second.parents == (first.id,) and second.models == MODELS.to_dict()
    (data,), (read,), (wrote,) = second.data, second.inputs, second.artefacts
    assert (data.role, data.photographs, data.people) == ("photographs", 1, 1)
    assert read == first.artefacts[0] and read.sha256 == sha((tmp_path / "embeddings.pickle").read_text())
    assert (wrote.path, wrote.size) == (str(tmp_path / "recognizer.pickle"), len("train ('Ada/1.jpg',)"))


def test_the_same_data_set_is_kept_once_and_in_any_order(tmp_path: Path) -> None:
    one, other = (record(tmp_path, "extract", *paths) for paths in (("a/1.jpg", "b/1.jpg"), ("b/1.jpg", "a/1.jpg")))
    assert one.data == other.data
    (kept,) = (tmp_path / "runs" / "manifests").iterdir()
    assert kept.name == f"{one.data[0].sha256}.json.gz"
    assert Manifest.load(tmp_path / "runs", one.data[0].sha256) == manifest("a/1.jpg", "b/1.jpg")


def test_the_manifest_of_a_gallery() -> None:
    out = LeftOut(("Bob/9.jpg", "Eve/1.jpg"), (sha("9"), sha("e")), (1, 1), ("", ""), ("no face", ERASED))
    people = Gallery(
        np.eye(2, dtype=np.float32), ("Zoë", "Ada"), ("Zoe/1.jpg", "Ada/1.jpg"), (sha("z"), sha("a")), left_out=out
    )
    found = people.manifest()
    assert found is not None and found.used == (2, 2)
    assert list(found.rows()) == [
        ("", "", sha("e"), ERASED),
        ("Ada/1.jpg", "Ada", sha("a"), ""),
        ("Bob/9.jpg", "Bob", sha("9"), "no face"),
        ("Zoe/1.jpg", "Zoë", sha("z"), ""),
    ]
    assert Gallery(np.eye(2, dtype=np.float32), ("Ada", "Bob")).manifest() is None  # a recipe's does not say
    assert len(Manifest.sorted(())) == 0


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (FacesError("no face\nat all"), "failed", "no face"),
        (ValueError("oops"), "failed", "ValueError: oops"),
        (KeyboardInterrupt(), "stopped", ""),
        (BrokenPipeError(), "succeeded", ""),
    ],
)
def test_a_run_that_does_not_end_well_is_recorded(tmp_path: Path, error: BaseException, status: str, line: str) -> None:
    with pytest.raises(type(error)), records.recording(tmp_path, "train", {}) as run:
        run.figure("seen", 3)
        raise error
    (found,) = Runs(tmp_path).all()
    assert isinstance(found, Run) and (found.status, found.error, found.figures) == (status, line, {"seen": 3})


def test_wrong_usage_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError), records.recording(tmp_path, "train", {}):
        raise UsageError("no such folder")
    assert Runs(tmp_path).all() == []


def test_a_folder_that_cannot_be_written_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    began = []
    with pytest.raises(FacesError, match=r"cannot write .*runs"), records.recording(tmp_path / "runs", "train", {}):
        began.append(True)
    assert not began


def test_a_disk_that_is_full_at_the_end_is_said_with_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    said = (
        r"cannot write .*no space left on device; there is no record of this run, but its files are written: .*\.txt$"
    )
    with pytest.raises(FacesError, match=said), records.recording(tmp_path / "runs", "train", {}) as run:
        (tmp_path / "made.txt").write_text("made")
        run.artefact(tmp_path / "made.txt")
        monkeypatch.setattr(os, "fsync", full)
    assert (tmp_path / "made.txt").read_text() == "made" and Runs(tmp_path / "runs").all() == []


def test_a_damaged_record_is_shown_as_such(tmp_path: Path) -> None:
    good = record(tmp_path)
    odd = good.to_json().replace(f'"seconds": {good.seconds}', '"seconds": "long"')
    for name, text in (("aaaaaa", "{"), ("bbbbbb", odd)):
        (tmp_path / "runs" / f"20200101T000000000-train-{name}.json").write_text(text)
    found = Runs(tmp_path / "runs").all()
    assert found[0] == good
    assert [(one.id[-6:], one.why) for one in found[1:] if isinstance(one, Damaged)] == [
        ("bbbbbb", "damaged: not a record of a run"),
        ("aaaaaa", "damaged: not a record of a run"),
    ]
    with pytest.raises(FacesError, match=r"aaaaaa\.json: damaged"):
        Runs(tmp_path / "runs").find("aaaaaa")


@pytest.mark.parametrize("value", [None, 5, "x", [1], {"a": 1}, [{"a": 1}], [[]], float("nan"), True])
def test_a_record_with_values_of_other_types(tmp_path: Path, value: object, capsys: pytest.CaptureFixture[str]) -> None:
    good = record(tmp_path, "train", "Ada/1.jpg", writes="file")
    content = json.loads(good.to_json())
    for number, name in enumerate(content):
        path = tmp_path / "runs" / f"20200101T000000000-train-{number:06}.json"
        path.write_text(json.dumps({**content, name: value}))
    own = Runs(tmp_path / "runs")
    for run in own.all():
        if isinstance(run, Run):  # as text: since Python 3.13, records with NaN are not equal to themselves
            assert Run.from_json(run.to_json()).to_json() == run.to_json() and run.made_with is not None
    runs_command.main(["list", "--folder", str(tmp_path / "runs")])
    for run in own.all():
        if isinstance(run, Run):
            runs_command.main(["show", run.id, "--folder", str(tmp_path / "runs")])
    assert "Traceback" not in capsys.readouterr().out
    records.forget(tmp_path / "runs", lambda sha256: True, {"Ada": ""})


def test_the_files_name_says_which_run_it_is(tmp_path: Path) -> None:
    content = json.loads(record(tmp_path, "train", "Ada/1.jpg").to_json())
    path = tmp_path / "runs" / "20200101T000000000-train-aaaaaa.json"
    path.write_text(json.dumps({**content, "id": "../../outside"}))
    assert Runs(tmp_path / "runs").find("aaaaaa").id == path.stem
    records.forget(tmp_path / "runs", lambda sha256: True, {"Ada": ""})
    assert "altered on" in path.read_text() and not list(tmp_path.parent.glob("outside*"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_a_file_of_a_run_that_is_a_pipe_now_is_another_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert not File(str(tmp_path / "pipe"), "0" * 64, 0).is_there()


def test_finding_a_run(tmp_path: Path) -> None:
    own = Runs(tmp_path / "runs")
    with pytest.raises(FacesError, match=r"no runs yet$"):
        own.find("last")
    first, second = record(tmp_path, "extract"), record(tmp_path, "train")
    for name in ("last", second.id, second.id[:24], second.short, "last-0"):
        assert own.find(name) == second
    assert own.find("last-1") == own.find("last", "extract") == first
    for name in ("last-2", "nobody", ""):
        with pytest.raises(FacesError, match=rf"no run '{name}'; faces runs list shows them"):
            own.find(name)
    with pytest.raises(FacesError, match=r"is the beginning of 2 runs, such as .*; give more of it"):
        own.find("20")
    for kind in ("evaluate", "tra", "**"):
        with pytest.raises(FacesError, match=f"no runs yet of kind {re.escape(kind)}"):
            own.find("last", kind)


@pytest.mark.parametrize("damage", ["gone", "empty", "other"])
def test_a_manifest_that_is_gone_or_damaged(tmp_path: Path, damage: str) -> None:
    one, other = record(tmp_path, "train", "a/1.jpg"), record(tmp_path, "train", "a/2.jpg")
    first, second = (tmp_path / "runs" / "manifests" / f"{run.data[0].sha256}.json.gz" for run in (one, other))
    first.unlink()
    if damage != "gone":
        first.write_bytes(second.read_bytes() if damage == "other" else b"")
    with pytest.raises(FacesError, match=r"(no such file|damaged): the list of photographs is lost"):
        Manifest.load(tmp_path / "runs", one.data[0].sha256)
    assert lineage.difference(one, other, tmp_path / "runs").unknown == ("photographs",)


def test_what_is_different(tmp_path: Path) -> None:
    old = record(tmp_path, "extract", "a/1.jpg", "a/2.jpg", "b/1.jpg")
    rows = [("a/1.jpg", "a", sha("new"), ""), ("a/moved.jpg", "a", sha("a/2.jpg"), ""), ("c/1.jpg", "c", sha("c"), "")]
    with records.recording(tmp_path / "runs", "extract", {"fpir": 0.1}) as run:
        run.data(Manifest.sorted(rows))
    assert run.ended is not None
    new = replace(run.ended, packages=old.packages | {"numpy": "1.0"}, code=Code("f" * 40, True))
    found = lineage.difference(old, new, tmp_path / "runs")
    assert found.photographs == {
        "photographs": lineage.Photographs(("c/1.jpg",), ("b/1.jpg",), ("a/1.jpg",), (("a/2.jpg", "a/moved.jpg"),))
    }
    assert found.parameters == {"fpir": (0.01, 0.1), "place": (str(tmp_path / "x"), None)}
    assert found.packages == {"numpy": (np.__version__, "1.0")} and found.figures == {"right": (9, None)}
    assert found.code == (str(old.code), "ffffffffffff") and set(found.models) == {"detector", "aligner", "embedder"}


def test_where_a_file_came_from(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    before = record(tmp_path / "there", "extract", "a/1.jpg", writes="embeddings.pickle")
    embeddings = tmp_path / "there" / "embeddings.pickle"
    extraction = record(tmp_path / "there", "extract", "a/1.jpg", reads=embeddings, writes="embeddings.pickle")
    training = record(tmp_path / "here", "train", reads=embeddings, writes="recognizer.pickle")
    assert extraction.parents == (before.id,) and training.parents == (extraction.id,)
    assert list(lineage.ancestors(training, tmp_path / "here" / "runs")) == [extraction]  # and not its own past
    assert records.maker(tmp_path / "here" / "recognizer.pickle") == training
    (tmp_path / "here" / "recognizer.pickle").write_text("by somebody")
    assert records.maker(tmp_path / "here" / "recognizer.pickle") is None


def test_the_runs_of_a_version_are_beside_all_versions(tmp_path: Path) -> None:
    assert records.beside(tmp_path / "recognizer.pickle") == tmp_path / "runs"
    assert records.beside(tmp_path / "versions" / "4" / "recognizer.pickle") == tmp_path / "runs"


def aged(folder: Path) -> None:
    """As if the manifests were of last month."""
    for path in (folder / "manifests").iterdir():
        os.utime(path, (time.time() - 30 * 86400,) * 2)


def test_pruning_keeps_what_is_named(tmp_path: Path) -> None:
    for path in ("a/1.jpg", "a/2.jpg", "a/3.jpg"):
        last = record(tmp_path, "extract", path)
    aged(tmp_path / "runs")
    assert Runs(tmp_path / "runs").prune(1) == 2
    assert Runs(tmp_path / "runs").all() == [last]
    (kept,) = (tmp_path / "runs" / "manifests").iterdir()
    assert kept.name.startswith(last.data[0].sha256)


def test_pruning_keeps_the_manifests_of_runs_that_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    record(tmp_path, "extract", "a/1.jpg")
    record(tmp_path, "extract", "a/2.jpg")
    aged(folder)
    record(tmp_path, "extract", "a/4.jpg")
    with records.recording(folder, "train", {}) as run:
        run.data(manifest("a/1.jpg"))  # as another run's, a month ago
        run.data(manifest("a/3.jpg"), "judged by")
        assert Runs(folder).prune(1) == 2
    assert run.ended is not None and len(run.ended.data) == 2
    for data in run.ended.data:
        assert len(Manifest.load(folder, data.sha256)) == 1
    assert len(list((folder / "manifests").iterdir())) == 3


def test_pruning_keeps_what_made_the_files_that_are_there(tmp_path: Path) -> None:
    extracted = record(tmp_path, "extract", "a/1.jpg", writes="embeddings.pickle")
    trained = record(tmp_path, "train", "a/1.jpg", reads=tmp_path / "embeddings.pickle", writes="recognizer.pickle")
    record(tmp_path, "train", "a/2.jpg", writes="of old")
    (tmp_path / "of old").write_text("and written anew")
    newest = [record(tmp_path, "extract", "a/3.jpg", writes="skipped.csv") for _ in range(3)][-1]
    assert Runs(tmp_path / "runs").prune(1) == 3
    assert Runs(tmp_path / "runs").all() == [newest, trained, extracted]


def test_secrets_are_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address, shown = "ftp://user:a@secret@host/people", "ftp://user:***@host/people"
    monkeypatch.setattr(sys, "argv", ["/somewhere/extract_embeddings.py", "--dataset", address])
    with records.recording(tmp_path, "extract", {"dataset": address, "several": [address]}):
        pass
    (run,) = Runs(tmp_path).all()
    assert isinstance(run, Run) and "secret" not in run.to_json()
    assert run.command == f"python extract_embeddings.py --dataset {shown}"
    assert run.parameters == {"dataset": shown, "several": [shown]}


def test_a_path_that_is_no_text(tmp_path: Path) -> None:
    with records.recording(tmp_path, "extract", {"dataset": "a\udcff"}) as run:
        run.data(Manifest.sorted([("a\udcff/1.jpg", "a\udcff", sha("a"), "")]))
    assert Runs(tmp_path).all() == [run.ended] and run.ended is not None
    assert Manifest.load(tmp_path, run.ended.data[0].sha256).paths == ("a\udcff/1.jpg",)


def git(folder: Path, *words: str) -> None:
    known = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *known, *words], cwd=folder, check=True, capture_output=True)


def test_the_code_that_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.code_of(tmp_path)() == Code() and str(Code()) == "no git"
    try:
        git(tmp_path, "init", "-q")
    except FileNotFoundError:
        pytest.skip("needs git")
    assert environment.code_of(tmp_path)() == Code()  # nothing is committed
    (tmp_path / "a.py").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "1.jpg").write_text("of no concern")
    clean = environment.code_of(tmp_path)()
    assert len(clean.commit) == 40 and clean.clean and str(clean) == clean.commit[:12]
    (tmp_path / "a.py").write_text("2")
    assert environment.code_of(tmp_path)() == Code(clean.commit, clean=False)
    monkeypatch.setenv("PATH", str(tmp_path))  # no git
    assert environment.code_of(tmp_path)() == Code()


def test_who_is_erased_is_erased_from_the_records(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    both = record(tmp_path, "extract", "Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg")
    other = record(tmp_path, "extract", "Bob/1.jpg")
    assert records.forget(folder, {sha("Ada/1.jpg")}.__contains__, {}) == 1
    altered, same = (Runs(folder).find(run.short) for run in (both, other))
    assert same == other and altered.data[0].photographs == 3
    assert list(Manifest.load(folder, altered.data[0].sha256).rows()) == [
        ("", "", sha("Ada/1.jpg"), ""),
        ("Ada/2.jpg", "Ada", sha("Ada/2.jpg"), ""),
        ("Bob/1.jpg", "Bob", sha("Bob/1.jpg"), ""),
    ]
    assert altered.notes[0].startswith("altered on 20") and len(list((folder / "manifests").iterdir())) == 2
    assert records.forget(folder, {sha("Ada/1.jpg")}.__contains__, {}) == 0  # nothing is left to do


def test_a_name_that_nobody_has_any_more_does_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with pytest.raises(FacesError), records.recording(folder, "extract", {}) as run:
        rows = [
            ("Ada/1.jpg", "Ada", sha("1"), ""),
            ("Ada/2.jpg", "Ada", sha("2"), "no face"),
            ("x/3.jpg", "Bob", sha("3"), ""),
            ("probes/Ada/4.jpg", "", sha("4"), ""),
            ("Zoe\u0308/5.jpg", "Zo\u00eb", sha("5"), ""),
        ]
        run.data(Manifest.sorted(rows))
        raise FacesError("Ada/3.jpg: of Adam")
    records.forget(folder, lambda _: False, {"Ada": "", "Bob": "Rob", "Zo\u00eb": "Z"})
    (found,) = Runs(folder).all()
    assert isinstance(found, Run) and found.error == "somebody/3.jpg: of Adam"
    assert list(Manifest.load(folder, found.data[0].sha256).rows()) == [
        *sorted([("", "", sha("1"), ""), ("", "", sha("2"), "no face"), ("", "", sha("4"), "")]),
        ("", "Z", sha("5"), ""),
        ("x/3.jpg", "Rob", sha("3"), ""),
    ]
    everything = b"".join(path.read_bytes() for path in folder.glob("*.json"))
    assert b'"Ada' not in everything and b" Ada/" not in everything


def test_a_manifest_in_which_nobody_can_tell_who_is_goes(tmp_path: Path) -> None:
    run = record(tmp_path, "extract", "Ada/1.jpg")
    place = tmp_path / "runs" / "manifests" / f"{run.data[0].sha256}.json.gz"
    place.write_bytes(b"damaged")
    assert records.forget(tmp_path / "runs", lambda _: False, {}) == 1 and not place.exists()


def test_records_are_as_private_as_other_files(tmp_path: Path) -> None:
    run = record(tmp_path, "extract", "Ada/1.jpg", writes="plain.txt")
    assert stat.S_IMODE((tmp_path / "runs" / f"{run.id}.json").stat().st_mode) == 0o600
    assert json.loads((tmp_path / "runs" / f"{run.id}.json").read_text())["id"] == run.id


def test_the_command_is_told_without_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["faces evaluate", "--track", "http://ada:secret@host:5000"])
    with records.recording(tmp_path / "runs", "evaluate", {}) as run:
        pass
    assert run.command.startswith("faces evaluate --track http://")
    assert run.ended is not None and run.ended.command == run.command
    assert "secret" not in run.command
