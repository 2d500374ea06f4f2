"""Split labelled photographs into training, validation and test parts, by person as far as this can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.training.data.labelled import AGE, LabelledImages, original_of
from faces.training.data.near_duplicates import COPY_BITS, Hashes, Pairs, close_pairs, similar_pairs
from faces.types import Floats

SHARES = (0.8, 0.1, 0.1)  # training, validation, test
# Distances of the built-in embedder. Of UTKFace's 44,285 pairs below 0.9, 2,730 are of faces with at most six such
# neighbours each. In 60 % of them gender and ethnicity are the same and the ages differ by at most five years; in
# copies, 63 %. 97 % of the other pairs are with infants, whom the embedder hardly tells apart. Below 0.6 there are 900
# pairs, largely copies.
SAME_PERSON = 0.9
SAME_PICTURE = 0.6
MAX_NEIGHBOURS = 6
MAX_GROUP = 50  # photographs; a larger group is a chain of people who look alike


def split(
    data: LabelledImages,
    fingerprints: NDArray[np.bytes_],
    groups: NDArray[np.intp] | None,
    seed: int,
    shares: Sequence[float] = SHARES,
    stratify: Sequence[str] = (),
) -> tuple[NDArray[np.bool_], ...]:
    """Return a bool (N,) mask for each share; all photographs of a group are in the same part.

    A group is identified by its smallest fingerprint and has the labels of that photograph. In its stratum, it is
    ranked by a hash of that fingerprint and the seed, and the shares cut the ranking. So the file names and their order
    have no influence, a stratum with as many groups as shares is in all parts, and adding a photograph moves at most
    one other group across each cut of one stratum. (If each group chose by its own hash, none would move, but small
    strata would be left to chance.) A photograph that joins two groups may move both. Groups of more than
    ``MAX_GROUP`` photographs go to the first part: elsewhere, one of them would count as much as dozens of people.

    fingerprints: S64 (N,), of ``near_duplicates.scan``.
    groups: intp (N,), of ``group_numbers``; None: only equal files are a group.
    shares: relative sizes of the parts.
    stratify: targets; each combination of their labels is a stratum, split by the same shares.

    Raises FacesError if a part is empty.
    """
    if groups is None:
        groups = np.unique(fingerprints, return_inverse=True)[1]
    order = np.argsort(fingerprints, kind="stable")
    first = order[np.unique(groups[order], return_index=True)[1]]  # the row of each group's smallest fingerprint
    number = np.unique(groups, return_inverse=True)[1]
    hashes = np.array([_hash(seed, fingerprints[row]) for row in first], np.uint64)
    ranked = np.argsort(hashes, kind="stable")
    strata: dict[tuple[str, ...], list[int]] = {}
    for group in ranked[np.bincount(number)[ranked] <= MAX_GROUP].tolist():
        strata.setdefault(_stratum(data, stratify, int(first[group])), []).append(group)
    part = np.zeros(len(first), np.intp)
    for stratum, members in strata.items():
        offset = _hash(seed, *stratum) / 2**64
        part[members] = np.repeat(np.arange(len(shares)), _group_counts(len(members), shares, offset))
    parts = part[number]
    if any(share > 0 and not (parts == index).any() for index, share in enumerate(shares)):
        raise FacesError(f"{len(first)} different faces or pictures are too few to train, validate and test with")
    return tuple(parts == index for index in range(len(shares)))


def _stratum(data: LabelledImages, targets: Sequence[str], row: int) -> tuple[str, ...]:
    """Return a photograph's labels as names; an added class would change the indices."""
    labels = ((target, data.labels[target][row]) for target in targets)
    return tuple(str(label) if target == AGE else ("", *data.classes[target])[label + 1] for target, label in labels)


def _hash(seed: int, *parts: str | bytes) -> int:
    """Return 64 bits."""
    text = b"\0".join([str(seed).encode(), *(part if isinstance(part, bytes) else part.encode() for part in parts)])
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _group_counts(groups: int, shares: Sequence[float], offset: float) -> NDArray[np.intp]:
    """Return how many of a stratum's groups each part gets.

    offset: in [0, 1), where rounding starts, so that it favours no part.

    Each part with a share gets a group if there are enough; otherwise all go to the first part.
    """
    wanted = np.array(shares) > 0
    if groups < wanted.sum():
        return np.array([groups, *[0] * (len(shares) - 1)], np.intp)
    cuts = np.floor(np.cumsum(shares) / np.sum(shares) * groups + offset).astype(np.intp)
    cuts[-1] = groups
    counts = np.asarray(np.diff(np.minimum(cuts, groups), prepend=0), np.intp)
    for empty in np.flatnonzero(wanted & (counts == 0)):
        counts[counts.argmax()] -= 1
        counts[empty] += 1
    return counts


def group_numbers(
    paths: Sequence[Path],
    hashes: Hashes | None = None,
    embeddings: Floats | None = None,
    bits: int = COPY_BITS,
    distance: float = SAME_PERSON,
) -> NDArray[np.intp]:
    """Return the group of each photograph, intp (N,), from 0; a group holds one person's photographs, or copies.

    Two photographs are in one group if

    - one is a copy of the other made by augmentation, by their names;
    - their ``hashes`` differ in at most ``bits`` bits;
    - their ``embeddings`` are closer than ``distance``; or, if one of the faces is that close to more than
      ``MAX_NEIGHBOURS`` others, closer than ``SAME_PICTURE``.

    Zero hashes and embeddings join nothing. One person's photographs may still be in two groups.

    hashes: uint8 (N, 32), of ``near_duplicates.scan``.
    embeddings: float32 (N, D), unit length.
    """
    numbers = np.arange(len(paths))
    by_hash = similar_pairs(hashes, bits) if hashes is not None else ()
    by_face = _same_person_pairs(embeddings, distance) if embeddings is not None else ()
    for first, second in chain([_copy_pairs(paths)], by_hash, by_face):
        numbers = _join(numbers, first, second)
    return numbers


def _join(numbers: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Merge the groups (N,) of each pair."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(numbers.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(first), np.int8), (numbers[first], numbers[second])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.intp)[numbers] if len(first) else numbers


def _copy_pairs(paths: Sequence[Path]) -> Pairs:
    """Pair each photograph with the first one of the same original, by name."""
    rows: dict[Path, int] = {}
    first = [rows.setdefault(original_of(path) or path, row) for row, path in enumerate(paths)]
    return np.array(first, np.intp), np.arange(len(paths))


def _same_person_pairs(embeddings: Floats, distance: float) -> Iterator[Pairs]:
    neighbours = np.zeros(len(embeddings), np.intp)
    for pair in close_pairs(embeddings, distance):
        for rows in pair:
            neighbours += np.bincount(rows, minlength=len(embeddings))
    distinctive = neighbours <= MAX_NEIGHBOURS
    for first, second in close_pairs(embeddings, distance):
        both = distinctive[first] & distinctive[second]
        yield first[both], second[both]
    yield from close_pairs(embeddings, min(distance, SAME_PICTURE))
