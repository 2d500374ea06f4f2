"""Who is enrolled, who probes and who is a stranger: from folders, or one data set parted at random."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faces.datasets import Folder, folder_of
from faces.errors import UsageError
from faces.files.finding import find_images
from faces.recognition.gallery import is_nobody

Owned = tuple[tuple[str, Path], ...]  # photographs, and whose they are


@dataclass(frozen=True, slots=True)
class Trial:
    """What one search is made of. by_turns: let each probe be a stranger too, as if its person were not enrolled.

    gallery: none for a recognizer that is trained already.
    """

    gallery: Owned
    probes: Owned
    strangers: tuple[Path, ...] = ()
    by_turns: bool = False

    def enrolled_too(self, hashes: Mapping[Path, str], learnt: Set[str] = frozenset()) -> list[Path]:
        """The probes and strangers whose files are in the gallery as well: who finds those has shown nothing.

        hashes: of the files' content; empty where it is not known. learnt: those that a recognizer was trained on.
        """
        known = ({hashes[path] for _, path in self.gallery} | learnt) - {""}
        return [path for path in (*(path for _, path in self.probes), *self.strangers) if hashes[path] in known]

    @property
    def paths(self) -> list[Path]:
        """Every photograph, once."""
        return list(dict.fromkeys([*(path for _, path in (*self.gallery, *self.probes)), *self.strangers]))


def by_person(folder: Path) -> dict[str, list[Path]]:
    """The photographs of a folder with one folder a person, both sorted. Raises UsageError when there are none."""
    people: dict[str, list[Path]] = {}
    for one in Folder(folder).listing()[1]:
        people.setdefault(one.person, []).append(folder / one.path)
    return people


def copies(trials: Sequence[Trial], hashes: Mapping[Path, str], learnt: Set[str] = frozenset()) -> str:
    """In words, how many photographs are ``enrolled_too``, whose arguments it takes; empty where none is."""
    found = {path for trial in trials for path in trial.enrolled_too(hashes, learnt)}
    photographs = "photograph is" if len(found) == 1 else "photographs are"
    some = f"{len(found):,} {photographs} enrolled as well as looked for, which is too easy"
    return f"{some}: {min(found)}{', ...' if len(found) > 1 else ''}" if found else ""


def given(
    images: Path | None,
    gallery: Path | None,
    probes: Path | None,
    strangers: Path | None,
    enrol: int,
    splits: int,
    seed: int,
) -> tuple[list[Trial], str]:
    """As ``drawn`` or ``from_folders``, whichever is asked for; and what to warn of. Raises UsageError."""
    nobody: list[str] = []
    if images is not None and gallery is None and probes is None:
        some = drawn(images, enrol, splits, seed, strangers)
    elif images is not None or gallery is None or probes is None:
        raise UsageError("give --gallery and --probes, or --images for one data set to be parted")
    else:
        trial, nobody = from_folders(gallery, probes, strangers)
        some = [trial]
    folders = [folder for folder in (strangers, probes, images) if folder is not None]
    others = {unicodedata.normalize("NFC", folder_of(path, folders).name) for path in some[0].strangers}
    known = sorted({who for who, _ in some[0].gallery} & others)
    warnings = [f"not in {gallery}, so strangers: {_few(nobody)}"] if nobody else []
    warnings += [f"among the strangers, though enrolled: {_few(known)}"] if known else []
    return some, "; ".join(warnings)


def from_folders(gallery: Path, probes: Path, strangers: Path | None = None) -> tuple[Trial, list[str]]:
    """One trial, and the probes' people who are not in the gallery: their probes are strangers. Raises UsageError."""
    enrolled, probing = _people(by_person(gallery)), by_person(probes)
    if not enrolled.keys() & probing.keys():
        raise UsageError(f"{probes}: nobody in it is in {gallery}; probes need folders named as the gallery's")
    nobody = sorted(probing.keys() - enrolled.keys())
    others = [path for name in nobody for path in probing[name]] + strangers_in(strangers)
    known = _owned({name: paths for name, paths in probing.items() if name in enrolled})
    return Trial(_owned(enrolled), known, tuple(others), by_turns=not others), nobody


def of_recognizer(people: set[str], probes: Path, strangers: Path | None = None) -> Trial:
    """The probes of a recognizer's people; those of others are strangers. Raises UsageError."""
    people, probing = {name for name in people if not is_nobody(name)}, by_person(probes)
    if not people & probing.keys():
        raise UsageError(f"{probes}: nobody in it is enrolled; probes need folders named as those who are")
    others = [path for name, paths in probing.items() if name not in people for path in paths] + strangers_in(strangers)
    known = _owned({name: paths for name, paths in probing.items() if name in people})
    return Trial((), known, tuple(others), by_turns=not others)


def drawn(images: Path, enrol: int, splits: int, seed: int, strangers: Path | None = None) -> list[Trial]:
    """Of everybody ``enrol`` photographs are enrolled, drawn at random, and the others probe; ``splits`` times.

    Who has too few for that is a stranger, unless there is a folder of those. Without one, everybody who probes is held
    out by turns to be a stranger as well. Raises UsageError when nobody has enough, or one person alone.
    """
    people = by_person(images)
    enough = {name: paths for name, paths in _people(people).items() if len(paths) > enrol}
    if len(enough) < 2:
        raise UsageError(
            f"{images}: {len(enough)} of {len(people)} people have the {enrol + 1} photographs that --enrol {enrol}"
            " needs (one to probe with); at least two people must"
        )
    others = strangers_in(strangers) or [path for name, paths in people.items() if name not in enough for path in paths]
    trials = []
    for split in range(splits):
        rng = np.random.default_rng([seed, split])
        gallery: dict[str, list[Path]] = {}
        probes: dict[str, list[Path]] = {}
        for name, paths in enough.items():
            order = rng.permutation(len(paths))
            gallery[name] = [paths[k] for k in sorted(order[:enrol])]
            probes[name] = [paths[k] for k in sorted(order[enrol:])]
        trials.append(Trial(_owned(gallery), _owned(probes), tuple(others), by_turns=strangers is None))
    return trials


def to_look_at(probes: Path | None, strangers: Path | None) -> list[Path]:
    """What recognizers that are trained already are tried with. Raises UsageError."""
    if probes is None:
        raise UsageError("--probes is missing: whom the recognizers are to look for")
    return [path for paths in by_person(probes).values() for path in paths] + strangers_in(strangers)


def strangers_in(folder: Path | None) -> list[Path]:
    """The photographs anywhere in a folder. Raises UsageError when there are none."""
    if folder is None:
        return []
    found = list(find_images(folder)) if folder.is_dir() else []
    if not found:
        raise UsageError(f"{folder}: no photographs of strangers in it; see --strangers")
    return found


def _people(folders: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Without the folder of strangers, which data sets may have."""
    return {name: paths for name, paths in folders.items() if not is_nobody(name)}


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"


def _owned(people: dict[str, list[Path]]) -> Owned:
    return tuple((name, path) for name, paths in people.items() for path in paths)
