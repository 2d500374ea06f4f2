"""Record who was there, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from faces.files.tables import write_csv
from faces.video.events import Event

Span = tuple[float, float]  # s, from and to
VISIT_GAP = 1.0  # s between two tracks of a person; a shorter gap is a broken track, not a new visit
SUMMARY_NAMES = 10  # people named in a summary


class Presence(NamedTuple):
    """When a person was there.

    first_seen, last_seen: s from the start; for a camera or stream the clock time, ISO 8601.
    seconds: total time; overlapping tracks count once.
    visits: number of visits.
    """

    name: str
    first_seen: float | str
    last_seen: float | str
    seconds: float
    visits: int


class Attendance:
    """Collect when each named person was there.

    A track counts for its person from its first to its last frame. Its person is the last name that it was given.

    seen_once: number of faces without a track, as ``Tracks.seen_once``; to be set.
    """

    def __init__(self) -> None:
        self.seen_once = 0
        self._spans: dict[str, list[Span]] = {}  # of finished tracks, without overlap
        self._unknown = self._unsettled = 0  # finished tracks without a name
        self._present: dict[int, tuple[float, Event]] = {}  # by track: its start and its last event
        self._started: datetime | None = None
        self._latest = 0.0

    def add(self, event: Event) -> None:
        """Take an event into account; events come in order."""
        self._latest = max(self._latest, event.time)
        if event.clock is not None:
            self._started = event.clock - timedelta(seconds=event.time)
        start, _ = self._present.pop(event.track, (event.time, event))
        if event.kind != "leave":
            self._present[event.track] = start, event
        elif event.name is not None:
            self._spans[event.name] = _merged(self._spans.get(event.name, []), (start, event.time))
        else:
            self._unknown += event.settled
            self._unsettled += not event.settled

    def rows(self, now: float | None = None) -> list[Presence]:
        """Return a row for each person, sorted by name.

        now: the time until which people who are still there count, s from the start; None for the last event.
        """
        until = self._latest if now is None else now
        spans = dict(self._spans)
        for start, last in self._present.values():
            if last.name is not None:
                spans[last.name] = _merged(spans.get(last.name, []), (start, max(last.time, until)))
        return [self._presence(name, spans[name]) for name in sorted(spans)]

    def write(self, path: Path, now: float | None = None) -> None:
        """Write ``rows`` as CSV, replacing the file atomically. Raises FacesError."""
        write_csv(path, Presence._fields, self.rows(now), "backslashreplace")

    def summary(self, now: float | None = None) -> str:
        """Return a line such as ``2 people seen: Ada 12.3 s, Bob 0.4 s; 1 unknown``, longest presence first.

        Unknown tracks are counted, not unknown people: the same stranger may have two tracks.
        """
        rows = sorted(self.rows(now), key=lambda row: -row.seconds)
        parts = []
        if rows:
            named = ", ".join(f"{row.name} {_duration(row.seconds)}" for row in rows[:SUMMARY_NAMES])
            more = f" and {len(rows) - SUMMARY_NAMES} more" if len(rows) > SUMMARY_NAMES else ""
            parts.append(f"{len(rows)} {'person' if len(rows) == 1 else 'people'} seen: {named}{more}")
        nameless = [last.settled for _, last in self._present.values() if last.name is None]
        if unknown := self._unknown + sum(nameless):
            parts.append(f"{unknown} unknown")
        if unsettled := self._unsettled + nameless.count(False):
            parts.append(f"{unsettled} seen too briefly to tell")
        if self.seen_once:
            parts.append(f"{self.seen_once} seen only once")
        return "; ".join(parts) or "nobody seen"

    def _presence(self, name: str, spans: Sequence[Span]) -> Presence:
        seconds = sum(end - start for start, end in spans)
        visits = 1 + sum(after[0] > before[1] + VISIT_GAP for before, after in pairwise(spans))
        return Presence(
            name=name,
            first_seen=self._shown_time(spans[0][0]),
            last_seen=self._shown_time(spans[-1][1]),
            seconds=round(seconds, 3),
            visits=visits,
        )

    def _shown_time(self, time: float) -> float | str:
        if self._started is None:
            return round(time, 3)
        return (self._started + timedelta(seconds=time)).isoformat(timespec="seconds")


def _merged(spans: Sequence[Span], span: Span) -> list[Span]:
    """Add a span to sorted spans without overlap; spans that touch it become one with it."""
    touching = [other for other in spans if other[0] <= span[1] and span[0] <= other[1]]
    union = min([span[0], *(start for start, _ in touching)]), max([span[1], *(end for _, end in touching)])
    return sorted([*(other for other in spans if other not in touching), union])


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
