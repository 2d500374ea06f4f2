"""Labelled photographs parted into those to train, to validate and to test with: by persons, as far as can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.errors import FacesError
from faces.training.data.labelled import AGE, Labelled, original
from faces.training.data.near_duplicates import ALIKE, Hashes, Pairs, alike, close
from faces.types import Floats

SHARES = (0.8, 0.1, 0.1)  # to train, to validate, to test with
# UTKFace's pairs that are closer than 0.28, neither face having more than six such neighbours, look like one person's.
# The other pairs are largely infants, whom the embedder hardly tells apart: with them linked, a sixth of all
# photographs would be one group. Below 0.16 there are hardly any but copies.
SAME_PERSON = 0.28
SAME_PICTURE = 0.16
CROWD = 6
LARGE = 50  # photographs: a larger group is a chain of people who look alike


def split(
    data: Labelled,
    fingerprints: NDArray[np.bytes_],
    groups: NDArray[np.intp] | None,
    seed: int,
    shares: Sequence[float] = SHARES,
    stratify: Sequence[str] = (),
) -> tuple[NDArray[np.bool_], ...]:
    """bool (N,) masks, one for each share: of each group all photographs are in one part.

    fingerprints: (N,), of ``near_duplicates.look``. groups: (N,), of ``groups``; None: only equal files are a group.
    stratify: targets, every combination of whose labels is parted by the shares.

    A group is known by its smallest fingerprint, and its labels are that photograph's. Within its stratum it is ranked
    by a hash of that and the seed, and the ranking is cut by the shares. So nothing hangs on the files' names or order;
    every stratum of as many groups as there are shares is in all parts; and a photograph that is added moves, of those
    that were there, at most one group over each cut of one stratum. Each group deciding by its own hash would move
    none, but leave small strata to chance. A photograph that joins two groups into one can move both.
    Groups of more than ``LARGE`` are to train with: elsewhere one of them would count as much as dozens of people.
    Raises FacesError when a part would be empty.
    """
    if groups is None:
        groups = np.unique(fingerprints, return_inverse=True)[1]
    order = np.argsort(fingerprints, kind="stable")
    first = order[np.unique(groups[order], return_index=True)[1]]  # the row of each group's smallest fingerprint
    number = np.unique(groups, return_inverse=True)[1]
    ranks = np.array([_hash(seed, fingerprints[row]) for row in first], np.uint64)
    ranked = np.argsort(ranks, kind="stable")
    strata: dict[tuple[str, ...], list[int]] = {}
    for group in ranked[np.bincount(number)[ranked] <= LARGE].tolist():
        strata.setdefault(_stratum(data, stratify, int(first[group])), []).append(group)
    part = np.zeros(len(first), np.intp)
    for stratum, members in strata.items():
        part[members] = np.repeat(np.arange(len(shares)), _counts(len(members), shares, _hash(seed, *stratum) / 2**64))
    parts = part[number]
    if any(share > 0 and not (parts == at).any() for at, share in enumerate(shares)):
        raise FacesError(f"{len(first)} different faces or pictures are too few to train, validate and test with")
    return tuple(parts == at for at in range(len(shares)))


def _stratum(data: Labelled, targets: Sequence[str], row: int) -> tuple[str, ...]:
    """The labels of a photograph as names: indices would change with a class that is added."""
    labels = ((target, data.labels[target][row]) for target in targets)
    return tuple(str(label) if target == AGE else ("", *data.classes[target])[label + 1] for target, label in labels)


def _hash(seed: int, *parts: str | bytes) -> int:
    """64 bits."""
    text = b"\0".join([str(seed).encode(), *(part if isinstance(part, bytes) else part.encode() for part in parts)])
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")


def _counts(groups: int, shares: Sequence[float], offset: float) -> NDArray[np.intp]:
    """How many of a stratum's groups each part gets. offset: in [0, 1), where rounding begins, so that it favours none.

    No part with a share goes empty where there are enough; where there are fewer, all are to train with.
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


def groups(
    paths: Sequence[Path],
    hashes: Hashes | None = None,
    embeddings: Floats | None = None,
    bits: int = ALIKE,
    distance: float = SAME_PERSON,
) -> NDArray[np.intp]:
    """intp (N,): the number of the group that each photograph is in, from 0; a group is a person's, or copies.

    Connected are: copies that augmentation made, by their names; pictures whose ``hashes`` (N, 32) of ``perceptual``
    differ in at most so many bits; faces whose ``embeddings`` (N, D), of unit length, are closer than ``distance``,
    unless one of them is that close to more than ``CROWD`` faces: then closer than ``SAME_PICTURE``. What is all zero
    is connected to nothing. A person whose photographs differ much can still be in two groups.
    """
    number = np.arange(len(paths))
    by_look = alike(hashes, bits) if hashes is not None else ()
    by_face = _people(embeddings, distance) if embeddings is not None else ()
    for first, second in chain([_copies(paths)], by_look, by_face):
        number = _joined(number, first, second)
    return number


def _joined(number: NDArray[np.intp], first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
    """The groups (N,), with those of these pairs made one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = int(number.max(initial=-1)) + 1
    links = coo_matrix((np.ones(len(first), np.int8), (number[first], number[second])), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.intp)[number] if len(first) else number


def _copies(paths: Sequence[Path]) -> Pairs:
    """Photographs and the first copy of the same, by name."""
    seen: dict[Path, int] = {}
    first = [seen.setdefault(original(path) or path, row) for row, path in enumerate(paths)]
    return np.array(first, np.intp), np.arange(len(paths))


def _people(embeddings: Floats, distance: float) -> Iterator[Pairs]:
    """Pairs of photographs of one person, a block at a time."""
    neighbours = np.zeros(len(embeddings), np.intp)
    for pair in close(embeddings, distance):
        for rows in pair:
            neighbours += np.bincount(rows, minlength=len(embeddings))
    rare = neighbours <= CROWD
    for one, other in close(embeddings, distance):
        both = rare[one] & rare[other]
        yield one[both], other[both]
    yield from close(embeddings, min(distance, SAME_PICTURE))
