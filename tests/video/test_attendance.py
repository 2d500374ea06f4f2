"""Who was there: time that is counted once, tables that are written again and again, and the line at the end."""

from __future__ import annotations

import csv
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from faces.errors import FacesError
from faces.video.attendance import Attendance
from tests.video.test_events import NOON, UNSETTLED, event


def attended(*spans: tuple[float, float, str | None]) -> Attendance:
    """Of tracks: from, to, whose."""
    attendance = Attendance()
    for track, (start, end, name) in enumerate(spans, start=1):
        attendance.add(event("appear", start, track))
        attendance.add(event("identified", start, track, name))
        attendance.add(event("leave", end, track, name))
    return attendance


def test_nobody_attended(tmp_path: Path) -> None:
    attendance = Attendance()
    attendance.write(tmp_path / "attendance.csv")
    assert (tmp_path / "attendance.csv").read_text("utf-8-sig") == "name,first_seen,last_seen,seconds,visits\n"
    assert attendance.rows() == attendance.rows(9) == []
    assert attendance.summary() == "nobody seen"


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(1, 3)], (1, 3, 2, 1)),
        ([(1, 3), (5, 9)], (1, 9, 6, 2)),
        ([(5, 9), (1, 3)], (1, 9, 6, 2)),
        ([(1, 9), (2, 3)], (1, 9, 8, 1)),  # one within the other
        ([(1, 5), (3, 9)], (1, 9, 8, 1)),  # two at once
        ([(1, 9), (2, 3), (4, 6), (20, 21)], (1, 21, 9, 2)),
        ([(1, 3), (3.5, 4)], (1, 4, 2.5, 1)),  # a track that broke
        ([(2, 2)], (2, 2, 0, 1)),  # seen in one frame
        ([(1, 3), (1, 3)], (1, 3, 2, 1)),
    ],
)
def test_time_is_counted_once(spans: list[tuple[float, float]], expected: tuple[float, ...]) -> None:
    assert attended(*((start, end, "Ada") for start, end in spans)).rows() == [("Ada", *expected)]


def test_a_track_is_whose_it_is_when_it_leaves_from_when_it_appeared() -> None:
    attendance = Attendance()
    for kind, time, name in (("appear", 1, UNSETTLED), ("identified", 2, "Bob"), ("identified", 3, "Ada")):
        attendance.add(event(kind, time, 1, name))
    assert [row.name for row in attendance.rows()] == ["Ada"]
    attendance.add(event("identified", 4, 1, None))
    assert attendance.rows() == []
    attendance.add(event("leave", 5, 1, "Ada"))
    assert attendance.rows() == [("Ada", 1, 5, 4, 1)]


def test_who_is_still_there_counts_until_now() -> None:
    attendance = attended((0, 1, "Cyd"), (0, 6, "Bob"))
    attendance.add(event("appear", 2, 9))
    attendance.add(event("identified", 3, 9, "Ada"))
    assert attendance.rows(10) == [("Ada", 2, 10, 8, 1), ("Bob", 0, 6, 6, 1), ("Cyd", 0, 1, 1, 1)]
    assert attendance.rows()[0] == ("Ada", 2, 6, 4, 1)  # the last event
    attendance.add(event("leave", 8, 9, "Ada"))
    assert attendance.rows(10)[0] == ("Ada", 2, 8, 6, 1)


def test_attendance_of_a_camera_is_in_the_walls_time() -> None:
    attendance = Attendance()
    attendance.add(event("appear", 1, 1, "Ada", NOON + timedelta(seconds=1)))
    assert attendance.rows(61) == [("Ada", "2024-05-06T12:00:01+02:00", "2024-05-06T12:01:01+02:00", 60, 1)]


def test_attendance_is_written_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "attendance.csv"
    attendance = attended((0, 1.23456, "Zoë, the second"))
    for seconds in (2, 3):
        attendance.add(event("appear", 1, 9, "Ada"))
        attendance.write(path, seconds)
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        assert [row["name"] for row in rows] == ["Ada", "Zoë, the second"]
        assert rows[0]["last_seen"] == str(seconds)
    assert rows[1]["seconds"] == "1.235"
    assert list(tmp_path.iterdir()) == [path]


def test_an_attendance_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FacesError, match="cannot write"):
        attended((0, 1, "Ada")).write(tmp_path)


def test_summary() -> None:
    attendance = attended((0, 3, "Bob"), (0, 12.34, "Ada"), (1, 2, None), (4, 5, None), (6, 6.1, UNSETTLED))
    assert attendance.summary() == "2 people seen: Ada 12.3 s, Bob 3.0 s; 2 unknown; 1 seen too briefly to tell"
    assert attended((0, 3725, "Ada")).summary() == "1 person seen: Ada 1:02:05"
    assert attended((0, 1, None)).summary() == "1 unknown"


def test_summary_of_a_crowd_is_one_line_still() -> None:
    text = attended(*((0, seconds, f"P{seconds}") for seconds in range(1, 31))).summary()
    assert text.startswith("30 people seen: P30 30.0 s, P29 29.0 s")
    assert text.endswith("P21 21.0 s and 20 more")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names that are no text are of Linux")
def test_a_name_that_is_no_text_stops_nothing(tmp_path: Path) -> None:
    attended((0, 1, os.fsdecode(b"Ren\xe9"))).write(tmp_path / "attendance.csv")
    assert "Ren\\udce9" in (tmp_path / "attendance.csv").read_text(encoding="utf-8")


def test_weeks_of_tracks_take_no_more_memory_than_their_visits() -> None:
    attendance = attended(*((hour, hour + 1, "Ada") for hour in range(1000)), *((0, 1, None),) * 1000)
    assert attendance.rows() == [("Ada", 0, 1000, 1000, 1)]
    assert attendance.summary() == "1 person seen: Ada 0:16:40; 1000 unknown"
    assert attendance._spans == {"Ada": [(0, 1000)]}
