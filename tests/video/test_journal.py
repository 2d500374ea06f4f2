"""The journal of a video: events, boxes and attendance of a file and of a live source."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faces.video.event_logs import BoxLog, EventLog
from faces.video.journal import Journal
from faces.video.tracks import Frame, Tracks

IMAGE = np.zeros((20, 20, 3), np.uint8)
ADA = Tracks(
    ids=np.array([1], np.intp),
    xyxy=np.array([[1, 2, 9, 12]], np.float32),
    names=("Ada",),
    settled=np.array([True]),
    probability=np.array([0.9], np.float32),
    distance=np.array([0.3], np.float32),
    visible=np.array([True]),
)


def frame(index: int) -> Frame:
    return Frame(IMAGE, index, index / 10, time.monotonic())


def test_a_file(tmp_path: Path) -> None:
    events, attendance = io.StringIO(), tmp_path / "attendance.csv"
    with Journal(EventLog(events, as_json=True), BoxLog(tmp_path / "boxes.csv"), attendance) as journal:
        for index in range(3):
            journal.write(frame(index), ADA)
        assert not attendance.exists()
        journal.update(Tracks.empty())
        assert journal.attendance.summary() == "1 person seen: Ada 0.2 s"
    rows = [json.loads(line) for line in events.getvalue().splitlines()]
    assert [(row["event"], row["time"], row["clock"]) for row in rows] == [
        ("appear", 0, None),
        ("identified", 0, None),
        ("leave", 0.2, None),
    ]
    assert len((tmp_path / "boxes.csv").read_text().splitlines()) == 4
    assert attendance.read_text().splitlines()[1] == "Ada,0.0,0.2,0.2,1"


def test_a_live_source_has_clock_times_and_its_attendance_at_once(tmp_path: Path) -> None:
    events, attendance = io.StringIO(), tmp_path / "attendance.csv"
    with Journal(EventLog(events), attendance_file=attendance, live=True) as journal:
        journal.write(frame(0), ADA)
        assert len(attendance.read_text().splitlines()) == 2
    assert all(row["clock"] for row in csv.DictReader(io.StringIO(events.getvalue())))


def journal_of_looks(*times: float, seen_once: int = 0) -> tuple[list[str], str]:
    """Return the warnings and the summary of a video with looks at these times."""
    warnings: list[str] = []
    with Journal(EventLog(io.StringIO()), warn=warnings.append) as journal:
        for at in times:
            for _ in range(2):  # two frames of the same look
                journal.update(replace(Tracks.empty(), looked=at, seen_once=seen_once))
    return [*warnings, *filter(None, [journal.looks.too_few()])], journal.attendance.summary()


def test_what_was_seen_once_is_said_to_have_been_seen_once() -> None:
    warnings, summary = journal_of_looks(0.0, seen_once=2)
    assert summary == "2 seen only once"
    assert [line.partition(",")[0] for line in warnings] == ["1 look for faces in the whole video"]


def test_slow_looks_are_warned_of_once() -> None:
    warnings, summary = journal_of_looks(float("nan"), 0.0, 3.0, 6.1, 9.1, 12.2, 15.0)
    assert summary == "nobody seen"
    assert len(warnings) == 1
    assert warnings[0].startswith("faces are looked for only every 3.1 s, and a name takes 3 looks")


def test_usual_looks_and_a_single_pause_are_not_warned_of() -> None:
    assert journal_of_looks(0.0, 0.3, 0.6, 60.6, 60.9) == ([], "nobody seen")


@pytest.mark.parametrize("live", [False, True])
def test_attendance_after_an_error_is_that_of_live_sources_only(tmp_path: Path, live: bool) -> None:
    attendance = tmp_path / "attendance.csv"
    journal = Journal(EventLog(io.StringIO()), attendance_file=attendance, live=live)
    with pytest.raises(KeyboardInterrupt), journal:
        journal.write(frame(0), ADA)
        raise KeyboardInterrupt
    assert attendance.exists() == live
