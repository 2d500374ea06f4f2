"""JSON that is read back has the types that are expected, or is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from faces.files import typed_json


@dataclass(frozen=True)
class Item:
    name: str
    size: int | None = None
    parts: tuple[float, ...] = ()


def test_values_of_these_types() -> None:
    assert typed_json.parse(b'{"name": "a", "parts": [1, 2.5], "other": 1}', Item) == Item("a", None, (1, 2.5))
    assert typed_json.parse('{"name": 5}', Item, name="b") == Item("b")
    assert typed_json.parse('{"a": "b"}', dict[str, str]) == {"a": "b"}


ODD = (
    '{"name": 5}',
    '{"name": "a", "size": 1.5}',
    '{"name": "a", "size": true}',
    '{"name": "a", "parts": ["x"]}',
    '{"name": "a", "parts": {}}',
)


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[]", "null", "{}", "[" * 100_000, *ODD])
def test_values_of_other_types(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        typed_json.parse(text, Item)


def test_known_values_do_not_hide_that_it_is_no_object() -> None:
    with pytest.raises(ValueError, match="mapping"):
        typed_json.parse("[]", Item, name="a")
