"""The table of attributes: what each is made from."""

from __future__ import annotations

from faces.attributes.computed import COMPUTED, LIVE
from faces.attributes.pose import HEADS, PITCH
from faces.attributes.registry import (
    ATTRIBUTES,
    DEFAULT,
    FILES,
    NAMES,
    is_certain,
    is_changing,
    is_probability,
    is_usual,
)


def test_every_attribute_says_where_its_answers_come_from() -> None:
    for name, attribute in ATTRIBUTES.items():
        assert attribute.name == name
        assert attribute.answers
        assert bool(attribute.needs) == bool(attribute.file)
    assert [name for name, attribute in ATTRIBUTES.items() if not attribute.file] == ["head_pose", "live"]
    assert set(COMPUTED) == {"head_pose", "live"}
    assert ATTRIBUTES["head_pose"].answers == tuple(head.name for head in (*HEADS, PITCH))
    assert ATTRIBUTES["live"].answers == (LIVE.name,)
    assert (ATTRIBUTES["smile"].answers, ATTRIBUTES["smile"].needs) == (("smile",), ("smiling",))


def test_names_and_files() -> None:
    assert set(DEFAULT) < set(NAMES)
    assert FILES == ("appearance.onnx", "expression.onnx", "face_attributes.onnx", "glasses.onnx")


def test_what_is_known_about_an_answer() -> None:
    assert [name for name in ("age", "gender", "emotion", "smile", "roll", "yaw", "live") if is_changing(name)] == [
        "emotion",
        "smile",
        "roll",
        "yaw",
        "live",
    ]
    assert is_usual("glasses", "noGlasses") and is_usual("emotion", "neutral")
    assert not is_usual("glasses", "neutral") and not is_usual("age", 34.0) and not is_usual("unknown", "")
    assert is_probability("smile") and is_probability("beard") and not is_probability("emotion")


def test_what_is_certain_enough_to_be_given() -> None:
    assert is_certain("gender", 0.8) and not is_certain("gender", 0.79)
    assert is_certain("emotion", 0.5) and not is_certain("emotion", 0.49)
    assert is_certain("glasses", 0.34) and is_certain("age_group", 0.34)
