"""Challenges that a server has asked for: made sequences of measurements, and ids that end."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from faces.liveness.challenge import REASONS, Action, Challenge
from faces.server.vision.open_challenges import EXPIRES, MOST, OpenChallenges
from faces.types import Faces, Floats
from tests.fakes import faces_at
from tests.liveness.test_challenge import NEUTRAL, RATE, Pose, doing

ORDER: tuple[Action, ...] = ("turn left", "open mouth")
POSES = doing(ORDER)
PLACE = (100, 100, 200, 200)


class Clock:
    """Goes on by the time between two readings whenever it is read."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 1 / RATE
        return self.time


def opened() -> tuple[OpenChallenges, Clock]:
    clock = Clock()
    return OpenChallenges(lambda: Challenge(ORDER), clock), clock


def values(pose: Pose, count: int = 1) -> Floats:
    return np.array([list(pose.values())] * count, np.float32)


def shown(challenges: OpenChallenges, name: str, poses: Iterable[Pose], faces: Faces | None = None) -> str:
    """What comes of a challenge when a face shows these poses; "gone" if there is none of this id."""
    faces = faces_at(PLACE) if faces is None else faces
    for pose in poses:
        challenge = challenges.observe(name, faces, values(pose, len(faces)))
        if challenge is None:
            return "gone"
        if challenge.outcome != "running":
            return challenge.outcome if challenge.outcome == "passed" else challenge.reason
    return "running"


def test_who_does_what_is_asked_for_passes_once() -> None:
    challenges, _ = opened()
    name, _ = challenges.begin()
    assert shown(challenges, name, POSES) == "passed"
    assert shown(challenges, name, POSES) == "gone"


def test_a_still_picture_never_passes() -> None:
    challenges, _ = opened()
    for pose in (NEUTRAL, {**NEUTRAL, "yaw": 35.0}, {**NEUTRAL, "mouth": 0.6}):
        name, _ = challenges.begin()
        assert shown(challenges, name, [pose] * len(POSES) * 3) in (REASONS["late"], REASONS["not frontal"])
        assert shown(challenges, name, POSES) == "gone"


def test_it_expires() -> None:
    challenges, clock = opened()
    name, _ = challenges.begin()
    assert shown(challenges, name, POSES[:5]) == "running"
    clock.time += EXPIRES
    assert shown(challenges, name, POSES) == "gone"
    assert shown(challenges, "nonsense", POSES) == "gone"


def test_challenges_at_the_same_time_do_not_disturb_each_other() -> None:
    challenges, clock = opened()
    names = [challenges.begin()[0] for _ in range(2)]
    outcomes = dict.fromkeys(names, "running")
    for pose in POSES:
        for name in names:
            clock.time -= 0.5 / RATE
            if outcomes[name] == "running":
                outcomes[name] = shown(challenges, name, [pose])
    assert list(outcomes.values()) == ["passed", "passed"]
    first, *_ = [challenges.begin()[0] for _ in range(MOST + 1)]
    assert shown(challenges, first, POSES) == "gone"


def test_the_face_is_the_same_all_the_time() -> None:
    challenges, _ = opened()
    name, _ = challenges.begin()
    beside = faces_at(PLACE, (300, 0, 500, 200))  # larger, but not where the face was
    assert shown(challenges, name, POSES[:12]) == "running"
    assert shown(challenges, name, POSES[12:30], beside) == "running"
    assert shown(challenges, name, POSES[30:], faces_at((300, 0, 500, 200))) == REASONS["other face"]
    name, _ = challenges.begin()
    shown(challenges, name, POSES[:12])
    assert shown(challenges, name, POSES, Faces.empty()) == REASONS["no face"]
