"""What a photograph's metadata say of the people in it, from several places."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from faces.photos.regions.region import Region, overlap, same_face


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a photograph.

    regions: faces with their places, with and without names.
    people: names of people in the photograph, without a place.
    keywords: other keywords, any of which may be a person's name.
    notes: what could not be used, and why; one line each, without the path of the photograph.
    """

    regions: tuple[Region, ...] = ()
    people: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def names(self, known: Collection[str] = ()) -> set[str]:
        """Return the names of the people in the photograph.

        known: names of people; keywords that are among them count, too, in whatever case.
        """
        spelled = {folded(name): name for name in known}
        named = {region.name for region in self.regions if region.name} | set(self.people)
        return named | {spelled[folded(word)] for word in self.keywords if folded(word) in spelled}


def joined(labels: Iterable[Labels]) -> Labels:
    """Return the labels from several places as one: a face that two of them mark counts once.

    The first place that names a face counts; a later one with another name is told.
    """
    regions: list[Region] = []
    people, keywords, notes = dict[str, None](), dict[str, None](), dict[str, None]()
    for each in labels:
        earlier = tuple(regions)
        for region in each.regions:
            same = [one for one in earlier if same_face(one.box, region.box)]
            first = max(same, key=lambda one: overlap(one.box, region.box), default=None)
            if first is None:
                regions.append(region)
            elif not first.name and region.name:
                regions[regions.index(first)] = region
            elif region.name and folded(region.name) != folded(first.name):
                counts = f"{first.name!r} in {first.source}, which counts"
                notes[f"{region.source}: a face is {region.name!r}, but {counts}"] = None
        people |= dict.fromkeys(each.people)
        keywords |= dict.fromkeys(each.keywords)
        notes |= dict.fromkeys(each.notes)
    return Labels(tuple(regions), tuple(people), tuple(keywords), tuple(notes))


def clean(name: str) -> str:
    r"""Return a name as it is stored: one line, composed letters, single spaces.

    >>> clean(" Ada\n  Lovelace ")
    'Ada Lovelace'
    """
    visible = (" " if letter.isspace() else letter for letter in name if letter.isspace() or letter.isprintable())
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def folded(name: str) -> str:
    """Return what is the same for all spellings of a name in upper and lower case."""
    return unicodedata.normalize("NFC", name.casefold())
