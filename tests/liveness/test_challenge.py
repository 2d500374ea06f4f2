"""The challenge, with made sequences of measurements: who passes, and that a photograph never does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from faces.liveness.challenge import (
    ACTIONS,
    LIMIT,
    LOOK_TEXT,
    REASONS,
    TEXTS,
    TURNS,
    Action,
    Challenge,
    Reading,
    drawn,
)

RATE = 20.0  # readings a second
NEUTRAL = {"yaw": 2.0, "pitch": -3.0, "eyes": 0.28, "mouth": 0.02}
TARGETS: dict[Action, dict[str, float]] = {
    "turn left": {"yaw": 35.0},
    "turn right": {"yaw": -31.0},
    "blink": {"eyes": 0.05},
    "open mouth": {"mouth": 0.6},
}
READINGS = int((2 * LIMIT + 2) * RATE)  # after these, there is an outcome
SPEEDS = {"yaw": 90.0, "pitch": 60.0, "eyes": 3.0, "mouth": 3.0}  # a second
ORDERS = [order for order in itertools.permutations(ACTIONS, 3) if any(action in TURNS for action in order)]

Pose = dict[str, float]


def going(poses: Iterable[tuple[Pose, float]], rate: float = RATE) -> list[Pose]:
    """Return somebody's poses at each reading: on the way to each pose, and then there for some seconds."""
    now, made = dict(NEUTRAL), []
    for pose, seconds in poses:
        target, left = {**NEUTRAL, **pose}, seconds
        while left > 0:
            on_the_way = False
            for name, value in target.items():
                step = float(np.clip(value - now[name], -SPEEDS[name] / rate, SPEEDS[name] / rate))
                on_the_way |= abs(value - now[name]) > abs(step) + 1e-9
                now[name] += step
            made.append(dict(now))
            left -= 0 if on_the_way else 1 / rate
    return made


def readings(poses: Iterable[Pose], rate: float = RATE, noise: float = 0.0, track: int = 7) -> list[Reading]:
    rng = np.random.default_rng(1)
    scale = {"yaw": 2.0, "pitch": 2.0, "eyes": 0.03, "mouth": 0.03}
    return [
        Reading(k / rate, track, **{name: value + noise * scale[name] * rng.normal() for name, value in pose.items()})
        for k, pose in enumerate(poses)
    ]


def doing(actions: Sequence[Action], rate: float = RATE) -> list[Pose]:
    """Return the poses of somebody who does what is asked for."""
    each: list[tuple[tuple[Pose, float], tuple[Pose, float]]] = [
        (({}, 0.8), (TARGETS[action], 0.3 if action == "blink" else 0.5)) for action in actions
    ]
    return going([*itertools.chain(*each), ({}, 1.0)], rate)


def outcome(challenge: Challenge, each: Iterable[Reading]) -> tuple[str, str]:
    for reading in each:
        challenge.observe(reading)
    return challenge.outcome, next((name for name, text in REASONS.items() if text == challenge.reason), "")


# Who passes


@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_who_does_what_is_asked_for_passes(order: tuple[Action, ...]) -> None:
    challenge = Challenge(order)
    assert outcome(challenge, readings(doing(order))) == ("passed", "")
    assert (challenge.done, challenge.track, challenge.action) == (3, 7, None)


@pytest.mark.parametrize("rate", [10.0, 15.0, 30.0, 60.0])
def test_at_other_rates(rate: float) -> None:
    assert outcome(Challenge(ACTIONS), readings(doing(ACTIONS, rate), rate)) == ("passed", "")


def test_with_the_noise_of_measurements() -> None:
    assert outcome(Challenge(ACTIONS), readings(doing(ACTIONS), noise=0.5)) == ("passed", "")


def test_what_to_do_is_said() -> None:
    order: tuple[Action, ...] = ("blink", "turn left")
    challenge, said = Challenge(order), []
    for reading in readings(doing(order)):
        said.append(challenge.text)
        challenge.observe(reading)
    texts = [text for text, _ in itertools.groupby([*said, challenge.text])]
    assert texts == [LOOK_TEXT, TEXTS["blink"], TEXTS["turn left"], "Passed"]


def test_somebody_whose_head_is_always_a_bit_turned_and_whose_eyes_are_small() -> None:
    poses = [{**pose, "yaw": pose["yaw"] - 12, "eyes": 0.5 * pose["eyes"]} for pose in doing(ORDERS[0])]
    assert outcome(Challenge(ORDERS[0]), readings(poses)) == ("passed", "")


def test_a_moment_without_a_face_is_no_matter() -> None:
    order: tuple[Action, ...] = ("turn left", "blink")
    each = readings(doing(order))
    each[20:24] = [Reading(reading.time) for reading in each[20:24]]
    assert outcome(Challenge(order), each) == ("passed", "")


def test_everybody_blinks_while_doing_something_else() -> None:
    poses = going([({}, 1), (TARGETS["turn left"], 0.5), ({"eyes": 0.03}, 0.2), ({}, 1)])
    challenge = Challenge(("turn left", "blink"))
    outcome(challenge, readings(poses))
    assert (challenge.outcome, challenge.done) == ("running", 1)


# Who does not


@pytest.mark.parametrize("order", ORDERS[::5], ids=", ".join)
@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("pose", [{}, *TARGETS.values()], ids=["neutral", *TARGETS])
def test_a_still_never_passes(order: tuple[Action, ...], noise: float, pose: Pose) -> None:
    challenge = Challenge(order)
    outcome(challenge, readings([{**NEUTRAL, **pose}] * READINGS, noise=noise))
    assert challenge.outcome in ("failed", "timed out")
    assert challenge.done == 0


@pytest.mark.parametrize("order", ORDERS[::5], ids=", ".join)
@pytest.mark.parametrize("pose", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("every", [0.1, 0.4, 1.0])
def test_two_stills_in_turns_never_pass(order: tuple[Action, ...], pose: Pose, every: float) -> None:
    shown = [[NEUTRAL, {**NEUTRAL, **pose}][int(k / RATE / every) % 2] for k in range(READINGS)]
    assert outcome(Challenge(order), readings(shown))[0] in ("failed", "timed out")


@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_the_right_still_at_the_right_time_does_not_pass(order: tuple[Action, ...]) -> None:
    challenge = Challenge(order)
    shown: Pose = NEUTRAL
    for k in range(READINGS):
        challenge.observe(Reading(k / RATE, 7, **shown))
        asked_for = challenge.action is not None and k % 20 >= 10
        shown = {**NEUTRAL, **TARGETS[challenge.action]} if asked_for and challenge.action else NEUTRAL
    assert (challenge.outcome, challenge.reason) == ("failed", REASONS["jump"])


def test_nobody() -> None:
    assert outcome(Challenge(), (Reading(k / RATE) for k in range(200))) == ("timed out", "not frontal")


@pytest.mark.parametrize("pose", [{"yaw": 30.0}, {"pitch": 40.0}, {"eyes": 0.03}, {"mouth": 0.5}], ids=str)
def test_a_face_that_is_not_neutral_at_the_start(pose: Pose) -> None:
    poses = [{**NEUTRAL, **pose}] * 200
    assert outcome(Challenge(("turn left", "open mouth")), readings(poses)) == ("timed out", "not frontal")


def test_the_wrong_order() -> None:
    assert outcome(Challenge(("turn left", "turn right")), readings(doing(("turn right", "turn left")))) == (
        "failed",
        "wrong",
    )
    assert outcome(Challenge(("blink", "turn left")), readings(doing(("open mouth", "turn left")))) == (
        "failed",
        "wrong",
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_that_is_never_undone(action: Action) -> None:
    order: tuple[Action, ...] = (action, "turn right" if action == "turn left" else "turn left")
    poses = going([({}, 1), (TARGETS[action], 10)])
    challenge = Challenge(order)
    assert outcome(challenge, readings(poses)) == ("timed out", "late")
    assert challenge.done == 0


def test_not_in_time() -> None:
    poses = going([({}, LIMIT + 1), (TARGETS["turn left"], 0.5), ({}, 1)])
    assert outcome(Challenge(("turn left", "blink")), readings(poses)) == ("timed out", "late")


def test_another_limit() -> None:
    poses = going([({}, 3), *[(TARGETS[action], 0.3) for action in ("turn left",)], ({}, 1)])
    assert outcome(Challenge(("turn left", "blink"), limit=2), readings(poses)) == ("timed out", "late")


def test_another_face() -> None:
    each = readings(doing(ORDERS[0]))
    each = [replace(reading, track=8) if reading.time > 1 else reading for reading in each]
    assert outcome(Challenge(ORDERS[0]), each) == ("failed", "other face")


def test_a_face_that_goes_away() -> None:
    each = readings(doing(ORDERS[0]))
    each = [Reading(reading.time) if 1 < reading.time < 2 else reading for reading in each]
    assert outcome(Challenge(ORDERS[0]), each) == ("failed", "no face")


def test_nothing_changes_an_outcome() -> None:
    challenge = Challenge(("turn left", "blink"))
    each = readings(doing(("blink", "turn left")))
    outcome(challenge, readings(doing(("turn right", "blink"))))
    assert challenge.outcome == "failed"
    later = [replace(reading, time=reading.time + 60) for reading in each]
    assert outcome(challenge, later) == ("failed", "wrong")


def test_odd_readings_raise_nothing() -> None:
    rng = np.random.default_rng(0)
    odd = [math.nan, math.inf, -math.inf, None, 0.0, 1e300, -1e300]
    for _ in range(50):
        challenge = Challenge()
        for k in range(50):
            time, *values = (odd[rng.integers(len(odd))] for _ in range(5))
            challenge.observe(Reading(k / RATE if rng.integers(2) else time or 0.0, int(rng.integers(3)), *values))
        assert challenge.outcome != "passed"


def test_readings_of_the_past_are_ignored() -> None:
    each = readings(doing(ORDERS[0]))
    twice = [reading for pair in zip(each, [each[0], *each], strict=False) for reading in pair]
    assert outcome(Challenge(ORDERS[0]), twice) == ("passed", "")


# What is asked for


def test_actions_are_drawn() -> None:
    orders = {drawn() for _ in range(400)}
    assert len(orders) == 3 * 2 * 2
    for count in (2, 3, 6):
        for order in (drawn(count) for _ in range(50)):
            assert len(order) == count and {*order} & {*TURNS}
            assert all(a != b for a, b in itertools.pairwise(order))
    for count in (0, 1):
        with pytest.raises(ValueError, match="2 actions or more"):
            drawn(count)


@pytest.mark.parametrize("actions", [(), ("blink",), ("blink", "open mouth"), ("turn left", "nod")])
def test_actions_that_a_photograph_could_do(actions: tuple[Action, ...]) -> None:
    with pytest.raises(ValueError, match="no turn"):
        Challenge(actions)
    with pytest.raises(ValueError, match="twice"):
        Challenge(("turn left", "turn left"))
