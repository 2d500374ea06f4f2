"""Who came, who it is, who left: found in what is followed, and written down for other programs and for people."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

import numpy as np

from faces.attributes.answers import Head, cells
from faces.errors import FacesError, UsageError, reason_of
from faces.files.writing import make_folder, owner_only
from faces.types import Floats
from faces.video.tracks import Frame, Tracks

if TYPE_CHECKING:
    from typing_extensions import Self

BOX = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a track.

    time: s from the start, when the face was seen so. clock: the same by the wall, aware of its zone; None of a file.
    name: None for unknown, and where it is not settled. probability: None where it is not settled. xyxy: px.
    attributes: what it looks like so far, as ``Answers.plain`` has it.
    """

    kind: Literal["appear", "identified", "leave"]
    time: float
    clock: datetime | None
    track: int
    name: str | None
    probability: float | None
    xyxy: tuple[int, int, int, int]
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        """Whether it has been decided who it is, if only that nobody knows."""
        return self.probability is not None


class EventFinder:
    """Tells events from what is followed, frame by frame.

    started: when time 0 was by the wall, aware of its zone; None of a file. May be set anew, since clocks are.
    """

    def __init__(self, started: datetime | None = None) -> None:
        self.started = started
        self._there: dict[int, Event] = {}  # what is to be said of each track when it leaves

    def observe(self, time: float, tracks: Tracks) -> list[Event]:
        """What happened since the frame before: who left, who appeared, who was identified, each by track.

        A track that is waited for has not left; one that has, left when it was last visible, and as what was last
        decided. Who is identified as somebody else is identified once more.
        """
        left = self._leave(set(self._there).difference(tracks.ids.tolist()))
        appeared, identified = [], []
        for k in np.argsort(tracks.ids).tolist():
            before = self._there.get(int(tracks.ids[k]))
            if (now := self._state(time, tracks, k, before)) is None:
                continue
            self._there[now.track] = now
            if before is None:
                appeared.append(replace(now, kind="appear"))
            if now.settled and (before is None or (before.settled, before.name) != (True, now.name)):
                identified.append(replace(now, kind="identified"))
        return [*left, *appeared, *identified]

    def end(self) -> list[Event]:
        """Everybody leaves."""
        return self._leave(set(self._there))

    def _leave(self, tracks: set[int]) -> list[Event]:
        return [self._there.pop(track) for track in sorted(tracks)]

    def _state(self, time: float, tracks: Tracks, k: int, before: Event | None) -> Event | None:
        """The kth track as it would leave now; None for one that was never seen."""
        name, probability = (before.name, before.probability) if before else (None, None)
        if tracks.settled[k]:
            name, probability = tracks.names[k], float(tracks.probability[k])
        if tracks.visible[k]:
            clock = self.started and self.started + timedelta(seconds=time)
            box, attributes = _pixels(tracks.xyxy[k]), _attributes(tracks, k)
            return Event("leave", time, clock, int(tracks.ids[k]), name, probability, box, attributes)
        return before and replace(before, name=name, probability=probability)


class _Log:
    """Rows as CSV or as JSON lines, there for others to read as soon as they are written.

    to: a file, whose suffix (.csv, .jsonl) decides which, or an open stream, where ``as_json`` does. Entering the
    context shows whether it can be written; a former file is lost when it ``begin``s, and then grows line by line. In
    CSV an unknown is ``unknown``, and whoever is not settled has no name; in JSON both are null, and ``settled`` tells
    them apart. heads: of what faces look like, which goes into columns of its own, in JSON into ``attributes``.
    Raises UsageError for another suffix, FacesError when a file cannot be written, OSError when a stream cannot.
    """

    columns: tuple[str, ...]

    def __init__(self, to: Path | TextIO, as_json: bool = False, heads: Sequence[Head] = ()) -> None:
        if isinstance(to, Path) and to.suffix.lower() not in (".csv", ".jsonl"):
            raise UsageError(f"{to}: cannot write {to.suffix or 'a name without suffix'}; use .csv or .jsonl")
        self._to = to
        self._begun = False
        self._failed = False  # then what comes later, as when everybody leaves at the end, is not written either
        self._heads = tuple(heads)
        self._as_json = to.suffix.lower() == ".jsonl" if isinstance(to, Path) else as_json

    def __enter__(self) -> Self:
        with self._explained():
            self._stream = self._open(self._to) if isinstance(self._to, Path) else self._to
            columns = (*self.columns, *(column for head in self._heads for column in head.columns))
            self._writer = csv.DictWriter(self._stream, columns, extrasaction="ignore", lineterminator="\n")
        return self

    def begin(self) -> None:
        """Start over, with a heading; once, and by itself before the first row."""
        if self._begun or self._failed:
            return
        self._begun = True
        with self._explained():
            if isinstance(self._to, Path) and self._to.is_file():
                self._stream.truncate(0)
            if not self._as_json:
                self._writer.writeheader()
            self._stream.flush()

    def __exit__(self, *_: object) -> None:
        if isinstance(self._to, Path):
            with suppress(OSError) if self._failed else self._explained():
                self._stream.close()

    def _write(self, rows: Iterable[dict[str, object]]) -> None:
        self.begin()
        if self._failed:
            return
        with self._explained():
            for row in rows:
                if self._as_json:
                    self._stream.write(json.dumps(row, ensure_ascii=False) + "\n")
                else:
                    self._writer.writerow({**row, "name": row["name"] or ("unknown" if row["settled"] else None)})
            self._stream.flush()

    def _looks(self, attributes: dict[str, object]) -> dict[str, object]:
        """What a face looks like, as a part of a row; nothing where nobody asks."""
        if not self._heads:
            return {}
        return {"attributes": attributes} if self._as_json else cells(attributes)

    @staticmethod
    def _open(path: Path) -> TextIO:
        make_folder(path.parent)
        return open(path, "a", encoding="utf-8", errors="backslashreplace", newline="", opener=owner_only)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not isinstance(self._to, Path):
                raise
            self._failed = True
            raise FacesError(f"cannot write {self._to}: {reason_of(error)}") from error


class EventLog(_Log):
    """What happened, a line an event. ``clock`` is in ISO 8601; of a file it is empty, in JSON null."""

    columns = ("event", "time", "clock", "track", "name", "probability", *BOX)

    def write(self, event: Event) -> None:
        clock = event.clock and event.clock.isoformat(timespec="milliseconds")
        row = {"event": event.kind, "time": round(event.time, 3), "clock": clock, "track": event.track}
        who = {"settled": event.settled, "name": event.name, "probability": _rounded(event.probability)}
        self._write([{**row, **who, **dict(zip(BOX, event.xyxy, strict=True)), **self._looks(event.attributes)}])


class BoxLog(_Log):
    """Every visible face of every frame, a line each. ``frame`` counts from 0, frames never looked at included."""

    columns = ("frame", "time", "track", "name", "probability", "distance", *BOX)

    def write(self, frame: Frame, tracks: Tracks) -> None:
        self._write(
            {
                "frame": frame.index,
                "time": round(frame.time, 3),
                "track": int(tracks.ids[k]),
                "settled": bool(tracks.settled[k]),
                "name": tracks.names[k],
                "probability": _rounded(tracks.probability[k]),
                "distance": _rounded(tracks.distance[k]),
                **dict(zip(BOX, _pixels(tracks.xyxy[k]), strict=True)),
                **self._looks(_attributes(tracks, k)),
            }
            for k in np.flatnonzero(tracks.visible).tolist()
        )


def _attributes(tracks: Tracks, k: int) -> dict[str, object]:
    return {} if tracks.answers is None else tracks.answers.plain(k)


def _pixels(xyxy: Floats) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = xyxy.round().astype(int).tolist()
    return x1, y1, x2, y2


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(float(value), 3)
