"""Read photographs of live faces and of attacks, and tell whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faces.embedding import registry
from faces.errors import FacesError, ImageError, UsageError
from faces.files.finding import find_images, is_hidden
from faces.images import read_image
from faces.liveness.pixels import SCALES, SIDE
from faces.liveness.squares import blob, has_enough_around
from faces.models import zoo
from faces.models.engine import OnnxEngine
from faces.pipeline import Pipeline
from faces.training.data.reading import as_text
from faces.types import Floats

REAL = "real"  # the folder of live faces; those beside it are attacks
LEAST_PEOPLE = 3  # with live faces, and with attacks: one to judge, one to choose the threshold with, one to train with
FAR = 1e-3  # of the operating point up to which faces are grouped as one person's

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """N photographs.

    kinds: ``real``, or the name of the attack's folder.
    persons: the name of the folder below; None: not every photograph is in one.
    """

    folder: Path
    paths: tuple[Path, ...]
    kinds: tuple[str, ...]
    persons: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """N photographs with a face, as parallel arrays.

    features: float32 (N, 256), of Silent-Face's networks; NaN where there is not enough around the face to judge it.
    """

    paths: tuple[Path, ...]
    kinds: NDArray[np.str_]
    persons: NDArray[np.str_]
    features: Floats

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which are of live faces, bool (N,)."""
        return np.asarray(self.kinds == REAL)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Which have enough around the face, bool (N,)."""
        return np.asarray(np.isfinite(self.features).all(axis=1))

    @property
    def attacks(self) -> list[str]:
        """The kinds of attacks, sorted."""
        return sorted(set(self.kinds.tolist()) - {REAL})


def find(folder: Path) -> Listing:
    """Find the photographs in ``real`` and in the folders beside it, one for each kind of attack.

    Raises UsageError if the folder does not exist, and FacesError if one of those folders is missing or empty.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give one with {REAL} and a folder for each kind of attack in it")
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_hidden(path.name))
    if REAL not in names:
        raise FacesError(f"{folder}: no folder {REAL!r} in it, for photographs of live faces")
    if len(names) == 1:
        raise FacesError(f"{folder}: no folder of attacks beside {REAL!r}, such as 'print'")
    paths, kinds, persons = list[Path](), list[str](), list[str]()
    for name in names:
        found = list(find_images(folder / name))
        if not found:
            raise FacesError(f"{folder / name}: no photographs in this folder; fill it, or remove it")
        inside = [path.relative_to(folder / name).parts for path in found]
        paths += found
        kinds += [as_text(name)] * len(found)
        persons += [as_text(parts[0]) if len(parts) > 1 else "" for parts in inside]
    return Listing(folder, tuple(paths), tuple(kinds), tuple(persons) if all(persons) else None)


def look(listing: Listing, pipeline: Pipeline, network: OnnxEngine, log: Log, warn: Log) -> Attempts:
    """Detect the largest face of each photograph and compute its features; leave out photographs without a face.

    Without folders of people, the built-in embedder groups the faces by person.
    network: of ``network.features``.
    log: called with lines about the progress.
    warn: called with a line for each photograph that is left out.
    Raises FacesError if too few people are left.
    """
    rows, features, embeddings = list[int](), list[Floats](), list[Floats]()
    for row, path in enumerate(listing.paths):
        if row and row % 100 == 0:
            log(f"{row} of {len(listing.paths)} photographs")
        try:
            image = read_image(path)
        except ImageError as error:
            warn(f"{path}: left out: {error}")
            continue
        face = pipeline.candidates(image).largest()
        if len(face) == 0:
            warn(f"{path}: left out: no face detected")
            continue
        rows.append(row)
        if listing.persons is None:
            embeddings.append(pipeline.embed(image, face)[0])
        if has_enough_around(face.xyxy, *image.shape[:2])[0]:
            inputs = {name: blob(image, face.xyxy, scale, SIDE) for name, scale in SCALES.items()}
            features.append(network.run(inputs)[0][0])
        else:
            features.append(np.full(1, np.nan, np.float32))
    if not rows:
        raise FacesError(f"{listing.folder}: no photograph of it can be used; see the lines above")
    if listing.persons is None:
        persons = same_person(np.stack(embeddings))
        log(f"not all photographs are in folders of people: by their faces, they show {len(set(persons.tolist()))}")
    else:
        persons = np.array(listing.persons)[rows]
    width = max(map(len, features))
    attempts = Attempts(
        tuple(listing.paths[row] for row in rows),
        np.array(listing.kinds)[rows],
        persons,
        np.stack([np.broadcast_to(each, width) for each in features]),
    )
    _require_people(listing.folder, attempts)
    return attempts


def same_person(embeddings: Floats) -> NDArray[np.str_]:
    """Group N >= 1 faces by person with average linkage; return a name for each: ``person 1``, ...

    embeddings: float32 (N, D), unit length, of the built-in embedder.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(embeddings) == 1:
        return np.array(["person 1"])
    points = zoo.operating_points(registry.PACKAGED[registry.BUILT_IN])
    [limit] = [point.threshold for point in points if point.far == FAR]
    labels = fcluster(linkage(embeddings, "average"), limit, "distance")
    return np.array([f"person {label}" for label in labels])


def _require_people(folder: Path, attempts: Attempts) -> None:
    for kind, of in ((f"the folder {REAL!r}", attempts.live), ("what is beside it", ~attempts.live)):
        people = set(attempts.persons[of & attempts.judged].tolist())
        if len(people) < LEAST_PEOPLE:
            number = ("nobody", "only 1 person", "only 2 people")[len(people)]
            raise FacesError(
                f"{folder}: {kind} shows {number} who can be judged; give {LEAST_PEOPLE} people or more, since"
                " the errors are measured on people who were not trained with"
            )
