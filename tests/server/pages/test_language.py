"""The translations and the notation of numbers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from faces.server.pages import language
from tests.conftest import ROOT

SPANISH = language.CATALOGUES["es"]


def placeholders(message: str) -> list[str]:
    return sorted(re.findall(r"{(\w+)}", message))


@pytest.mark.parametrize("message", SPANISH)
def test_a_translation_has_the_same_values_and_ending(message: str) -> None:
    translation = SPANISH[message]
    assert placeholders(translation) == placeholders(message)
    assert translation.endswith(".") == language.CATALOGUES["en"].get(message, message).endswith(".")


def test_every_translated_message_is_in_use() -> None:
    pages = ROOT / "faces"  # some messages are those of the challenge
    files = [*pages.rglob("*.py"), *pages.rglob("*.html")]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    composed = ("The name is too long", "Image size is too big")  # contain a number in the code
    assert [message for message in SPANISH if message not in source and not message.startswith(composed)] == []


@pytest.mark.parametrize(
    ("code", "function", "value", "text"),
    [
        ("en", language.percent, 0.934, "93%"),
        ("es", language.percent, 0.934, "93\N{NO-BREAK SPACE}%"),
        ("en", language.percent, 0.999, "99%"),
        ("en", language.percent, 0.0, "1%"),
        ("en", language.decimal, 4.04, "4.0"),
        ("es", language.decimal, 4.04, "4,0"),
    ],
)
def test_numbers(code: str, function: Callable[[float], str], value: float, text: str) -> None:
    with Flask(__name__).test_request_context(headers={"Accept-Language": code}):
        assert function(value) == text
