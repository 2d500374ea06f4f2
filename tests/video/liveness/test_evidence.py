"""The answer ``live`` of tracks, from pixels and motion, with made surfaces."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from faces.attributes.answers import Answers, Head, short
from faces.attributes.computed import LIVE
from faces.video.liveness.evidence import MOTION, PIXELS, Evidence, track_heads
from faces.video.tracks import Frame, Tracks
from tests.liveness.test_motion import BOX, FRAMES, RATE, plane, relief

AGE = Head("age", unit="years")
HEADS = (AGE, LIVE)


def tracks(live: float | None, number: int = 1) -> Tracks:
    """One visible face, aged 30, that is so probably live by its pixels; None: nothing is known of it yet."""
    nan, yes = np.full(1, np.nan, np.float32), np.ones(1, np.bool_)
    values = {"age": np.array([[30]], np.float32), "live": np.array([[live or 0, 1 - (live or 0)]], np.float32)}
    answers = None if live is None else Answers(HEADS, values)
    return Tracks(np.array([number]), BOX[None], (None,), ~yes, nan, nan, yes, answers)


def last(picture: Callable[[int], NDArray[np.uint8]], shown: Tracks) -> dict[str, object]:
    """The answers after a window of somebody's motion."""
    frames = (
        Frame(np.asarray(cv2.cvtColor(picture(k), cv2.COLOR_GRAY2BGR), np.uint8), k, k / RATE, 0.0)
        for k in range(FRAMES)
    )
    *_, (_, marked) = Evidence(HEADS).over([*((frame, shown) for frame in frames), (None, shown)])
    return marked.attributes(0)


def probability(answers: dict[str, object], name: str) -> float:
    value = answers[name]
    assert isinstance(value, float)
    return value


def test_who_is_live_by_pixels_and_moves_as_a_head_is_live() -> None:
    answers = last(relief, tracks(0.9))
    assert answers["live"] == {"value": "live", "probabilities": {"live": 0.9, "spoof": 0.1}}
    assert probability(answers, "live_pixels") == 0.9 and probability(answers, "live_motion") > 0.5
    assert answers["age"] == 30.0


def test_motion_has_a_veto() -> None:
    answers = last(plane, tracks(0.9))
    assert answers["live"] == {"value": "spoof", "probabilities": {"live": 0.01, "spoof": 0.99}}
    assert probability(answers, "live_pixels") == 0.9 and probability(answers, "live_motion") < 0.5
    assert short(answers) == ("30", "spoof")  # the evidence is not drawn


def test_motion_makes_nobody_live() -> None:
    answers = last(relief, tracks(0.02))
    assert answers["live"] == {"value": "spoof", "probabilities": {"live": 0.02, "spoof": 0.98}}
    for unknown in (tracks(float("nan")), tracks(None)):
        answers = last(relief, unknown)
        assert "live" not in answers and "live_pixels" not in answers and probability(answers, "live_motion") > 0.5


def test_who_keeps_still_is_judged_by_pixels() -> None:
    answers = last(lambda k: plane(0), tracks(0.9))
    assert "live_motion" not in answers
    assert answers["live"] == {"value": "live", "probabilities": {"live": 0.9, "spoof": 0.1}}


def test_a_track_that_ends_is_forgotten() -> None:
    evidence = Evidence(HEADS)
    pictures = [np.asarray(cv2.cvtColor(plane(k), cv2.COLOR_GRAY2BGR), np.uint8) for k in range(FRAMES)]
    frames = [(Frame(picture, k, k / RATE, 0.0), tracks(0.9)) for k, picture in enumerate(pictures)]
    *_, (_, marked) = evidence.over(frames)
    assert "live_motion" in marked.attributes(0)
    [(_, other)] = evidence.over([(frames[0][0], tracks(0.9, 2))])
    assert "live_motion" not in other.attributes(0)
    assert "live_motion" not in evidence.marked(tracks(0.9)).attributes(0)


def test_nobody() -> None:
    assert len(Evidence(HEADS).marked(Tracks.empty())) == 0
    frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, 0.0)
    [(_, marked)] = Evidence(HEADS).over([(frame, Tracks.empty())])
    assert marked.answers is not None and marked.answers.heads == (*HEADS, PIXELS, MOTION)


@pytest.mark.parametrize(("heads", "expected"), [(HEADS, (*HEADS, PIXELS, MOTION)), ((AGE,), (AGE,)), ((), ())])
def test_only_of_live_is_there_evidence(heads: tuple[Head, ...], expected: tuple[Head, ...]) -> None:
    assert track_heads(heads) == expected
