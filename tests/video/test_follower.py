"""Tracks through films with known truth: crossing, leaving, hiding, cuts; and when the detector runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest

from faces.types import Faces, Image
from faces.video import follower as video_follower
from faces.video.follower import CORES, Follower
from faces.video.tracker import LOST_SECONDS
from faces.video.tracks import Frame, Tracks
from tests.crowd import ColourDetector, ColourEmbedder, ColourRecognizer, Lookalikes, frame, pipeline, stage
from tests.fakes import noise

RATE = 25.0
EVERY = int(np.ceil(video_follower.DETECTION_INTERVAL * RATE))  # frames between two detections
Where = Callable[[float], dict[str, tuple[float, float]]]
KNOWN = ColourRecognizer("Ada", "Bob")
FAMILY = Lookalikes(  # Ada and Bob both look most like the daughter, Bob also like the son; Cleo only like the daughter
    {
        "Ada": {"Daughter": 0.2, "Son": 0.7},
        "Bob": {"Daughter": 0.3, "Son": 0.4},
        "Cleo": {"Daughter": 0.35, "Son": 0.7},
    }
)


def film(where: Where, seconds: float) -> Iterator[Frame]:
    yield from (frame(stage(where(index / RATE)), index, RATE) for index in range(round(seconds * RATE)))


def follow(where: Where, seconds: float, live: bool = False, every_frame: bool = False) -> list[tuple[Frame, Tracks]]:
    follower = Follower(pipeline(), KNOWN, live, every_frame)
    return [(at, tracks) for at, tracks in follower.follow(film(where, seconds)) if at is not None]


def follow_family(where: Where, seconds: float, exclusive: bool = True, live: bool = False) -> list[list[str]]:
    """What is said of the tracks in each frame: a name, unknown, or ?; sorted."""
    follower = Follower(pipeline(), FAMILY, live, exclusive=exclusive)
    return [
        sorted((name or "unknown") if settled else "?" for name, settled in zip(t.names, t.settled, strict=True))
        for at, t in follower.follow(film(where, seconds))
        if at is not None
    ]


def numbers(steps: list[tuple[Frame, Tracks]], name: str | None) -> set[int]:
    """The tracks that ever had a settled name."""
    return {
        int(i) for _, t in steps for i, who, sure in zip(t.ids, t.names, t.settled, strict=True) if sure and who == name
    }


def middles(tracks: Tracks) -> dict[int, tuple[float, float]]:
    return {
        int(i): ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) for i, box in zip(tracks.ids, tracks.xyxy, strict=True)
    }


def walking(t: float) -> dict[str, tuple[float, float]]:
    return {"Ada": (50 + 60 * t, 60 + 20 * np.sin(4 * t)), "Cleo": (200, 130)}


def test_everybody_has_one_track_and_one_name() -> None:
    steps = follow(walking, 3)
    assert [at.index for at, _ in steps] == list(range(75))
    assert {int(number) for _, tracks in steps for number in tracks.ids} == {1, 2}
    last = steps[-1][1]
    assert set(last.names) == {"Ada", None}
    assert last.settled.all() and last.visible.all()
    ada = last.ids[last.names.index("Ada")]
    for at, tracks in steps[2 * EVERY :]:
        assert middles(tracks)[int(ada)] == pytest.approx(walking(at.time)["Ada"], abs=6)


def test_a_name_is_shown_only_when_it_is_settled() -> None:
    steps = follow(walking, 2)
    shown = [at.index for at, tracks in steps if "Ada" in tracks.names]
    assert shown == list(range(shown[0], len(steps)))  # and then it stays
    assert 2 * EVERY <= shown[0] <= 3 * EVERY
    for _, tracks in steps[: shown[0]]:
        assert np.isnan(tracks.probability[~tracks.settled]).all()


def test_a_file_gives_the_same_each_time() -> None:
    first, second = follow(walking, 2), follow(walking, 2)
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert a.ids.tolist() == b.ids.tolist()
        assert a.names == b.names
        assert (a.xyxy == b.xyxy).all()


@pytest.mark.parametrize(("speed", "live"), [(40, False), (80, False), (160, False), (40, True), (80, True)])
def test_people_who_cross_keep_their_tracks(speed: float, live: bool) -> None:
    """Bob walks past behind Ada; both cross the whole picture."""

    def crossing(t: float) -> dict[str, tuple[float, float]]:
        return {"Bob": (290 - speed * t, 95), "Ada": (30 + speed * t, 90)}

    steps = follow(crossing, 250 / speed, live)
    assert len(numbers(steps, "Ada")) == 1
    assert len(numbers(steps, "Bob")) == 1
    end = steps[-1][1]
    (ada,), (bob,) = numbers(steps, "Ada"), numbers(steps, "Bob")
    assert middles(end)[ada][0] > middles(end)[bob][0] + 100


def test_who_is_hidden_for_a_moment_is_waited_for() -> None:
    def passing(t: float) -> dict[str, tuple[float, float]]:
        return {"Ada": (160, 90), "Bob": (20 + 100 * t, 92)}

    steps = follow(passing, 3)
    assert len(numbers(steps, "Ada")) == len(numbers(steps, "Bob")) == 1
    (ada,) = numbers(steps, "Ada")
    behind = [bool(tracks.visible[tracks.ids == ada][0]) for at, tracks in steps if 1.45 < at.time < 1.6]
    assert behind and not any(behind)
    assert steps[-1][1].visible.all()


@pytest.mark.parametrize(("away", "tracks"), [(LOST_SECONDS / 2, 1), (LOST_SECONDS + 1, 2)])
def test_who_leaves_and_comes_back(away: float, tracks: int) -> None:
    def leaving(t: float) -> dict[str, tuple[float, float]]:
        out = min(max(t - 1.5, 0), 0.5), max(t - 2 - away, 0)
        x = 280 + 160 * (out[0] - min(out[1], 0.5))
        return {"Ada": (x, 90), "Cleo": (60, 90)}

    steps = follow(leaving, 5 + away)
    assert len(numbers(steps, "Ada")) == tracks
    assert steps[-1][1].names.count("Ada") == 1
    assert len(numbers(steps, None)) == 1


def test_a_cut_ends_all_tracks() -> None:
    """Another takes the very place of who was there."""

    other = np.asarray(cv2.resize(noise(5, 8)[..., :1].repeat(3, axis=2), (320, 180)), np.uint8)
    other[66:114, 136:184] = stage({"Bob": (160, 90)})[66:114, 136:184]
    shots = [stage({"Ada": (160, 90)}), other]
    frames = [frame(shots[index >= 40], index, RATE) for index in range(80)]
    steps = [(at, tracks) for at, tracks in Follower(pipeline(), KNOWN, live=False).follow(frames) if at]
    assert numbers(steps, "Ada") == {1}
    assert numbers(steps, "Bob") == {2}
    assert all(1 not in tracks.ids for at, tracks in steps if at.index >= 40)


def test_somebody_else_in_the_same_place_is_another_track() -> None:
    """No cut is to be seen, so little of the picture changes; the face that is looked at again tells."""

    def swapped(t: float) -> dict[str, tuple[float, float]]:
        return {"Ada" if t < 2 else "Cleo": (160, 90)}

    steps = follow(swapped, 5)
    assert numbers(steps, "Ada").isdisjoint(numbers(steps, None))
    assert steps[-1][1].names == (None,)


def test_a_face_found_once_is_no_track_but_counted() -> None:
    def flash(t: float) -> dict[str, tuple[float, float]]:
        return {"Ada": (160, 90)} if t < 0.04 else {}

    steps = follow(flash, 2)
    assert all(len(tracks) == 0 for _, tracks in steps)
    assert {tracks.seen_once for _, tracks in steps} == {1}


@pytest.mark.parametrize("live", [False, True])
def test_a_video_of_one_frame_has_been_looked_at(live: bool) -> None:
    *_, (_, tracks) = Follower(pipeline(), KNOWN, live).follow([frame(stage({"Ada": (160, 90), "Cleo": (40, 90)}), 0)])
    assert (len(tracks), tracks.seen_once, tracks.looked) == (0, 2, 0)


def test_a_frame_every_three_seconds_is_enough_to_name_who_stays() -> None:
    """The one stays and is named by the third look; the other passes between the first two."""
    pictures = [
        stage({"Ada": (160.0 + 12 * index, 90.0)} | ({"Cleo": (40, 90)} if index == 0 else {})) for index in range(4)
    ]
    frames = [frame(picture, index, rate=1 / 3) for index, picture in enumerate(pictures)]
    shown = [tracks for at, tracks in Follower(pipeline(), KNOWN, live=False).follow(frames) if at]
    assert [tracks.ids.tolist() for tracks in shown] == [[], [1], [1], [1]]
    assert [tracks.names for tracks in shown[1:]] == [(None,), ("Ada",), ("Ada",)]
    assert [tracks.seen_once for tracks in shown] == [2, 1, 1, 1]


def test_a_pause_ends_all_tracks() -> None:
    """Nobody saw who was there during ten minutes between two frames of a usual video."""
    picture = stage({"Ada": (160, 90)})
    times = [index / RATE for index in range(30)]
    frames = [Frame(picture, index, at, at) for index, at in enumerate([*times, *(600 + at for at in times)])]
    shown = [(at.time, tracks) for at, tracks in Follower(pipeline(), KNOWN, live=False).follow(frames) if at]
    assert {number for at, tracks in shown for number in tracks.ids.tolist() if at < 600} == {1}
    assert {number for at, tracks in shown for number in tracks.ids.tolist() if at >= 600} == {2}


def test_a_slow_camera_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its frames are farther apart than a lost track is kept, and the detector is fast."""
    clock = [0.0]
    monkeypatch.setattr(video_follower, "monotonic", lambda: clock[0])

    def slow() -> Iterator[Frame | None]:
        for index in range(4):
            clock[0] = 3.0 * index
            yield frame(stage({"Ada": (160, 90)}), index, rate=1 / 3)
            time.sleep(0.1)  # for the detector, which is not waited for
            clock[0] += 2.9
            yield None

    *_, (_, tracks) = Follower(pipeline(), KNOWN, live=True).follow(slow())
    assert (tracks.ids.tolist(), tracks.names) == ([1], ("Ada",))


def test_a_detector_slower_than_a_lost_track_is_kept_still_names_who_stays() -> None:
    free = threading.Event()

    class Slow(ColourDetector):
        def detect(self, image: Image) -> Faces:
            assert free.wait(20)
            free.clear()
            return super().detect(image)

    seconds = 3.0  # of film that pass during one look

    def film_of_slow_looks() -> Iterator[Frame]:
        for index in range(40):
            yield frame(stage({"Ada": (160, 90)}), index, rate=10 / seconds)
            if index % 10 == 9:
                free.set()
                time.sleep(0.1)

    shown = [tracks for _, tracks in Follower(pipeline(Slow()), KNOWN, live=True).follow(film_of_slow_looks())]
    assert shown[-1].names == ("Ada",)
    assert shown[-1].ids.tolist() == [1]


def test_looking_at_every_frame_shows_no_face_before_it_is_found() -> None:
    for live in (False, True):
        steps = follow(walking, 0.5, live, every_frame=True)
        assert [len(tracks) for _, tracks in steps] == [2] * len(steps)
        assert [at.index for at, _ in steps] == list(range(len(steps)))


def test_few_faces_are_embedded() -> None:
    embedder, detector = ColourEmbedder(), ColourDetector()
    list(Follower(pipeline(detector, embedder), KNOWN, live=False).follow(film(walking, 6)))
    assert detector.looks == -(-150 // EVERY)
    assert embedder.embedded <= 2 * (3 + 3)  # until they are settled, and then every two seconds


def test_tracks_that_end_are_told() -> None:
    follower = Follower(pipeline(), KNOWN, live=False)
    ended: list[tuple[int, str | None]] = []
    follower.tracker.ended = lambda track: ended.append((track.number, track.identity.name))
    list(follower.follow(film(walking, 2)))
    assert sorted(ended, key=lambda each: each[0]) == [(1, "Ada"), (2, None)]


def test_frames_that_do_not_come_are_handed_on() -> None:
    for live in (False, True):
        frames: list[Frame | None] = [None, *film(walking, 0.2), None]
        steps = list(Follower(pipeline(), KNOWN, live).follow(frames))
        assert sum(at is None for at, _ in steps) in ((2, 3) if live else (2,))  # after the last look
        assert sum(at is not None for at, _ in steps) == 5


@pytest.mark.parametrize("every_frame", [False, True])
@pytest.mark.parametrize(("live", "there"), [(True, 0), (False, 1)])
def test_who_is_there_when_a_stream_drops_leaves(
    monkeypatch: pytest.MonkeyPatch, live: bool, there: int, every_frame: bool
) -> None:
    """Of a file, frames are only late."""
    clock = [0.0]
    monkeypatch.setattr(video_follower, "monotonic", lambda: clock[0])
    ended: list[int] = []

    def dropping() -> Iterator[Frame | None]:
        for at in film(lambda _: {"Ada": (160, 90)}, 2):
            time.sleep(0.005)  # for the detector, where it is not waited for
            clock[0] = at.time
            yield at
        for _ in range(3):
            clock[0] += LOST_SECONDS / 2
            yield None

    follower = Follower(pipeline(), KNOWN, live, every_frame)
    follower.tracker.ended = lambda track: ended.append(track.number)
    away = []
    for at, tracks in follower.follow(dropping()):
        if at is None:
            away.append((len(tracks), list(ended)))
    last = there, [1] * (1 - there)
    assert away in ([(1, []), (1, []), last], [(1, []), (1, []), last, last])  # once more after the last look


def test_live_never_waits_for_the_detector() -> None:
    """Frames go on while the detector is slow; its late result is moved to where the face is by then."""
    stuck = threading.Event()

    class Slow(ColourDetector):
        def detect(self, image: Image) -> Faces:
            stuck.wait(20)
            return super().detect(image)

    follower = Follower(pipeline(Slow()), KNOWN, live=True)
    seen: list[tuple[Frame, Tracks]] = []
    for at, tracks in follower.follow(film(walking, 4)):
        assert at is not None
        seen.append((at, tracks))
        if at.index == 20:
            stuck.set()
        if stuck.is_set():
            time.sleep(0.005)
    assert not any(len(tracks) for _, tracks in seen[:21])
    last, tracks = seen[-1]
    ada = middles(tracks)[int(tracks.ids[tracks.names.index("Ada")])]
    assert ada == pytest.approx(walking(last.time)["Ada"], abs=8)


def test_an_error_of_the_detector_comes_out() -> None:
    class Broken(ColourDetector):
        def detect(self, image: Image) -> Faces:
            raise ValueError("broken")

    for live in (False, True):
        with pytest.raises(ValueError, match="broken"):
            for _ in Follower(pipeline(Broken()), KNOWN, live).follow(film(walking, 1)):
                time.sleep(0.005)


def test_frames_read_ahead_take_no_more_than_so_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_follower, "READ_AHEAD_BYTES", 3 * stage({}).nbytes)
    taken: list[int] = []

    def source() -> Iterator[Frame]:
        for at in film(walking, 1):
            taken.append(at.index)
            yield at

    steps = Follower(pipeline(), KNOWN, live=False).follow(source())
    assert [at.index for at, _ in steps if at and at.index == max(taken) - 3][:5] == [0, 1, 2, 3, 4]


def test_a_file_is_looked_at_ahead_by_all_cores() -> None:
    """Detections start in all frames that are read ahead while the first step is awaited."""
    detector = ColourDetector()
    steps = Follower(pipeline(detector), KNOWN, live=False).follow(film(walking, 4))
    next(steps)
    time.sleep(0.2)
    assert detector.looks == CORES + 1
    steps.close()


def test_numbers_only_grow() -> None:
    steps = follow(lambda t: {"Ada": (60 + 40 * t, 60.0)} | ({"Bob": (200.0, 120.0)} if 1 < t < 2 or t > 5 else {}), 7)
    highest = [max(tracks.ids, default=0) for _, tracks in steps]
    assert all(a <= b for a, b in pairwise(np.maximum.accumulate(highest)))
    assert len(numbers(steps, "Bob")) == 2


@pytest.mark.parametrize(
    ("second", "names"), [("Bob", ["Daughter", "Son"]), ("Cleo", ["Daughter", "unknown"])], ids=["next best", "none"]
)
@pytest.mark.parametrize("live", [False, True])
def test_two_who_are_seen_together_are_never_given_the_same_name(second: str, names: list[str], live: bool) -> None:
    def both(t: float) -> dict[str, tuple[float, float]]:
        return {second: (220, 90), **({"Ada": (80 + 10 * t, 90)} if t > 1.5 else {})}

    said = follow_family(both, 4, live=live)
    assert said[-1] == names
    settled = [row for at, row in enumerate(said) if "?" not in row and (at == 0 or row != said[at - 1])]
    assert settled[-2:] == [["Daughter"], names] or settled[-1] == names  # and no changes to and fro
    assert sum(row == names for row in settled) == 1
    assert all(row.count("Daughter") <= 1 for row in said)


def test_in_a_mirror_two_may_have_the_same_name() -> None:
    said = follow_family(lambda t: {"Ada": (80, 90), "Cleo": (220, 90)}, 2, exclusive=False)
    assert said[-1] == ["Daughter", "Daughter"]


def test_who_leaves_does_not_leave_their_name_to_others() -> None:
    def leaving(t: float) -> dict[str, tuple[float, float]]:
        return {"Cleo": (220, 90), **({"Ada": (80 - 100 * max(t - 2, 0), 90)} if t < 3.5 else {})}

    said = follow_family(leaving, 7)
    assert said[-1] == ["unknown"]
    assert all(row.count("Daughter") <= 1 for row in said)
