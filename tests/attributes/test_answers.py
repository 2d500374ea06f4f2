"""Answers: parallel arrays, their means, and the forms in which they are written down."""

from __future__ import annotations

import numpy as np
import pytest

from faces.attributes.answers import AVERAGED_FRAMES, AVERAGED_FRAMES_CHANGING, Answers, Head, cells, short, text

GENDER, AGE = Head("gender", ("male", "female")), Head("age", unit="years")
EMOTION, SMILE = Head("emotion", ("happiness", "neutral")), Head("smile", unit="probability")
GLASSES, YAW = Head("glasses", ("noGlasses", "sunglasses")), Head("yaw", unit="degrees")
LIVE = Head("live", ("live", "spoof"), threshold=0.2)
HEADS = (GENDER, AGE, EMOTION, GLASSES, SMILE, YAW)


def answers(*faces: tuple[float, float, float, float, float]) -> Answers:
    """Faces by how likely they are female, their age, how happy they are, how likely with glasses, and their yaw."""
    female, age, happy, glasses, yaw = np.array(faces, np.float32).T
    pairs = {"gender": (1 - female, female), "emotion": (happy, 1 - happy), "glasses": (1 - glasses, glasses)}
    numbers = {"age": (age,), "smile": (happy,), "yaw": (yaw,)}
    values = {name: np.stack(columns, axis=1) for name, columns in (pairs | numbers).items()}
    return Answers(HEADS, values)


def test_parallel_arrays_fit_their_heads() -> None:
    with pytest.raises(ValueError, match="age has shape"):
        Answers((GENDER, AGE), {"gender": np.zeros((2, 2), np.float32), "age": np.zeros((3, 1), np.float32)})
    with pytest.raises(ValueError, match="gender has shape"):
        Answers((GENDER,), {"gender": np.zeros((2, 3), np.float32)})
    assert len(Answers((), {})) == 0
    assert len(Answers.unknown(HEADS, 0)) == 0


def test_a_face_as_plain_values() -> None:
    both = answers((0.9, 33.6666, 0.25, 0.1, -12.34), (0.1, 5, 1, 1, 0))
    assert both.plain(0) == {
        "gender": {"value": "female", "probabilities": {"male": 0.1, "female": 0.9}},
        "age": 33.7,
        "emotion": {"value": "neutral", "probabilities": {"happiness": 0.25, "neutral": 0.75}},
        "glasses": {"value": "noGlasses", "probabilities": {"noGlasses": 0.9, "sunglasses": 0.1}},
        "smile": 0.25,
        "yaw": -12.3,
    }
    assert both[1:].plain(0) == both.plain(1)


def test_a_face_of_which_nothing_is_known() -> None:
    some = Answers.joined([Answers.unknown(HEADS, 1), answers((0.9, 30, 0.5, 0, 0))])
    assert len(some) == 2
    assert (some.plain(0), short(some.plain(0)), text(some.plain(0)), cells({})) == ({}, (), "", {})
    assert some.plain(1)["age"] == 30


def live(*shares: float) -> Answers:
    """Faces by how probably they are alive."""
    return Answers((LIVE,), {"live": np.array([[share, 1 - share] for share in shares], np.float32)})


def test_a_class_that_has_a_threshold() -> None:
    faces = live(0.25, 0.2, 0.15, 0.9, np.nan)
    assert [faces.plain(k) for k in range(5)] == [
        {"live": {"value": "live", "probabilities": {"live": 0.25, "spoof": 0.75}}},
        {"live": {"value": "live", "probabilities": {"live": 0.2, "spoof": 0.8}}},
        {"live": {"value": "spoof", "probabilities": {"live": 0.15, "spoof": 0.85}}},
        {"live": {"value": "live", "probabilities": {"live": 0.9, "spoof": 0.1}}},
        {},
    ]
    assert (faces.text(2), short(faces.plain(2)), short(faces.plain(3))) == ("live spoof 0.85", ("spoof",), ("live",))
    assert cells(faces.plain(2)) == {"live": "spoof", "live_probability": 0.85}


def test_frames_in_which_nothing_is_known_do_not_count() -> None:
    frames = [live(0.9), live(np.nan), live(0.7)]
    assert Answers.averaged(frames).values["live"][0] == pytest.approx([0.8, 0.2])
    assert Answers.averaged(frames[1:2]).plain(0) == {}


def test_a_row_of_a_table() -> None:
    row = cells(answers((0.9, 33.6666, 0.25, 0.1, -12.34)).plain(0))
    assert tuple(row) == tuple(column for head in HEADS for column in head.columns)
    assert (row["gender"], row["gender_probability"], row["age"], row["smile"]) == ("female", 0.9, 33.7, 0.25)


def test_a_line_and_a_few_words() -> None:
    face = answers((0.9, 33.6, 0.25, 0.1, -12.3)).plain(0)
    assert text(face) == "gender female 0.90  age 34  emotion neutral 0.75  glasses noGlasses 0.90  smile 0.25  yaw -12"
    assert short(face) == ("f 34", "smile 25%", "yaw -12")  # what is usual is not said
    assert short(answers((0.1, 8, 0.97, 0.8, 0)).plain(0)) == ("m 8", "happiness", "sunglasses", "smile 97%", "yaw 0")


def test_an_uncertain_gender_or_expression_is_not_given() -> None:
    face = answers((0.7, 5, 0.5, 0.1, 0)).plain(0)
    assert face["gender"] == {"value": None, "probabilities": {"male": 0.3, "female": 0.7}}
    assert text(face).startswith("gender uncertain 0.70  age 5")
    assert cells(face)["gender"] == "uncertain" and cells(face)["gender_probability"] == 0.7
    assert short(face)[0] == "? 5"
    six = Head("emotion", ("anger", "fear", "happiness", "neutral", "sadness", "surprise"))
    unsure = Answers((six,), {"emotion": np.array([[0.1, 0.1, 0.45, 0.1, 0.15, 0.1]], np.float32)}).plain(0)
    assert (short(unsure), text(unsure)) == ((), "emotion uncertain 0.45")


def test_what_a_person_has_is_drawn_and_what_not_is_not() -> None:
    heads = Head("beard", unit="probability"), Head("hat", unit="probability")
    face = Answers(heads, {"beard": np.array([[0.8]], np.float32), "hat": np.array([[0.3]], np.float32)}).plain(0)
    assert short(face) == ("beard 80%",)
    assert text(face) == "beard 0.80  hat 0.30"


def test_several_frames_are_averaged() -> None:
    frames = [answers((0.0, 80, 0.0, 0, 90))] + [
        answers((0.5, 20 + k % 2, k % 2, 0, 0)) for k in range(AVERAGED_FRAMES)
    ]
    mean = Answers.averaged(frames)
    assert len(mean) == 1
    assert mean.values["age"][0, 0] == pytest.approx(20.5)  # the oldest frame is dropped
    assert mean.values["gender"][0] == pytest.approx([0.5, 0.5])
    assert mean.values["emotion"][0, 0] == pytest.approx(
        2 / AVERAGED_FRAMES_CHANGING
    )  # only the last frames count for what passes
    assert Answers.averaged(frames[:1]).plain(0) == frames[0].plain(0)
