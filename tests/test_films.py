"""Made videos: what is said to be in a frame is there, and it is the same each time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import films
from benchmarks.films import Film, Head
from benchmarks.photographs import DATA
from benchmarks.video import bars
from benchmarks.video_chains import CLIP, Paced, of_the_clip
from benchmarks.video_correctness import SHOTS, matched, score, truly
from faces.detection import Detector
from faces.evaluation.searches.trials import by_person
from faces.pipeline import Pipeline
from faces.video.tracks import Tracks

pytestmark = pytest.mark.slow

WH = 640, 360


@pytest.fixture(scope="module")
def cast() -> list[Head]:
    return films.drawn(20)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Pipeline.load(min_face=60).detector


def shares(film: Film, person: str) -> list[float]:
    """How much of somebody's face is seen, frame by frame; -1 where they are not there."""
    truths = map(film.truth, range(len(film)))
    return [dict(zip(truth.people, truth.visible.tolist(), strict=True)).get(person, -1) for truth in truths]


def spell(values: list[float], rate: float, inside: Callable[[float], bool]) -> float:
    """For how long (s) values are so."""
    return sum(map(inside, values)) / rate


def test_the_detector_finds_who_is_there_and_nobody_else(cast: list[Head], detector: Detector) -> None:
    found = there = 0
    for film in [*films.hard(cast, WH), films.standing(cast[:5], WH)]:
        for index in range(0, len(film), 71):
            truth, faces = film.truth(index), detector.detect(film.image(index))
            mine = matched(faces.xyxy, truth)
            assert len(mine) == len(faces), (film.name, index)
            assert all(truth.visible[person] > 0.2 for person in mine), (film.name, index)
            there += int((truth.visible > 0.95).sum())
            found += sum(bool(truth.visible[person] > 0.95) for person in mine)
    assert there > 60
    assert found / there > 0.97


def test_a_film_is_the_same_each_time_and_in_any_order(cast: list[Head]) -> None:
    first, again = (films.shaking(films.drawn(2), WH, 1) for _ in range(2))
    forwards = [frame.image for frame in first.frames()]
    films.texture.cache_clear()
    for index in (17, 3, 29):
        np.testing.assert_array_equal(again.image(index), forwards[index])
        np.testing.assert_array_equal(again.truth(index).xyxy, first.truth(index).xyxy)
    assert len(forwards) == len(first) == 30
    assert (forwards[0] != forwards[1]).any()


def test_frames_are_those_of_a_source(cast: list[Head]) -> None:
    film = films.standing(cast[:1], WH, seconds=0.2, rate=25)
    frames = list(film.frames())
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert {frame.image.shape for frame in frames} == {(360, 640, 3)}
    assert sorted(frames, key=lambda frame: frame.arrived) == frames
    with pytest.raises(IndexError, match="no frame 5"):
        film.truth(5)


@pytest.mark.parametrize("wh", [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("count", [1, 5, 20])
def test_who_stands_is_in_the_picture_and_in_nobodys_way(cast: list[Head], count: int, wh: tuple[int, int]) -> None:
    film = films.standing(cast[:count], wh)
    assert len(film) == 300
    for truth in map(film.truth, range(0, 300, 10)):
        assert len(truth.people) == len(set(truth.people)) == count
        assert (truth.visible > 0.97).all()
        assert (truth.xyxy[:, :2] >= 0).all() and (truth.xyxy[:, 2:] <= wh).all()
        sizes = truth.xyxy[:, 2:] - truth.xyxy[:, :2]
        assert (sizes[:, 0] >= 70).all()
        if count < 20:
            assert np.median(sizes[:, 1]) == pytest.approx(wh[1] / 6, rel=0.15)
        overlaps = matched(truth.xyxy, truth)
        assert overlaps == {i: i for i in range(count)}
    moved = film.truth(0).xyxy - film.truth(30).xyxy
    assert (abs(moved).max(axis=1) > 1).all()


@pytest.mark.parametrize("speed", [1, 5])
def test_who_crosses_is_hidden_for_a_moment(cast: list[Head], speed: float) -> None:
    film = films.crossing(cast[:2], WH, speed)
    behind, before = (shares(film, head.name) for head in cast[:2])
    assert min(before) > 0.97
    assert min(behind) < 0.3 and min(behind[0], behind[-1]) > 0.97
    first, last = film.truth(0).xyxy[:, 0], film.truth(len(film) - 1).xyxy[:, 0]
    assert np.sign(np.diff(first)) == -np.sign(np.diff(last))
    assert spell(behind, film.rate, lambda share: share < 0.5) == pytest.approx(0.5 / speed, rel=0.5)


@pytest.mark.parametrize("gone", [0.7, 3])
def test_who_leaves_comes_back(cast: list[Head], gone: float) -> None:
    film = films.leaving(cast[:2], WH, gone)
    stays, leaves = (shares(film, head.name) for head in cast[:2])
    assert min(stays) > 0.97
    assert leaves[0] > 0.97 and leaves[-1] > 0.97 and -1 in leaves
    assert gone <= spell(leaves, film.rate, lambda share: share <= 0) <= gone + 1.5
    assert any(0 < share < 1 for share in leaves)  # at the edge


@pytest.mark.parametrize("gone", [0.3, 4])
def test_who_turns_turns_back(cast: list[Head], gone: float) -> None:
    film = films.turning(cast[:2], WH, gone)
    stays, turns = (shares(film, head.name) for head in cast[:2])
    assert min(stays) > 0.97
    assert turns[0] > 0.97 and turns[-1] > 0.97 and -1 not in turns
    assert gone <= spell(turns, film.rate, lambda share: share == 0) <= gone + 0.8
    change = round(film.scenes[0].actors[1].again * film.rate)
    assert set(turns[change - 2 : change + 2]) == {0}  # the face is another one while it is not seen


def test_a_cut_puts_others_in_the_same_places(cast: list[Head]) -> None:
    film = films.cut(cast[:4], WH, seconds=1)
    before, after = film.truth(29), film.truth(30)
    assert (before.people, after.people) == (tuple(h.name for h in cast[:2]), tuple(h.name for h in cast[2:4]))
    assert matched(before.xyxy, after) == {0: 0, 1: 1}
    assert cv2.absdiff(film.image(29), film.image(30)).mean() > 2 * cv2.absdiff(film.image(28), film.image(29)).mean()


def test_a_shaking_camera_moves_everything(cast: list[Head]) -> None:
    still, shaken = films.standing(cast[:2], WH, 1), films.shaking(cast[:2], WH, 1)
    strays = np.array([shaken.truth(i).xyxy - still.truth(i).xyxy for i in range(30)])
    assert np.ptp(strays[:, 0, 0]) > 8
    np.testing.assert_allclose(strays[:, 0, :2], strays[:, 1, 2:], atol=1e-3)
    corners = [shaken.image(i)[:60, :60].astype(float) for i in (0, 4)]
    shift = np.round(strays[4, 0, :2]) - np.round(strays[0, 0, :2])
    found, _ = cv2.phaseCorrelate(*(cv2.cvtColor(c.astype(np.float32), cv2.COLOR_BGR2GRAY) for c in corners))
    np.testing.assert_allclose(found, shift, atol=1)


def test_a_video_and_its_truth_in_files(cast: list[Head], tmp_path: Path) -> None:
    film = films.standing(cast[:2], WH, 1)
    path = films.write(film, tmp_path / "film.mp4", frames=7)
    capture = cv2.VideoCapture(str(path))
    images = []
    while (read := capture.read())[0]:
        images.append(read[1])
    assert len(images) == 7
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(30)
    for index, image in enumerate(images):
        assert cv2.absdiff(image, film.image(index)).mean() < 8
    truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (truth["width"], truth["height"], truth["rate"], len(truth["frames"])) == (*WH, 30, 7)
    for index, row in enumerate(truth["frames"]):
        np.testing.assert_allclose([one["box"] for one in row], film.truth(index).xyxy, atol=0.06)
        assert tuple(one["person"] for one in row) == film.truth(index).people
        assert all(one["visible"] == 1 for one in row)


@pytest.mark.skipif(not (DATA / "people").is_dir(), reason="no photographs in ../shared/data/people")
def test_photographs_are_filmed_where_they_are_said_to_be(detector: Detector) -> None:
    cast = films.photographed({name: paths[-2:] for name, paths in list(by_person(DATA / "people").items())[:5]})
    film = films.standing(cast)
    for index in (0, 100, 200):
        truth, faces = film.truth(index), detector.detect(film.image(index))
        assert len(faces) == len(matched(faces.xyxy, truth)) >= 4


# How benchmarks/video.py and video_correctness.py judge


def perfect(film: Film, name: Callable[[str, int], str | None]) -> list[tuple[int, Tracks]]:
    """The truth, as tracks: numbered as the people are, named by ``name(person, index)``."""
    seen, numbers = [], dict[str, int]()
    for index in range(len(film)):
        truth = film.truth(index)
        n = len(truth.people)
        ids = np.array([numbers.setdefault(person, len(numbers) + 1) for person in truth.people], np.intp)
        names, values = tuple(name(person, index) for person in truth.people), np.zeros(n, np.float32)
        seen.append((index, Tracks(ids, truth.xyxy, names, np.ones(n, bool), values, values, np.ones(n, bool))))
    return seen


def test_the_truth_itself_has_a_perfect_score(cast: list[Head]) -> None:
    film, a = films.leaving(cast[:2], WH, 0.7), cast[0].name
    row = score(film, perfect(film, lambda person, index: a if person == a else None), {a, "another"})
    assert (row["people"], row["tracks"], row["switches"], row["of two people"], row["nobody's, frames"]) == (
        2,
        2,
        0,
        0,
        0,
    )
    assert (row["followed"], row["right"], row["wrong"], row["the last"]) == ("100.0%", "100.0%", "0.0%", "0.00")


def test_names_that_are_wrong_late_or_exchanged_are_counted(cast: list[Head]) -> None:
    film, (a, b) = films.crossing(cast[:2], WH), (head.name for head in cast[:2])
    late = score(film, perfect(film, lambda person, index: person if index >= 30 else None), {a, b})
    assert (late["wrong"], late["named after, s"]) == ("0.0%", "1.00")
    wrong = score(film, perfect(film, lambda person, index: b), {a, b})
    assert float(wrong["wrong"].rstrip("%")) > 40 and wrong["the last"] == "inf"
    seen = perfect(film, lambda person, index: person)
    half = len(film) // 2
    seen[half:] = [(index, replace(tracks, ids=3 - tracks.ids)) for index, tracks in seen[half:]]
    exchanged = score(film, seen, {a, b})
    assert (exchanged["tracks"], exchanged["switches"], exchanged["of two people"]) == (2, 2, 2)


def test_nobodys_tracks_are_counted(cast: list[Head]) -> None:
    film = films.standing(cast[:1], WH, 0.1)
    value, yes = np.zeros(1, np.float32), np.ones(1, bool)
    away = np.array([[0, 0, 20, 20]], np.float32)
    seen = [(index, Tracks(np.array([7]), away, (None,), yes, value, value, yes)) for index in range(3)]
    row = score(film, [*seen[:2], (2, Tracks.empty())], {cast[0].name})
    assert (row["nobody's, frames"], row["followed"], row["tracks"]) == (2, "0.0%", 0)


@pytest.mark.skipif(not CLIP.is_file(), reason="no clip in ../shared/data/video")
def test_the_shots_of_the_clip_are_where_it_is_cut() -> None:
    capture, images = cv2.VideoCapture(str(CLIP)), []
    while (read := capture.read())[0]:
        images.append(cv2.resize(read[1], (64, 36), interpolation=cv2.INTER_AREA).astype(int))
    changes = abs(np.diff(np.array(images), axis=0)).mean(axis=(1, 2, 3))
    cuts = sorted(int(i) + 1 for i in np.argsort(changes)[-3:])
    assert cuts == [shot.first for shot in SHOTS[1:]]
    assert [shot.last + 1 for shot in SHOTS] == [*cuts, len(images)]


@pytest.mark.skipif(not (DATA / "photos").is_dir(), reason="no photographs in ../shared/data/photos")
def test_both_people_of_the_clip_are_enrolled() -> None:
    assert {name: len(paths) for name, paths in of_the_clip().items()} == {"alex-lacamoire": 3, "lin-manuel-miranda": 1}


def test_who_is_in_the_clip() -> None:
    assert truly(10, np.array([520, 40, 560, 90], np.float32)) == "lin-manuel-miranda"
    assert truly(10, np.array([40, 170, 80, 210], np.float32)) == "alex-lacamoire"
    assert truly(40, np.array([330, 120, 480, 300], np.float32)) == "alex-lacamoire"
    assert truly(57, np.array([480, 130, 520, 180], np.float32)) is None  # a guest
    assert truly(220, np.array([300, 60, 400, 180], np.float32)) is None


def test_a_paced_source_waits_for_nobody() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in range(4)]
    source = Paced("paced", images, of=30, rate=60, seconds=0.2)
    frames = list(source.frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 0, 1, 2, 2, 2, 3, 2, 2, 2, 1, 0]
    assert np.diff([frame.arrived for frame in frames]) == pytest.approx(1 / 60)
    source.close()
    assert len(list(source.frames())) < 2


def test_bars() -> None:
    files = [
        {"video": "the clip", "chain": "built-in", "a second": 50.0, "times the recipe": 3.9},
        {"video": "720p, 5 faces", "chain": "built-in", "a second": 30.0, "times the recipe": None},
    ]
    live = {"video": "x", "source, a second": 30, "p50, second quarter": 20.0, "p50, last quarter": 50.0, "p99": 60.0}
    rows = bars(
        files,
        [
            {**live, "chain": "built-in", "keeps up": True},
            {**live, "chain": "built-in", "keeps up": False},
            {**live, "chain": "the recipe", "keeps up": False},
        ],
    )
    assert [(row["measured"], row["met"]) for row in rows] == [
        (3.9, False),
        (30.0, True),
        (60.0, True),
        ("20.0 to 50.0", False),
    ]
