"""Events derived from tracks, and the logs of events and boxes."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.errors import FacesError, UsageError
from faces.video.event_logs import BoxLog, EventLog
from faces.video.events import Event, EventFinder
from faces.video.tracks import Frame, Tracks

NOON = datetime(2024, 5, 6, 12, tzinfo=timezone(timedelta(hours=2)))
UNSETTLED = "?"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def tracks(*faces: tuple[int, str | None], hidden: tuple[int, ...] = (), x: float = 0) -> Tracks:
    """Of numbers and names: a name, None for unknown, or ``UNSETTLED``."""
    settled = np.array([name != UNSETTLED for _, name in faces], np.bool_)
    value = np.where(settled, 0.9, np.nan).astype(np.float32)
    return Tracks(
        np.array([track for track, _ in faces], np.intp),
        np.array([(x + 10 * track, 1, x + 10 * track + 5, 9) for track, _ in faces], np.float32).reshape(-1, 4),
        tuple(None if name == UNSETTLED else name for _, name in faces),
        settled,
        value,
        (value / 3).astype(np.float32),
        np.array([track not in hidden for track, _ in faces], np.bool_),
    )


def brief(events: list[Event]) -> list[tuple[str, float, int, str | None]]:
    return [(event.kind, event.time, event.track, event.name) for event in events]


def event(kind: Any, time: float, track: int, name: str | None = UNSETTLED, clock: datetime | None = None) -> Event:
    settled = name != UNSETTLED
    box = (1, 2, 3, 4)
    return Event(kind, time, clock, track, name if settled else None, 0.9 if settled else None, box, box)


class Broken(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


# Events


def test_a_face_appears_is_identified_and_leaves() -> None:
    finder = EventFinder()
    assert brief(finder.observe(0.0, tracks((1, UNSETTLED)))) == [("appear", 0.0, 1, None)]
    assert finder.observe(0.1, tracks((1, UNSETTLED))) == []
    assert brief(finder.observe(0.2, tracks((1, "Ada"), x=0.6))) == [("identified", 0.2, 1, "Ada")]
    assert finder.observe(0.3, tracks((1, "Ada"), x=30.6)) == []
    left = finder.observe(0.4, Tracks.empty())
    assert brief(left) == [("leave", 0.3, 1, "Ada")]
    assert left[0].xyxy == (41, 1, 46, 9)
    assert left[0].probability == pytest.approx(0.9)
    assert finder.observe(0.5, Tracks.empty()) == finder.end() == []


def test_a_box_ends_with_the_picture() -> None:
    finder = EventFinder()
    assert finder.observe(0, tracks((1, "Ada"), x=-13))[0].xyxy == (0, 1, 2, 9)
    finder.picture_wh = 40, 8
    (appeared, _) = finder.observe(1, tracks((4, "Bob"), (1, "Ada"), x=-3))
    assert (appeared.xyxy, appeared.xyxy_full) == ((37, 1, 40, 8), (37, 1, 42, 9))


def test_nobody_ever_is_no_event() -> None:
    finder = EventFinder()
    assert finder.end() == finder.observe(0, Tracks.empty()) == []


def test_order_is_leave_appear_identified_each_by_track() -> None:
    finder = EventFinder()
    finder.observe(0, tracks((2, "Ada"), (1, UNSETTLED), (3, None)))
    assert brief(finder.observe(1, tracks((5, "Bob"), (3, "Cyd"), (4, UNSETTLED)))) == [
        ("leave", 0, 1, None),
        ("leave", 0, 2, "Ada"),
        ("appear", 1, 4, None),
        ("appear", 1, 5, "Bob"),
        ("identified", 1, 3, "Cyd"),
        ("identified", 1, 5, "Bob"),
    ]
    assert [event.track for event in finder.end()] == [3, 4, 5]


def test_unknown_is_identified_too_and_not_the_same_as_not_settled() -> None:
    finder = EventFinder()
    (appeared,) = finder.observe(0, tracks((1, UNSETTLED)))
    (identified,) = finder.observe(1, tracks((1, None)))
    assert not appeared.settled
    assert appeared.probability is None
    assert (identified.kind, identified.name, identified.settled) == ("identified", None, True)


def test_a_name_that_changes_is_identified_again_and_one_that_is_confirmed_is_not() -> None:
    finder = EventFinder()
    names = [UNSETTLED, "Ada", UNSETTLED, "Ada", "Bob", None, None, "Bob", UNSETTLED]
    events_by_frame = [finder.observe(k, tracks((1, name))) for k, name in enumerate(names)]
    assert [(e.time, e.name) for events in events_by_frame for e in events if e.kind == "identified"] == [
        (1, "Ada"),
        (4, "Bob"),
        (5, None),
        (7, "Bob"),
    ]
    assert brief(finder.end()) == [("leave", 8, 1, "Bob")]


def test_a_track_that_is_waited_for_has_not_left_and_leaves_when_it_was_last_seen() -> None:
    finder = EventFinder()
    finder.observe(0, tracks((1, "Ada")))
    assert finder.observe(1, tracks((1, "Ada"), hidden=(1,), x=50)) == []
    assert finder.observe(2, tracks((1, "Ada"), x=3)) == []
    assert finder.observe(3, tracks((1, "Ada"), hidden=(1,), x=50)) == []
    (left,) = finder.observe(4, Tracks.empty())
    assert (left.kind, left.time, left.xyxy) == ("leave", 2, (13, 1, 18, 9))


def test_a_track_appears_when_it_is_first_seen() -> None:
    finder = EventFinder()
    assert finder.observe(0, tracks((1, UNSETTLED), hidden=(1,))) == []
    assert brief(finder.observe(1, tracks((1, UNSETTLED)))) == [("appear", 1, 1, None)]


def test_clock_is_that_of_the_frame() -> None:
    finder = EventFinder(NOON)
    finder.observe(0, tracks((1, "Ada")))
    finder.observe(2.5, tracks((1, "Ada")))
    finder.observe(9, tracks((1, "Ada"), hidden=(1,)))
    assert finder.end()[0].clock == NOON + timedelta(seconds=2.5)
    assert EventFinder().observe(0, tracks((1, "Ada")))[0].clock is None


# The log


def test_csv(tmp_path: Path) -> None:
    with EventLog(tmp_path / "new" / "events.CSV") as log:
        log.write(event("appear", 1 / 3, 7))
        log.write(event("identified", 1.0, 7, None, NOON))
        log.write(event("leave", 2.0, 7, 'José "Pepe", O\'Neill'))
    assert (tmp_path / "new" / "events.CSV").read_text(encoding="utf-8-sig") == (
        "event,time,clock,track,name,probability,x1,y1,x2,y2\n"
        "appear,0.333,,7,,,1,2,3,4\n"
        "identified,1.0,2024-05-06T12:00:00.000+02:00,7,unknown,0.9,1,2,3,4\n"
        'leave,2.0,,7,"José ""Pepe"", O\'Neill",0.9,1,2,3,4\n'
    )


def test_a_name_is_no_formula(tmp_path: Path) -> None:
    stream = io.StringIO()
    for to in (tmp_path / "events.csv", stream):
        with EventLog(to) as log:
            log.write(replace(event("leave", 0, 1, "=cmd|' /C calc'!A0"), time=-8))
    row = "leave,-8,,1,'=cmd|' /C calc'!A0,0.9,1,2,3,4\n"  # numbers may be negative
    assert stream.getvalue().splitlines(keepends=True)[1] == row
    assert (tmp_path / "events.csv").read_bytes() == b"\xef\xbb\xbf" + stream.getvalue().encode()


def test_json_lines(tmp_path: Path) -> None:
    with EventLog(tmp_path / "events.jsonl") as log:
        log.write(event("appear", 1 / 3, 7))
        log.write(event("identified", 1.0, 7, None, NOON))
        log.write(event("leave", 2.0, 7, "José"))
    text = (tmp_path / "events.jsonl").read_text(encoding="utf-8")
    assert "José" in text
    assert [json.loads(line) for line in text.splitlines()] == [
        {
            "event": "appear",
            "time": 0.333,
            "clock": None,
            "track": 7,
            "settled": False,
            "name": None,
            "probability": None,
            "x1": 1,
            "y1": 2,
            "x2": 3,
            "y2": 4,
            "box_full": [1, 2, 3, 4],
        },
        {
            "event": "identified",
            "time": 1.0,
            "clock": "2024-05-06T12:00:00.000+02:00",
            "track": 7,
            "settled": True,
            "name": None,
            "probability": 0.9,
            "x1": 1,
            "y1": 2,
            "x2": 3,
            "y2": 4,
            "box_full": [1, 2, 3, 4],
        },
        {
            "event": "leave",
            "time": 2.0,
            "clock": None,
            "track": 7,
            "settled": True,
            "name": "José",
            "probability": 0.9,
            "x1": 1,
            "y1": 2,
            "x2": 3,
            "y2": 4,
            "box_full": [1, 2, 3, 4],
        },
    ]


@pytest.mark.parametrize("name", ["events.csv", "events.jsonl"])
def test_each_line_is_there_at_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with EventLog(path) as log:
        log.begin()
        header = path.read_text(encoding="utf-8").count("\n")
        assert header == (path.suffix == ".csv")
        for lines in (1, 2, 3):
            log.write(event("appear", lines, lines))
            assert path.read_text(encoding="utf-8").count("\n") == header + lines


def test_a_former_log_is_replaced_when_there_is_something_to_write(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("of yesterday")
    with EventLog(path):
        pass  # as when no picture comes
    assert path.read_text() == "of yesterday"
    with EventLog(path) as log:
        for _ in range(2):
            log.begin()
        assert path.read_text("utf-8-sig") == ",".join(EventLog.columns) + "\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_stream_gets_the_same_and_stays_open(tmp_path: Path, as_json: bool) -> None:
    path, stream = tmp_path / ("events.jsonl" if as_json else "events.csv"), io.StringIO()
    with EventLog(path) as log, EventLog(stream, as_json) as to_stream:
        for each in (log, to_stream):
            each.write(event("appear", 0, 1, "Ada"))
    assert stream.getvalue() == path.read_text("utf-8-sig")  # the mark is for files that Excel opens


def test_a_stream_that_nobody_reads_is_left_to_the_caller() -> None:
    with pytest.raises(BrokenPipeError), EventLog(Broken()) as log:
        log.begin()


@pytest.mark.parametrize("log", [EventLog, BoxLog])
@pytest.mark.parametrize("name", ["events.json", "events", "events.txt", ".csv"])
def test_another_suffix_is_refused_before_anything_is_written(tmp_path: Path, log: Any, name: str) -> None:
    with pytest.raises(UsageError, match=r"use \.csv or \.jsonl"):
        log(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder.csv", tmp_path / "file" / "events.csv"):
        with pytest.raises(FacesError, match=rf"^cannot write .*{path.name}: [a-z ]+$"), EventLog(path):
            pass


@needs_full
@pytest.mark.parametrize("name", ["events.csv", "events.jsonl"])
def test_a_full_disk_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.symlink_to("/dev/full")
    with pytest.raises(FacesError, match=r"^cannot write .*: no space left on device$"), EventLog(path) as log:
        log.write(event("appear", 0, 1))


@needs_full
def test_nothing_is_written_after_a_full_disk(tmp_path: Path) -> None:
    """Such as everybody's leaving, which must not hide the first error."""
    (tmp_path / "events.csv").symlink_to("/dev/full")
    log = EventLog(tmp_path / "events.csv")
    with pytest.raises(FacesError):
        log.__enter__()
        log.write(event("appear", 0, 1))
    log.write(event("leave", 1, 1))
    log.__exit__()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names that are no text are of Linux")
def test_a_name_that_is_no_text_stops_nothing(tmp_path: Path) -> None:
    name = os.fsdecode(b"Ren\xe9")
    with EventLog(tmp_path / "events.csv") as as_csv, EventLog(tmp_path / "events.jsonl") as as_json:
        for log in (as_csv, as_json):
            log.write(event("leave", 0, 1, name))
    assert "Ren\\udce9" in (tmp_path / "events.csv").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "events.jsonl").read_text(encoding="utf-8"))["name"] == name


# Boxes


def frame(index: int) -> Frame:
    return Frame(np.zeros((8, 13, 3), np.uint8), index, index / 25, 0.0)


def test_boxes(tmp_path: Path) -> None:
    with BoxLog(tmp_path / "boxes.csv") as as_csv, BoxLog(tmp_path / "boxes.jsonl") as as_json:
        for log in (as_csv, as_json):
            log.write(frame(0), Tracks.empty())
            log.write(frame(3), tracks((2, UNSETTLED), (1, None), (3, "Ada"), (4, "Bob"), hidden=(4,), x=-18))
    assert (tmp_path / "boxes.csv").read_text("utf-8-sig") == (
        "frame,time,track,name,probability,distance,x1,y1,x2,y2\n"
        "3,0.12,2,,,,2,1,7,8\n"
        "3,0.12,1,unknown,0.9,0.3,0,1,1,8\n"
        "3,0.12,3,Ada,0.9,0.3,12,1,13,8\n"
    )
    rows = [json.loads(line) for line in (tmp_path / "boxes.jsonl").read_text().splitlines()]
    assert [(row["settled"], row["name"], row["distance"]) for row in rows] == [
        (False, None, None),
        (True, None, 0.3),
        (True, "Ada", 0.3),
    ]
    assert list(rows[0]) == [*BoxLog.columns[:3], "settled", *BoxLog.columns[3:], "box_full"]
    assert [row["box_full"] for row in rows] == [[2, 1, 7, 9], [-8, 1, -3, 9], [12, 1, 17, 9]]


def test_a_recognizer_that_knows_no_distance(tmp_path: Path) -> None:
    known = tracks((1, "Ada"))
    no_distance = Tracks(
        known.ids, known.xyxy, known.names, known.settled, known.probability, known.distance * np.nan, known.visible
    )
    with BoxLog(tmp_path / "boxes.jsonl") as log:
        log.write(frame(0), no_distance)
    assert json.loads((tmp_path / "boxes.jsonl").read_text())["distance"] is None


# What faces look like


AGE, GENDER = Head("age", unit="years"), Head("gender", ("male", "female"))


def with_attributes(years: float, shown: Tracks) -> Tracks:
    """Return the tracks with attributes: all men of one age; NaN for unknown."""
    n = len(shown)
    gender = np.tile(np.array([[0.875, 0.125]], np.float32) + 0 * np.float32(years), (n, 1))
    return replace(shown, answers=Answers((AGE, GENDER), {"age": np.full((n, 1), years, np.float32), "gender": gender}))


def test_events_have_the_attributes_so_far() -> None:
    finder = EventFinder()
    appeared = finder.observe(0.0, with_attributes(np.nan, tracks((1, UNSETTLED))))
    assert [each.attributes for each in appeared] == [{}]
    finder.observe(0.1, with_attributes(30, tracks((1, UNSETTLED))))
    left = finder.observe(0.2, Tracks.empty())
    man = {"value": "male", "probabilities": {"male": 0.875, "female": 0.125}}
    assert [each.attributes for each in left] == [{"age": 30.0, "gender": man}]


def test_logs_have_columns_for_attributes() -> None:
    appeared = EventFinder().observe(0.0, with_attributes(30, tracks((1, "Ada"))))
    table, lines, boxes = io.StringIO(), io.StringIO(), io.StringIO()
    with EventLog(table, heads=(AGE, GENDER)) as csv_log, EventLog(lines, as_json=True, heads=(AGE, GENDER)) as log:
        for each in (*appeared, event("leave", 1.0, 2)):
            csv_log.write(each)
            log.write(each)
    heading, first, _, last = table.getvalue().splitlines()
    assert heading.endswith(",y2,age,gender,gender_probability")
    assert (first.endswith(",9,30.0,male,0.875"), last.endswith(",4,,,")) == (True, True)
    attributes = [json.loads(line)["attributes"] for line in lines.getvalue().splitlines()]
    assert (attributes[0]["gender"]["value"], attributes[0]["age"], attributes[-1]) == ("male", 30.0, {})
    with BoxLog(boxes, heads=(AGE, GENDER)) as log_of_boxes:
        log_of_boxes.write(Frame(np.zeros((1, 1, 3), np.uint8), 0, 0.0, 0.0), with_attributes(30, tracks((1, "Ada"))))
    assert boxes.getvalue().splitlines()[1].endswith(",30.0,male,0.875")
