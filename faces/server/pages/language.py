"""The pages' languages: messages are written in English where they are used; each other language has a catalogue."""

from __future__ import annotations

import json
from pathlib import Path

from flask import request

COOKIE = "language"
FOLDER = Path(__file__).parent / "translations"
LANGUAGES = {"en": "English", "es": "Español"}  # by their own names
CATALOGUES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")
}


def current() -> str:
    """The one that was chosen, else the one that the browser likes best."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "en"


def say(message: str, **values: object) -> str:
    """A message in the reader's language; ``values`` take the place of what is in braces."""
    text = CATALOGUES.get(current(), {}).get(message, message)
    return text.format(**values) if values else text


def called(name: str) -> str:
    """A name, or a word for people who have none."""
    return name or say("Nameless")


def count(one: str, many: str, number: int, **values: object) -> str:
    """As ``say``, of one thing, or of several or none: ``{number}`` is how many."""
    return say(one if number == 1 else many, number=number, **values)


def percent(share: float) -> str:
    """0.934 as 93%, or 93 % where that is how it is written. Never 0 or 100: nothing here is certain."""
    return say("{whole}%", whole=min(max(round(100 * share), 1), 99))
