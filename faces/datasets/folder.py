"""A data set in a folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from faces.datasets.listing import ASIDE, NO_PERSON, SETTLED, Listing, Photograph, listing_of, names_of
from faces.errors import UsageError
from faces.files.finding import find_images, is_hidden, is_photograph
from faces.files.reading import read_file


@dataclass(frozen=True)
class Folder:
    """A data set in a folder."""

    folder: Path

    def listing(self) -> Listing:
        """List the people and the photographs; see ``Dataset.listing``."""
        if not self.folder.exists():
            raise UsageError(f"{self.folder}: no such folder; make it, with one folder of photographs per person in it")
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: a file, not a folder with one folder of photographs per person in it")
        people, left_out = [], list[tuple[str, str]]()

        def leave_out(path: Path, reason: str) -> None:
            left_out.append((path.relative_to(self.folder).as_posix(), reason))

        for path in self.folder.iterdir():
            if path.is_dir() and not is_hidden(path.name):
                people.append(path)
            elif path.is_dir() and not path.name.startswith("."):
                leave_out(path, NO_PERSON)
            elif not is_hidden(path.name) and is_photograph(path):
                leave_out(path, ASIDE)
        names = names_of(self.folder, (path.name for path in people))
        photographs, now = [], time.time_ns()
        for person in people:
            for path in find_images(person, leave_out):
                try:
                    status = path.stat()
                    size, written = status.st_size, status.st_mtime_ns
                except OSError:  # it is gone, or is a broken link: reading it will fail
                    size, written = 0, now
                stamp = str(written) if written < now - SETTLED * 10**9 else ""
                photographs.append(
                    Photograph(path.relative_to(self.folder).as_posix(), names[person.name], size, stamp)
                )
        return listing_of(self.folder, names, photographs, left_out)

    def read(self, path: str) -> bytes:
        """Read a photograph's file; raise OSError if that fails."""
        return read_file(self.folder / path)
