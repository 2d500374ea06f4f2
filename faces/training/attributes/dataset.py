"""Prepare a data set of labelled faces: usable photographs, face crops, and the split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faces.attributes.model import EMBEDDER
from faces.errors import FacesError
from faces.records import Manifest
from faces.training.data import exploration, face_crops, held_out, labelled, near_duplicates, splits
from faces.training.data.face_crops import FaceCrops
from faces.training.data.labelled import LabelledImages
from faces.training.progress import log_every

STRATIFIED = ("gender", "age_group", "ethnicity", "emotion", "glasses")  # targets that the split is balanced by


@dataclass(frozen=True, slots=True)
class AttributeOptions:
    """The options of ``faces train-attributes`` that training and evaluation depend on."""

    dataset: Path
    images: Path | None
    evaluate: Path | None
    crop: str
    architecture: str
    epochs: int
    patience: int
    batch_size: int
    image_size: int
    blocks: int
    frozen: int
    embedding: bool
    start: Path | None
    augmentation: str
    smoothing: float | None
    balance: float
    rate: float
    seed: int
    source: str | None
    terms: str
    tensorboard: Path | None
    output: Path


@dataclass(frozen=True, slots=True)
class LabelledFaces:
    """A data set with its face crops and its split.

    parts: bool (N,) masks of the training, the validation and the test part.
    sha256: of files and labels.
    fingerprints: S64 (N,), of the files.
    """

    data: LabelledImages
    crops: FaceCrops
    parts: tuple[NDArray[np.bool_], ...]
    sha256: str
    fingerprints: NDArray[np.bytes_]
    manifest: Manifest

    @property
    def sizes(self) -> dict[str, int]:
        """The number of faces in each part."""
        names = ("training", "validation", "test")
        return {name: int(part.sum()) for name, part in zip(names, self.parts, strict=True)}


def prepare(
    data: LabelledImages,
    options: AttributeOptions,
    log: Callable[[str], None],
    about: Mapping[str, Any] | None = None,
) -> LabelledFaces:
    """Leave out unusable photographs, cut out the faces, and split the data set.

    about: the metadata of a model to evaluate or to start from. To evaluate, the split is the one it was trained with;
        if that is not known, or it was trained with other data, all photographs are in the test part. To start from,
        photographs that it was validated or tested with stay in these parts, and all others are trained with.

    Raises FacesError if no photograph can be used, if the labels cannot be learned, if no face is detected, or if
    memory does not suffice.
    """
    face_crops.require_memory(len(data))
    files = near_duplicates.scan(data.paths, lambda done: log(f"{done:,} of {len(data):,} photographs read"))
    data, usable = exploration.drop_unusable(data, files)
    files = files[usable]
    if not usable.any():
        path, reason = data.left_out[-1]
        raise FacesError(f"{options.dataset}: no photograph of it can be used; the last one, {path}: {reason}")
    root = options.images or (options.dataset if options.dataset.is_dir() else options.dataset.parent)
    manifest = Manifest.of_files(data.paths, files.fingerprints.astype(str), root)
    if not options.evaluate:
        labelled.require_trainable(data, list(data.labels))
    sha256 = labelled.digest(data, files.fingerprints)
    order = hashlib.sha256(files.fingerprints.tobytes()).hexdigest()
    cache = options.output.with_suffix(".chips.npz")
    progress = log_every(1000, len(data), "faces cut", log)
    template = str(about["cut"]) if about else options.crop
    crops = face_crops.cut_faces(data.paths, cache, f"{order} {template} {EMBEDDER}", progress, template)
    log(f"{len(data):,} faces; in {int((~crops.found).sum()):,} photographs none was detected, its position is a guess")
    if not crops.found.any():
        raise FacesError(f"{options.dataset}: no face was found in any photograph")
    parts: tuple[NDArray[np.bool_], ...] | None = held_out.find(about, files.fingerprints) if about else None
    if about and options.evaluate and (parts is None or about.get("data_sha256") != sha256):
        parts = tuple(np.full(len(data), chosen) for chosen in (False, False, True))
    elif parts is None:
        groups = splits.group_numbers(data.paths, files.hashes, crops.embeddings)
        stratify = [name for name in STRATIFIED if name in data.labels]
        parts = splits.split(data, files.fingerprints, groups, options.seed, stratify=stratify)
    training, *others = parts
    parts = (training, *(part & ~data.copies for part in others))
    return LabelledFaces(data, crops, parts, sha256, files.fingerprints, manifest)
