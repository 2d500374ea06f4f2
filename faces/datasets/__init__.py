"""The data set: one folder of photographs per person, on a disk or at an address of fsspec's (``s3://``, ``gs://``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faces.datasets.folder import Folder
from faces.datasets.listing import Dataset, Listing, Photograph
from faces.datasets.remote import RemoteDataset

__all__ = ["REMOTE", "Dataset", "Folder", "Listing", "Photograph", "RemoteDataset", "folder_of", "open_dataset"]

REMOTE = "://"


def folder_of(path: Path, folders: Iterable[Path]) -> Path:
    """Return the folder of the person in a photograph.

    It is the subfolder of a data set that contains the photograph at any depth; otherwise the photograph's own folder.
    path: the photograph.
    folders: of data sets; the first that contains the photograph counts.
    """
    for folder in folders:
        if path.is_relative_to(folder) and len(parts := path.relative_to(folder).parts) > 1:
            return folder / parts[0]
    return path.parent


def open_dataset(place: str) -> Dataset:
    """Return the data set in a folder or at an address; raise FacesError if it cannot be read."""
    return RemoteDataset(place) if REMOTE in place else Folder(Path(place))
