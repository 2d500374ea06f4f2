"""Choose who is enrolled, who is a probe and who is a stranger: from folders, or by splitting one data set."""

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

Named = tuple[tuple[str, Path], ...]  # a person's name and a photograph, each


@dataclass(frozen=True, slots=True)
class Trial:
    """The photographs of one search.

    gallery: empty for a recognizer that is already trained.
    hold_out: use each probe also as a stranger, with its person left out of the gallery.
    apart: folder of strangers in which each photograph shows somebody else; in other folders all show one person.
    """

    gallery: Named
    probes: Named
    strangers: tuple[Path, ...] = ()
    hold_out: bool = False
    apart: Path | None = None

    def shown(self, stranger: Path) -> Path:
        """Return whom a stranger's photograph shows: its folder, or itself where each shows somebody else."""
        folder = stranger.parent
        return stranger if folder == self.apart or is_nobody(folder.name) else folder

    def enrolled_copies(self, hashes: Mapping[Path, str], training_hashes: Set[str] = frozenset()) -> list[Path]:
        """Return the probes and strangers whose files are in the gallery too: to find them proves nothing.

        hashes: SHA-256 of each file's content; empty if unknown.
        training_hashes: SHA-256 of the photographs that a recognizer was trained on.
        """
        enrolled = ({hashes[path] for _, path in self.gallery} | training_hashes) - {""}
        return [path for path in (*(path for _, path in self.probes), *self.strangers) if hashes[path] in enrolled]

    @property
    def paths(self) -> list[Path]:
        """Every photograph, without duplicates."""
        return list(dict.fromkeys([*(path for _, path in (*self.gallery, *self.probes)), *self.strangers]))


def by_person(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs in a folder with one subfolder per person, both sorted.

    Raises UsageError if there are none.
    """
    people: dict[str, list[Path]] = {}
    for photograph in Folder(folder).listing().photographs:
        people.setdefault(photograph.person, []).append(folder / photograph.path)
    return people


def describe_copies(
    trials: Sequence[Trial], hashes: Mapping[Path, str], training_hashes: Set[str] = frozenset()
) -> str:
    """Describe the photographs that ``Trial.enrolled_copies`` finds; empty if there are none."""
    copies = {path for trial in trials for path in trial.enrolled_copies(hashes, training_hashes)}
    if not copies:
        return ""
    number = "1 photograph is" if len(copies) == 1 else f"{len(copies):,} photographs are"
    return (
        f"{number} both enrolled and searched for, which makes the figures too good:"
        f" {min(copies)}{', ...' if len(copies) > 1 else ''}"
    )


def make_trials(
    images: Path | None,
    gallery: Path | None,
    probes: Path | None,
    strangers: Path | None,
    enrol: int,
    splits: int,
    seed: int,
) -> tuple[list[Trial], str]:
    """Return the trials of ``random_splits`` or ``from_folders``, and a warning; empty if there is nothing to warn of.

    images: a data set to split; or else gallery and probes: folders of people.
    strangers: folder of photographs, or None.
    enrol, splits, seed: as in ``random_splits``.

    Raises UsageError.
    """
    not_enrolled: list[str] = []
    if images is not None and gallery is None and probes is None:
        trials = random_splits(images, enrol, splits, seed, strangers)
    elif images is not None or gallery is None or probes is None:
        raise UsageError("give --gallery and --probes, or --images for one data set to be split")
    else:
        trial, not_enrolled = from_folders(gallery, probes, strangers)
        trials = [trial]
    folders = [folder for folder in (strangers, probes, images) if folder is not None]
    stranger_names = {unicodedata.normalize("NFC", folder_of(path, folders).name) for path in trials[0].strangers}
    enrolled_strangers = sorted({name for name, _ in trials[0].gallery} & stranger_names)
    warnings = []
    if not_enrolled:
        warnings.append(f"not in {gallery}, so used as strangers: {_first_names(not_enrolled)}")
    if enrolled_strangers:
        warnings.append(f"both enrolled and among the strangers: {_first_names(enrolled_strangers)}")
    if left_out := [path for folder in (images, gallery, probes) if folder is not None for path in _left_out(folder)]:
        warnings.append(f"left out, since no photographs in a person's folder: {_first_names(left_out)}")
    return trials, "; ".join(warnings)


def from_folders(gallery: Path, probes: Path, strangers: Path | None = None) -> tuple[Trial, list[str]]:
    """Return one trial, and the names of the people in ``probes`` who are not in ``gallery``.

    Their photographs are strangers. Without any stranger, probes are held out.

    Raises UsageError if nobody is in both folders, or a folder is empty.
    """
    enrolled, probing = _without_strangers(by_person(gallery)), by_person(probes)
    if not enrolled.keys() & probing.keys():
        raise UsageError(f"{probes}: nobody in it is in {gallery}; name the folders of probes as those of the gallery")
    not_enrolled = sorted(probing.keys() - enrolled.keys())
    others = [path for name in not_enrolled for path in probing[name]] + strangers_in(strangers)
    known = _named({name: paths for name, paths in probing.items() if name in enrolled})
    return Trial(_named(enrolled), known, tuple(others), not others, strangers), not_enrolled


def for_recognizer(people: set[str], probes: Path, strangers: Path | None = None) -> Trial:
    """Return a trial for a trained recognizer.

    people: names that the recognizer knows. Probes of other people are strangers.

    Raises UsageError if none of these people has a folder in ``probes``.
    """
    people, probing = {name for name in people if not is_nobody(name)}, by_person(probes)
    if not people & probing.keys():
        raise UsageError(f"{probes}: nobody in it is enrolled; name the folders of probes as the enrolled people")
    others = [path for name, paths in probing.items() if name not in people for path in paths] + strangers_in(strangers)
    known = _named({name: paths for name, paths in probing.items() if name in people})
    return Trial((), known, tuple(others), not others, strangers)


def random_splits(images: Path, enrol: int, splits: int, seed: int, strangers: Path | None = None) -> list[Trial]:
    """Return ``splits`` trials: ``enrol`` random photographs of each person are enrolled, the others are probes.

    People with too few photographs are strangers, unless ``strangers`` is given. Without it, probes are held out too.

    Raises UsageError if fewer than two people have enough photographs.
    """
    people = by_person(images)
    enough = {name: paths for name, paths in _without_strangers(people).items() if len(paths) > enrol}
    if len(enough) < 2:
        raise UsageError(
            f"{images}: {len(enough)} of {len(people)} people have the {enrol + 1} photographs that --enrol {enrol}"
            " needs (one is the probe); at least two people must have them"
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
        trials.append(Trial(_named(gallery), _named(probes), tuple(others), strangers is None, strangers))
    return trials


def recognizer_photographs(probes: Path | None, strangers: Path | None) -> list[Path]:
    """Return the photographs that trained recognizers are evaluated on. Raises UsageError without probes."""
    if probes is None:
        raise UsageError("--probes is missing: a trained recognizer needs photographs to search for")
    return [path for paths in by_person(probes).values() for path in paths] + strangers_in(strangers)


def strangers_in(folder: Path | None) -> list[Path]:
    """Return the photographs anywhere in a folder; none without a folder.

    Raises UsageError if the folder has none.
    """
    if folder is None:
        return []
    paths = list(find_images(folder)) if folder.is_dir() else []
    if not paths:
        raise UsageError(f"{folder}: no photographs of strangers in it; see --strangers")
    return paths


def _left_out(folder: Path) -> list[str]:
    """Return the files of a folder of people that ``by_person`` leaves out."""
    return [str(folder / path) for path, _ in Folder(folder).listing().left_out]


def _without_strangers(folders: dict[str, list[Path]]) -> dict[str, list[Path]]:
    """Leave out the folder of strangers that a data set may have."""
    return {name: paths for name, paths in folders.items() if not is_nobody(name)}


def _first_names(names: Sequence[str]) -> str:
    return f"{', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"


def _named(people: dict[str, list[Path]]) -> Named:
    return tuple((name, path) for name, paths in people.items() for path in paths)
