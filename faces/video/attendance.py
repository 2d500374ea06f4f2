"""Who was there, and for how long."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from faces.files.writing import write_bytes
from faces.video.events import Event

Span = tuple[float, float]  # s, from and to
BROKEN = 1.0  # s between two tracks of a person: less is a track that broke, not a person who left and came back
LISTED = 10  # people whom a summary names


class Presence(NamedTuple):
    """When a person was there.

    first_seen, last_seen: s from the start; of a camera or stream the time, ISO 8601. seconds: how long in all, what
    two tracks share counted once. visits: how often they came.
    """

    name: str
    first_seen: float | str
    last_seen: float | str
    seconds: float
    visits: int


class Attendance:
    """Who was there and for how long, of everybody with a name.

    A track is its person's from when it appeared, whoever it was taken for meanwhile; the person is who it was when it
    left, or until then who it is.
    """

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}  # of those who left, apart from each other
        self._unknown = self._glimpsed = 0  # tracks that left without a name
        self._there: dict[int, tuple[float, Event]] = {}  # since when, and what was said last
        self._started: datetime | None = None
        self._latest = 0.0

    def add(self, event: Event) -> None:
        self._latest = max(self._latest, event.time)
        if event.clock is not None:
            self._started = event.clock - timedelta(seconds=event.time)
        since, _ = self._there.pop(event.track, (event.time, event))
        if event.kind != "leave":
            self._there[event.track] = since, event
        elif event.name is not None:
            self._spans[event.name] = _joined(self._spans.get(event.name, []), (since, event.time))
        else:
            self._unknown += event.settled
            self._glimpsed += not event.settled

    def rows(self, now: float | None = None) -> list[Presence]:
        """Everybody, by name; who is still there counts until ``now`` (s from the start; None: the last event)."""
        until = self._latest if now is None else now
        spans = dict(self._spans)
        for since, last in self._there.values():
            if last.name is not None:
                spans[last.name] = _joined(spans.get(last.name, []), (since, max(last.time, until)))
        return [self._presence(name, spans[name]) for name in sorted(spans)]

    def write(self, path: Path, now: float | None = None) -> None:
        """Write ``rows`` as CSV, whole or not at all, so that it may be done again and again. Raises FacesError."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([Presence._fields, *self.rows(now)])
        write_bytes(path, text.getvalue().encode("utf-8", "backslashreplace"))

    def summary(self, now: float | None = None) -> str:
        """A line for people, such as ``2 people seen: Ada 12.3 s, Bob 0.4 s; 1 unknown``, who was there longest first.

        Unknown are tracks, not people: the same stranger may be two.
        """
        rows = sorted(self.rows(now), key=lambda row: -row.seconds)
        parts = []
        if rows:
            named = ", ".join(f"{row.name} {_spoken(row.seconds)}" for row in rows[:LISTED])
            more = f" and {len(rows) - LISTED} more" if len(rows) > LISTED else ""
            parts.append(f"{len(rows)} {'person' if len(rows) == 1 else 'people'} seen: {named}{more}")
        there = [last.settled for _, last in self._there.values() if last.name is None]
        if unknown := self._unknown + sum(there):
            parts.append(f"{unknown} unknown")
        if glimpsed := self._glimpsed + there.count(False):
            parts.append(f"{glimpsed} seen too briefly to tell")
        return "; ".join(parts) or "nobody seen"

    def _presence(self, name: str, spans: Sequence[Span]) -> Presence:
        seconds = sum(end - start for start, end in spans)
        visits = 1 + sum(after[0] > before[1] + BROKEN for before, after in pairwise(spans))
        return Presence(name, self._when(spans[0][0]), self._when(spans[-1][1]), round(seconds, 3), visits)

    def _when(self, time: float) -> float | str:
        if self._started is None:
            return round(time, 3)
        return (self._started + timedelta(seconds=time)).isoformat(timespec="seconds")


def _joined(spans: Sequence[Span], span: Span) -> list[Span]:
    """Spans that are apart, sorted, and one more, which becomes one with those that it meets."""
    meeting = [one for one in spans if one[0] <= span[1] and span[0] <= one[1]]
    one = min([span[0], *(start for start, _ in meeting)]), max([span[1], *(end for _, end in meeting)])
    return sorted([*(other for other in spans if other not in meeting), one])


def _spoken(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
