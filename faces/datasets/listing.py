"""What is in a data set: its people, their photographs, and what is left out."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from faces.errors import UsageError
from faces.files.finding import SUFFIXES

SETTLED = 2  # seconds: a more recent file may change again without a new time stamp, whose resolution is coarse
PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})  # folders of people
ASIDE = "not in a person's folder: move it into one"
NO_PERSON = "a folder of the system, no person"


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph in the data set.

    path: relative to the data set, with ``/``.
    person: name, in Unicode's composed form.
    size: bytes.
    stamp: changes when the file is written; with the same size and stamp, a file has the same content. Empty if this is
    unreliable.
    """

    path: str
    person: str
    size: int
    stamp: str


class Listing(NamedTuple):
    """What is in a data set.

    people: everyone with a folder, sorted, also those without a photograph.
    photographs: sorted by person and path.
    left_out: the other files in the people's folders, the photographs beside these, and folders of no person: path,
        relative to the data set, and reason, sorted.
    """

    people: list[str]
    photographs: list[Photograph]
    left_out: list[tuple[str, str]]


class Dataset(Protocol):
    """A source of photographs; it is sent to worker processes, so it must be picklable."""

    def listing(self) -> Listing:
        """List the people, the photographs, and what is left out.

        Raises UsageError if the data set is missing or empty; if its folders are parts of a data set, such as
        ``train``, and not people; or if two names differ only in case or Unicode form: such a data set changes when it
        is copied to another system.
        """
        ...

    def read(self, path: str) -> bytes:
        """Read a photograph's file; raise OSError if that fails."""
        ...


def names_of(place: object, folders: Iterable[str]) -> dict[str, str]:
    """Return the name of the person in each folder."""
    seen: dict[str, str] = {}
    names = {}
    for folder in sorted(folders):
        names[folder] = unicodedata.normalize("NFC", folder)
        other = seen.setdefault(unicodedata.normalize("NFKC", folder).casefold(), folder)
        if other != folder:
            raise UsageError(
                f"{place}: the folders {other!r} and {folder!r} differ only in case or Unicode form;"
                " rename one, or put their photographs together"
            )
    return names


def listing_of(
    place: object, names: dict[str, str], photographs: list[Photograph], left_out: Sequence[tuple[str, str]]
) -> Listing:
    """Return the listing, sorted, once it is certain that it is one of people."""
    aside = sum(reason == ASIDE for _, reason in left_out)
    if not photographs and aside:
        raise UsageError(
            f"{place}: no folders of people in it, but {aside} photographs beside each other; put those of each person"
            f" into a folder of their own, such as {place}/Ada/1.jpg"
        )
    if not photographs:
        raise UsageError(
            f"{place}: no photographs in it; expected one folder per person, such as {place}/Ada/1.jpg"
            f" ({', '.join(sorted(SUFFIXES))})"
        )
    if parts := [folder for folder in sorted(names) if folder.casefold() in PARTS and _has_people(folder, photographs)]:
        choice = " or ".join(f"{place}/{part}" for part in parts)
        raise UsageError(
            f"{place}: {' and '.join(parts)} {'holds' if len(parts) == 1 else 'hold'} folders of people, and"
            f" {'is no person' if len(parts) == 1 else 'are no people'}; give {choice}"
        )
    by_name = sorted(photographs, key=lambda photograph: (photograph.person, photograph.path))
    return Listing(sorted(names.values()), by_name, sorted(left_out))


def _has_people(folder: str, photographs: Sequence[Photograph]) -> bool:
    """Return whether a folder holds folders of photographs, at most a few of which lie in it directly."""
    paths = [photograph.path.split("/") for photograph in photographs if photograph.path.startswith(f"{folder}/")]
    deeper = [path[1] for path in paths if len(path) > 2]
    return 2 * len(deeper) > len(paths) and (len(deeper) == len(paths) or len(set(deeper)) > 1)
