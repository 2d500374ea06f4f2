"""Write events and boxes as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from faces.attributes.answers import Head, cells
from faces.errors import FacesError, UsageError, reason_of
from faces.files.tables import BOM, cell
from faces.files.writing import make_folder, owner_only
from faces.geometry import pixels_around
from faces.video.events import Event, whole_pixels
from faces.video.tracks import Frame, Tracks

if TYPE_CHECKING:
    from typing_extensions import Self

Box = tuple[int, int, int, int]
BOX_COLUMNS = ("x1", "y1", "x2", "y2")


class _RowLog:
    """Rows as CSV or JSON lines, flushed after each call so that others can read them at once.

    to: a file, whose suffix (.csv, .jsonl) sets the format, or an open stream, whose format ``as_json`` sets.
    heads: attributes to write; each has its own columns in CSV, in JSON they are in ``attributes``.

    Entering the context checks that the file can be written; ``begin`` then replaces its content. In CSV an unknown
    face has the name ``unknown``, and a face that is not settled has none; in JSON both names are null, and
    ``settled`` distinguishes them.
    Raises UsageError for another suffix, FacesError if a file cannot be written, OSError if a stream cannot.
    """

    columns: tuple[str, ...]

    def __init__(self, to: Path | TextIO, as_json: bool = False, heads: Sequence[Head] = ()) -> None:
        if isinstance(to, Path) and to.suffix.lower() not in (".csv", ".jsonl"):
            raise UsageError(f"{to}: cannot write {to.suffix or 'a name without suffix'}; use .csv or .jsonl")
        self._to = to
        self._begun = False
        self._failed = False  # after a failure nothing more is written, such as the events at the end
        self._heads = tuple(heads)
        self._as_json = to.suffix.lower() == ".jsonl" if isinstance(to, Path) else as_json

    def __enter__(self) -> Self:
        with self._explained_errors():
            self._stream = self._open(self._to) if isinstance(self._to, Path) else self._to
            columns = (*self.columns, *(column for head in self._heads for column in head.columns))
            self._writer = csv.DictWriter(self._stream, columns, extrasaction="ignore", lineterminator="\n")
        return self

    def begin(self) -> None:
        """Empty the file and write the heading, at the first call only; the first row calls it, too."""
        if self._begun or self._failed:
            return
        self._begun = True
        with self._explained_errors():
            if isinstance(self._to, Path) and self._to.is_file():
                self._stream.truncate(0)
                self._stream.write("" if self._as_json else BOM)
            if not self._as_json:
                self._writer.writeheader()
            self._stream.flush()

    def __exit__(self, *_: object) -> None:
        if isinstance(self._to, Path):
            with suppress(OSError) if self._failed else self._explained_errors():
                self._stream.close()

    def _write(self, rows: Iterable[dict[str, object]]) -> None:
        self.begin()
        if self._failed:
            return
        with self._explained_errors():
            for row in rows:
                if self._as_json:
                    self._stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                else:
                    name = row["name"] or ("unknown" if row["settled"] else None)
                    self._writer.writerow({column: cell(value) for column, value in {**row, "name": name}.items()})
            self._stream.flush()

    def _box_fields(self, inside: Box, full: Box) -> dict[str, object]:
        """Return the part of a box inside the picture as fields of a row, and for JSON the whole box, too."""
        return {**dict(zip(BOX_COLUMNS, inside, strict=True)), **({"box_full": full} if self._as_json else {})}

    def _attribute_fields(self, attributes: dict[str, object]) -> dict[str, object]:
        """Return a face's attributes as fields of a row; empty if none are to be written."""
        if not self._heads:
            return {}
        return {"attributes": attributes} if self._as_json else cells(attributes)

    @staticmethod
    def _open(path: Path) -> TextIO:
        make_folder(path.parent)
        return open(path, "a", encoding="utf-8", errors="backslashreplace", newline="", opener=owner_only)

    @contextmanager
    def _explained_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not isinstance(self._to, Path):
                raise
            self._failed = True
            raise FacesError(f"cannot write {self._to}: {reason_of(error)}") from error


class EventLog(_RowLog):
    """Events, one row each. ``clock`` is in ISO 8601; for a file it is empty, in JSON null."""

    columns = ("event", "time", "clock", "track", "name", "probability", *BOX_COLUMNS)

    def write(self, event: Event) -> None:
        """Write an event."""
        row: dict[str, object] = {
            "event": event.kind,
            "time": round(event.time, 3),
            "clock": event.clock and event.clock.isoformat(timespec="milliseconds"),
            "track": event.track,
            "settled": event.settled,
            "name": event.name,
            "probability": _rounded(event.probability),
            **self._box_fields(event.xyxy, event.xyxy_full),
            **self._attribute_fields(event.attributes),
        }
        self._write([row])


class BoxLog(_RowLog):
    """The visible faces of every frame, one row each. ``frame`` counts from 0, dropped frames included."""

    columns = ("frame", "time", "track", "name", "probability", "distance", *BOX_COLUMNS)

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Write the visible faces of a frame."""
        height, width = frame.image.shape[:2]
        self._write(
            {
                "frame": frame.index,
                "time": round(frame.time, 3),
                "track": int(tracks.ids[k]),
                "settled": bool(tracks.settled[k]),
                "name": tracks.names[k],
                "probability": _rounded(tracks.probability[k]),
                "distance": _rounded(tracks.distance[k]),
                **self._box_fields(pixels_around(tracks.xyxy[k], 0, width, height), whole_pixels(tracks.xyxy[k])),
                **self._attribute_fields(tracks.attributes(k)),
            }
            for k in np.flatnonzero(tracks.visible).tolist()
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), 3)
