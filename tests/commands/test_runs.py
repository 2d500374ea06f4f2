"""``faces runs``: what it says of runs, in plain words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faces import records
from faces.commands import runs as script
from faces.commands import train
from faces.errors import FacesError, UsageError
from faces.recognition.gallery import Gallery, LeftOut
from faces.records import Run, Runs
from tests.recognition.test_recognizers import DLIB, person
from tests.records.test_records import sha

FOLDER = Path("output/runs")
EMBEDDINGS, RECOGNIZER = Path("output/embeddings.pickle"), Path("output/recognizer.pickle")

Said = Callable[..., str]


def extracted(*paths: str) -> None:
    """An extraction of photographs ``person/number``, one of which, of Eve, has no face."""
    names = tuple(path.partition("/")[0] for path in paths)
    embeddings = np.concatenate([person(ord(path[0]) + 7 * k, 1) for k, path in enumerate(paths)])
    hashes = tuple(sha(path) for path in paths)
    out = LeftOut(("Eve/1.jpg",), (sha("eve"),), (1,), ("",), ("no face",))
    gallery = Gallery(embeddings, names, paths, hashes, fingerprint=DLIB, left_out=out)
    with records.recording(FOLDER, "extract", {"dataset": "dataset"}) as run:
        run.data(gallery.manifest())
        gallery.save(EMBEDDINGS)
        run.artefact(EMBEDDINGS)
        run.figure("new", len(paths))


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """What the script prints, in a folder where people were extracted and trained twice."""
    monkeypatch.chdir(tmp_path)
    extracted("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg", "Bob/2.jpg")
    assert train.main([]) == 0
    extracted("Ada/1.jpg", "Ada/2.jpg", "Bob/1.jpg", "Cleo/1.jpg")
    assert train.main(["--fpir", "0.1"]) == 0
    capsys.readouterr()

    def run(*args: object) -> str:
        assert script.main([str(arg) for arg in args]) == 0
        return capsys.readouterr().out

    return run


def test_the_list(said: Said) -> None:
    lines = said("list").splitlines()
    assert lines[0].split() == ["run", "time,", "UTC", "kind", "seconds", "ended", "photographs", "code"]
    assert [line.split()[3] for line in lines[1:]] == ["train", "extract", "train", "extract"]
    assert len(said("list", "--kind", "train").splitlines()) == 3
    as_json = [json.loads(line) for line in said("list", "--json").splitlines()]
    assert [one["kind"] for one in as_json] == ["train", "extract", "train", "extract"]
    (FOLDER / "20200101T000000000-train-aaaaaa.json").write_text("{")
    assert "20200101T000000000-train-aaaaaa" in said("list") and "damaged: not a record of a run" in said("list")
    assert json.loads(said("list", "--json").splitlines()[-1])["why"] == "damaged: not a record of a run"


def test_all_of_a_run(said: Said) -> None:
    text = said("show")
    for words in ("output/recognizer.pickle (", "4 photographs of 3 people", "fpir 0.1", "numpy", "succeeded"):
        assert words in text
    newest = Runs(FOLDER).find("last")
    assert Run.from_json(said("show", newest.short, "--json")) == newest


def test_what_changed_since_the_last(said: Said) -> None:
    text = said("diff")
    assert "photographs added (1):\n  Cleo/1.jpg\nphotographs gone (1):\n  Bob/2.jpg\n" in text
    assert "fpir: 0.01 -> 0.1" in text and "held out" in text
    assert said("diff", "last-2", "last") == text == said("diff", "last-2")
    assert "fpir" not in said("diff", "--kind", "extract")
    assert "the same photographs, code, models, packages and parameters" in said("diff", "last", "last")


def test_why_there_is_a_file(said: Said) -> None:
    text = said("why", RECOGNIZER)
    last = [Runs(FOLDER).find(name) for name in ("last", "last-1")]
    assert f"output/recognizer.pickle: made by run {last[0].short} (train" in text
    assert f"from output/embeddings.pickle: made by run {last[1].short} (extract" in text
    assert "4 photographs of 3 people" in text and "1 left out" in text and "Cleo" in text
    text = said("why", RECOGNIZER, "--person", "Ada")
    assert "Ada/1.jpg" in text and sha("Ada/1.jpg")[:12] in text and "Bob" not in text
    assert "no face" in said("why", RECOGNIZER, "--person", "Eve")


def test_why_there_is_a_version_and_an_embedding_that_no_run_made(said: Said) -> None:
    version = Path("output/versions/7/recognizer.pickle")
    version.parent.mkdir(parents=True)
    version.write_bytes(RECOGNIZER.read_bytes())
    assert "made by run" in said("why", version)
    gallery = Gallery.load(EMBEDDINGS)
    Gallery(gallery.embeddings[::-1].copy(), gallery.names[::-1], fingerprint=DLIB).save(EMBEDDINGS)  # as the page does
    train.main([])
    with pytest.raises(FacesError, match="no record of the photographs that it was made from"):
        said("why", RECOGNIZER)


@pytest.mark.parametrize(
    ("words", "said_instead"),
    [
        (["show", "nobody"], "no run 'nobody'; faces runs list shows them"),
        (["show", "2"], "is the beginning of 4 runs"),
        (["diff", "--kind", "evaluate"], "no runs yet of kind evaluate"),
        (["why", "nowhere.pickle"], "nowhere.pickle: no such file or directory"),
        (["why", "output"], "output: is a directory"),
        (["why", "other.txt"], "other.txt: none of the runs in output/runs made it"),
        (["why", "output/le.pickle"], "changed since run .* wrote it .*; no run made its content"),
        (["why", RECOGNIZER, "--person", "Nobody"], "no person called 'Nobody' is among them"),
        (["why", RECOGNIZER, "--folder", "elsewhere"], "elsewhere: no runs yet"),
    ],
)
def test_what_is_not_known_is_one_line(said: Said, words: list[str], said_instead: str) -> None:
    Path("other.txt").write_text("other")
    Path("output/le.pickle").write_bytes(b"changed")
    with pytest.raises(FacesError, match=said_instead) as caught:
        said(*words)
    assert "\n" not in str(caught.value) and not isinstance(caught.value, UsageError)


def test_every_command_and_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert " why output/recognizer.pickle" in script.build_parser().format_help()
    for command in ("list", "show", "diff", "why", "prune"):
        with pytest.raises(SystemExit) as stopped:
            script.main([command, "--help"])
        assert stopped.value.code == 0
        assert "--folder FOLDER" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        script.main([])
    assert stopped.value.code == 2 and "COMMAND" in capsys.readouterr().err


def test_no_runs_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["list", "--folder", str(tmp_path / "runs")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'runs'}: no runs yet\n"
    for words in (["show"], ["diff"]):
        with pytest.raises(FacesError, match="no runs yet"):
            script.main([*words, "--folder", str(tmp_path / "runs")])


def test_the_only_run_of_its_kind(said: Said) -> None:
    said("prune", "--keep", 1)
    with pytest.raises(FacesError, match="is the only run of kind train: there is none to compare it with"):
        said("diff")


def test_a_manifest_that_is_gone(said: Said) -> None:
    for path in (FOLDER / "manifests").iterdir():
        path.unlink()
    assert "photographs: others; the list of them is lost" in said("diff")
    with pytest.raises(FacesError, match="the list of photographs is lost"):
        said("why", RECOGNIZER)


def test_pruning(said: Said) -> None:
    for path in (FOLDER / "manifests").iterdir():
        os.utime(path, (0, 0))
    assert said("prune", "--keep", 2) == "2 records deleted\n"
    assert len(said("list").splitlines()) == 3 and len(list((FOLDER / "manifests").iterdir())) == 1
    with pytest.raises(SystemExit):
        script.main(["prune", "--keep", "0"])


def test_folders_that_cannot_be_written_stop_the_training(said: Said) -> None:
    before = RECOGNIZER.read_bytes()
    said("prune", "--keep", 1)
    for path in sorted(FOLDER.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    FOLDER.rmdir()
    FOLDER.write_text("a file")
    with pytest.raises(FacesError, match=r"cannot write output/runs/.*"):
        train.main(["--fpir", "0.2"])
    assert RECOGNIZER.read_bytes() == before
