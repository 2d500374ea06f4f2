"""The choice of gallery, probes and strangers."""

from __future__ import annotations

from pathlib import Path

import pytest

from faces.errors import UsageError
from faces.evaluation.searches import trials


def people(folder: Path, **photographs: int) -> Path:
    for name, count in photographs.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"{number}.jpg").touch()
    return folder


def test_folders(tmp_path: Path) -> None:
    gallery, probes = people(tmp_path / "gallery", Ada=2, Bob=1), people(tmp_path / "probes", Ada=1, Eve=2)
    trial, nobody = trials.from_folders(gallery, probes)
    assert [name for name, _ in trial.gallery] == ["Ada", "Ada", "Bob"]
    assert trial.probes == (("Ada", probes / "Ada" / "0.jpg"),)
    assert nobody == ["Eve"]  # not enrolled, so a stranger
    assert [path.parent.name for path in trial.strangers] == ["Eve", "Eve"]
    assert not trial.hold_out
    assert len(trial.paths) == 6


def test_the_folder_of_strangers_in_a_data_set(tmp_path: Path) -> None:
    gallery = people(tmp_path / "gallery", Ada=2, Bob=2, unknown=4)
    probes = people(tmp_path / "probes", Ada=1, Bob=1, unknown=2)
    parted = trials.random_splits(gallery, 1, 1, 0)[0]
    both = trials.from_folders(gallery, probes)[0]
    known = trials.for_recognizer({"Ada", "Bob", "unknown"}, probes)
    for trial, folder in ((parted, gallery), (both, probes), (known, probes)):
        assert {name for name, _ in (*trial.gallery, *trial.probes)} == {"Ada", "Bob"}
        assert list(trial.strangers) == sorted((folder / "unknown").iterdir())


def test_a_folder_of_strangers_and_no_strangers(tmp_path: Path) -> None:
    gallery, probes = people(tmp_path / "gallery", Ada=2, Bob=1), people(tmp_path / "probes", Ada=1)
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "somebody.png").touch()
    trial, nobody = trials.from_folders(gallery, probes, strangers)
    assert (trial.strangers, trial.hold_out, nobody) == ((strangers / "somebody.png",), False, [])
    assert trials.from_folders(gallery, probes)[0].hold_out


def test_strangers_who_are_enrolled_are_warned_of(tmp_path: Path) -> None:
    images, strangers = people(tmp_path / "images", Ada=2, Bob=2), people(tmp_path / "strangers", Ada=1, Eve=1)
    assert trials.make_trials(images, None, None, strangers, 1, 2, 0)[1] == "both enrolled and among the strangers: Ada"
    assert trials.make_trials(images, None, None, None, 1, 2, 0)[1] == ""
    warning = trials.make_trials(None, images, people(tmp_path / "probes", Bob=1, Eve=1), strangers, 1, 1, 0)[1]
    assert warning == f"not in {images}, so used as strangers: Eve; both enrolled and among the strangers: Ada"


def test_files_that_are_left_out_are_warned_of(tmp_path: Path) -> None:
    images = people(tmp_path / "images", Ada=2, Bob=2)
    for name in ("loose.png", "Ada/notes.txt"):
        (images / name).touch()
    warning = trials.make_trials(images, None, None, None, 1, 1, 0)[1]
    assert warning == f"left out, since no photographs in a person's folder: {images}/Ada/notes.txt, {images}/loose.png"


def test_enrolled_strangers_in_nested_folders_are_warned_of(tmp_path: Path) -> None:
    images, strangers = people(tmp_path / "images", Ada=2, Bob=2), people(tmp_path / "strangers" / "Ada", Bob=1)
    warning = trials.make_trials(images, None, None, strangers.parent, 1, 1, 0)[1]
    assert warning == "both enrolled and among the strangers: Ada"


def test_random_splits(tmp_path: Path) -> None:
    images = people(tmp_path, Ada=4, Bob=5, Cleo=2)
    splits = trials.random_splits(images, enrol=2, splits=5, seed=0)
    for trial in splits:
        enrolled, probes = ({path for _, path in each} for each in (trial.gallery, trial.probes))
        assert [name for name, _ in trial.gallery] == ["Ada"] * 2 + ["Bob"] * 2
        assert not enrolled & probes
        assert len(enrolled | probes) == 9
        assert {path.parent.name for path in trial.strangers} == {"Cleo"}  # too few photographs to enrol and probe
        assert trial.hold_out
    assert len({trial.gallery for trial in splits}) > 1
    assert splits == trials.random_splits(images, enrol=2, splits=5, seed=0)
    assert splits[:3] == trials.random_splits(images, enrol=2, splits=3, seed=0)
    assert splits != trials.random_splits(images, enrol=2, splits=5, seed=1)


def test_random_splits_with_a_folder_of_strangers(tmp_path: Path) -> None:
    images, strangers = people(tmp_path / "images", Ada=3, Bob=3, Cleo=1), people(tmp_path / "strangers", Eve=2)
    (trial,) = trials.random_splits(images, 2, 1, 0, strangers)
    assert {path.parent.name for path in trial.strangers} == {"Eve"}
    assert not trial.hold_out


def test_for_a_recognizer(tmp_path: Path) -> None:
    trial = trials.for_recognizer({"Ada", "Bob"}, people(tmp_path, Ada=1, Eve=1))
    assert trial.gallery == ()
    assert [name for name, _ in trial.probes] == ["Ada"]
    assert [path.parent.name for path in trial.strangers] == ["Eve"]


def test_a_copy_of_an_enrolled_photograph() -> None:
    gallery, probes = (("Ada", Path("a")), ("Bob", Path("b"))), (("Ada", Path("c")), ("Bob", Path("d")))
    trial = trials.Trial(gallery, probes, (Path("e"),))
    hashes = dict(zip(map(Path, "abcde"), ("1", "", "1", "", "2"), strict=True))  # unreadable files are not copies
    assert trial.enrolled_copies(hashes) == [Path("c")]
    assert (
        trials.describe_copies([trial], hashes)
        == "1 photograph is both enrolled and searched for, which makes the figures too good: c"
    )
    assert trials.describe_copies([], hashes) == ""


def test_errors(tmp_path: Path) -> None:
    gallery, probes = people(tmp_path / "gallery", Ada=2, Bob=1), people(tmp_path / "probes", Eve=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="nobody in it is in"):
        trials.from_folders(gallery, probes)
    with pytest.raises(UsageError, match="no photographs in it; expected one folder per person"):
        trials.from_folders(gallery, empty)
    with pytest.raises(UsageError, match="no such folder"):
        trials.from_folders(gallery, tmp_path / "none")
    for nothing in (empty, tmp_path / "none"):
        with pytest.raises(UsageError, match="no photographs of strangers in it"):
            trials.from_folders(gallery, gallery, nothing)
    with pytest.raises(UsageError, match="1 of 2 people have the 2 photographs that --enrol 1 needs"):
        trials.random_splits(gallery, 1, 1, 0)
    with pytest.raises(UsageError, match="nobody in it is enrolled"):
        trials.for_recognizer({"Ada"}, probes)
