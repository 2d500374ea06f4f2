"""Boxes and labels, on pictures of any size and names in any script."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from faces.attributes.answers import Answers, Head
from faces.display import drawing
from faces.display.drawing import KNOWN, UNKNOWN, UNSETTLED, annotate, annotate_tracks, caption
from faces.types import Faces, Image, Matches
from faces.video.tracks import Tracks
from tests.fakes import faces_at

BOX = (100, 100, 200, 200)


def matches(*names: str | None) -> Matches:
    candidates = tuple(name or "Ada" for name in names)
    ones = np.full(len(names), 0.75, np.float32)
    return Matches(names, candidates, ones, ones)


def tracks(*who: tuple[str | None, bool], box: tuple[int, ...] = BOX, probability: float = 0.75) -> Tracks:
    """Visible ones from number 1 on, all in the same place: (name, settled)."""
    n, values = len(who), np.array([probability if settled else np.nan for _, settled in who], np.float32)
    return Tracks(
        np.arange(1, n + 1),
        np.tile(np.array(box, np.float32), (n, 1)),
        tuple(name for name, _ in who),
        np.array([settled for _, settled in who], np.bool_),
        values,
        values,
        np.ones(n, np.bool_),
    )


def ages(*years: float) -> Answers:
    return Answers((Head("age", unit="years"),), {"age": np.array(years, np.float32)[:, None]})


def grey(height: int, width: int) -> Image:
    return np.full((height, width, 3), 128, np.uint8)


def changed(image: Image) -> tuple[int, int, int, int]:
    """The box, xyxy, around everything that is not grey any more."""
    rows, columns = np.nonzero((image != 128).any(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def has(image: Image, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


def test_a_box_and_a_label_above_it() -> None:
    image = grey(300, 400)
    drawn = annotate(image, faces_at((100, 100, 200, 220)), matches("Ada"))
    x1, y1, x2, y2 = changed(drawn)
    assert (image == 128).all()  # the picture itself is left alone
    assert drawn.shape == image.shape and drawn.dtype == np.uint8
    assert abs(x1 - 100) <= 2
    assert y1 < 90
    assert abs(x2 - 200) <= 2
    assert abs(y2 - 220) <= 2
    assert (drawn[150:170, 120:180] == 128).all()  # the face is not covered


def test_below_the_box_is_what_a_face_looks_like() -> None:
    plain = annotate(grey(300, 400), faces_at(BOX), matches("Ada"))
    drawn = annotate(grey(300, 400), faces_at(BOX), matches("Ada"), ages(34))
    assert np.array_equal(drawn[:200], plain[:200])
    assert changed(drawn[205:])[0] < 102 and has(drawn[205:], KNOWN)
    unknown = annotate(grey(300, 400), faces_at(BOX), matches("Ada"), ages(np.nan))
    assert np.array_equal(unknown, plain)


def test_where_there_is_no_room_above_a_box_both_labels_are_below() -> None:
    above, both = (annotate(grey(300, 400), faces_at((100, 2, 200, 100)), matches("Ada"), a) for a in (None, ages(34)))
    bottom = changed(above)[3]
    assert np.array_equal(above[:bottom], both[:bottom])
    assert has(both[bottom:], KNOWN)


def test_tracks_show_what_they_look_like() -> None:
    shown = tracks(("Ada", True))
    plain, drawn = (annotate_tracks(grey(300, 400), replace(shown, answers=a)) for a in (None, ages(34)))
    assert np.array_equal(drawn[:200], plain[:200])
    assert has(drawn[205:], KNOWN)


def test_known_and_unknown_have_different_colours() -> None:
    box = faces_at((100, 100, 200, 200))
    known, unknown = annotate(grey(300, 400), box, matches("Ada")), annotate(grey(300, 400), box, matches(None))
    assert (has(known, KNOWN), has(known, UNKNOWN)) == (True, False)
    assert (has(unknown, KNOWN), has(unknown, UNKNOWN)) == (False, True)


def test_no_faces_change_nothing() -> None:
    image = grey(30, 40)
    drawn = annotate(image, Faces.empty(), matches())
    assert np.array_equal(drawn, image)
    assert drawn is not image


@pytest.mark.parametrize(
    "box", [(100, 0, 200, 100), (350, 100, 450, 200), (-50, -50, 20, 20), (0, 250, 80, 350), (-10, -10, 410, 310)]
)
def test_labels_stay_inside_the_picture(box: tuple[int, ...]) -> None:
    """The label's height and width are those it has in the middle of a picture."""
    free = annotate(grey(300, 400), faces_at((150, 150, 250, 250)), matches("Ada Lovelace"))
    drawn = annotate(grey(300, 400), faces_at(box), matches("Ada Lovelace"))

    def letters(image: Image) -> int:
        return int((image > 230).all(axis=2).sum())

    assert letters(free) > 50
    assert letters(drawn) == letters(free)


def test_every_label_of_a_group_can_be_read() -> None:
    """No letter is lost to another label or under a box, though the boxes overlap; also with attributes."""
    boxes = [(40 + 35 * k, 120 + 8 * (k % 3), 110 + 35 * k, 200 + 8 * (k % 3)) for k in range(7)]
    names = ("Ada Lovelace", "Bob", None, "Cyd", "Dan Brown", None, "Eve")

    def letters(image: Image) -> int:
        return int((image > 230).all(axis=2).sum())

    for years in (None, 34):
        alone = [
            letters(annotate(grey(300, 400), faces_at(BOX), matches(name), None if years is None else ages(years)))
            for name in names
        ]
        answers = None if years is None else ages(*[years] * len(names))
        together = annotate(grey(300, 400), faces_at(*boxes), matches(*names), answers)
        assert letters(together) == sum(alone)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (10, 400), (400, 10), (24, 24)])
def test_tiny_pictures_keep_their_size(shape: tuple[int, int]) -> None:
    drawn = annotate(grey(*shape), faces_at((0, 0, shape[1], shape[0]), (-5, -5, 1, 1)), matches("Ada", None))
    assert drawn.shape == (*shape, 3)
    assert (drawn != 128).any()


def test_labels_grow_with_the_picture() -> None:
    heights = []
    for scale in (1, 3, 9):
        drawn = annotate(grey(250 * scale, 250 * scale), faces_at((60, 150, 80, 170)), matches("Ada"))
        rows = np.nonzero((drawn[:150] == KNOWN).all(axis=2).sum(axis=1) > 15 * scale)[0]
        heights.append(rows.max() - rows.min())
    assert heights[0] < heights[1] < heights[2]
    assert heights[2] > 3 * heights[0]


@pytest.mark.parametrize(
    "name",
    ["Zoë Łukasz", "李小龍", "Владимир", "مريم", "नीना", "😀", "e\u0301", "\u0301", "a\nb", "\u202eA", "", "x" * 300],
)
def test_names_in_any_script(name: str) -> None:
    drawn = annotate(grey(200, 300), faces_at((50, 80, 150, 180)), matches(name))
    assert drawn.shape == (200, 300, 3)
    assert has(drawn, KNOWN)


def test_faces_and_matches_must_agree() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        annotate(grey(50, 50), faces_at((0, 0, 9, 9)), matches())


# Tracks


@pytest.mark.parametrize(
    ("who", "words", "colour"),
    [
        (("Ada Lovelace", True), ("Ada Lovelace", " 75%", " #1"), KNOWN),
        ((None, True), ("unknown", " #1"), UNKNOWN),
        ((None, False), ("#1",), UNSETTLED),
    ],
)
def test_tracks_have_their_numbers(
    monkeypatch: pytest.MonkeyPatch, who: tuple[str | None, bool], words: tuple[str, ...], colour: tuple[int, int, int]
) -> None:
    labels: list[tuple[str, ...]] = []
    label = drawing._label

    def noted(words: tuple[str, ...], *rest: Any) -> Image:
        labels.append(words)
        return label(words, *rest)

    monkeypatch.setattr(drawing, "_label", noted)
    image = grey(300, 400)
    drawn = annotate_tracks(image, tracks(who))
    assert labels == [words]
    assert [has(drawn, other) for other in (KNOWN, UNKNOWN, UNSETTLED)] == [
        colour == other for other in (KNOWN, UNKNOWN, UNSETTLED)
    ]
    assert (image == 128).all()


def test_a_track_that_is_not_settled_has_a_thin_box() -> None:
    image = grey(1080, 1920)
    thick, thin = (
        (annotate_tracks(image, tracks(who))[199:, 150] != 128).any(axis=1) for who in ((None, True), (None, False))
    )
    assert thick.sum() >= 3  # its outer half
    assert thin.sum() == 1


def test_a_track_that_is_not_visible_is_not_drawn() -> None:
    all_three = tracks(("Ada", True), (None, True), (None, False))
    hidden = replace(all_three, visible=np.zeros(3, np.bool_))
    assert (annotate_tracks(grey(300, 400), hidden) == 128).all()
    assert (annotate_tracks(grey(300, 400), Tracks.empty()) == 128).all()


def test_a_probability_that_changes_does_not_draw_the_name_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    readable, drawn = drawing._readable, list[str]()

    def noted(text: str, size: int) -> Any:
        drawn.append(text)
        return readable(text, size)

    monkeypatch.setattr(drawing, "_readable", noted)
    for step in range(1000):
        annotate_tracks(grey(300, 400), tracks(("Rosalind Franklin", True), probability=step / 1000))
    assert drawn.count("Rosalind Franklin") == 1
    assert len(drawn) < 110


def test_parts_of_labels_stand_on_one_line() -> None:
    """Of different heights, such as with letters below the line and with accents above: whole, one behind the other."""
    parts = ("Åģ", " 93%", " #12")
    label = drawing._label(parts, 40, KNOWN)
    pieces = [drawing._text_picture(part, 40, KNOWN)[0] for part in parts]
    assert label.shape[1] == sum(piece.shape[1] for piece in pieces) + 2 * (40 // 4)
    assert label.shape[0] > max(piece.shape[0] for piece in pieces)
    white = (label > 200).all(axis=2).sum()
    assert white == sum((piece > 200).all(axis=2).sum() for piece in pieces)


@pytest.mark.parametrize("shape", [(720, 1280), (5, 5), (1, 1)])
def test_a_caption_is_on_a_copy_and_in_the_corner(shape: tuple[int, int]) -> None:
    image = grey(*shape)
    drawn = caption(image, "30 frames/s")
    assert (image == 128).all()
    assert drawn.shape == image.shape
    assert changed(drawn)[:2] == (0, 0)
