"""The languages of the pages: messages are in English in the code; catalogues translate them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

from flask import Flask, request

COOKIE = "language"
FOLDER = Path(__file__).parent / "translations"
LANGUAGES = {"en": "English", "es": "Español"}
CATALOGUES: dict[str, dict[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FOLDER.glob("*.json")
}
DECIMAL_COMMA = {"es"}


def install(app: Flask) -> None:
    """Give the templates of an application what they say things with."""
    app.jinja_env.globals |= {
        "_": translate,
        "display_name": display_name,
        "count": count,
        "percent": percent,
        "language": current,
        "languages": LANGUAGES,
    }
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def current() -> str:
    """Return the language that the user chose, else the browser's preferred language."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES) or "en"


def translate(message: str, **values: object) -> str:
    """Return a message in the user's language.

    message: the English message, with ``{name}`` for each value.
    values: inserted into the translation.
    """
    text = CATALOGUES.get(current(), {}).get(message, message)
    return text.format(**values) if values else text


def display_name(name: str) -> str:
    """Return a person's name, or a word for a person without a name."""
    return name or translate("Unnamed")


def count(singular: str, plural: str, number: int, **values: object) -> str:
    """Translate one of two messages, by the number; ``{number}`` in the message is the number."""
    return translate(singular if number == 1 else plural, number=number, **values)


def percent(share: float) -> str:
    """Return a probability as 1% to 99%, in the notation of the language: never 0% or 100%.

    share: in [0, 1].
    """
    return translate("{whole}%", whole=min(max(round(100 * share), 1), 99))


def date(seconds: float) -> str:
    """Return a day, UTC, as every language reads it: 2026-01-31. seconds: since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc).date().isoformat()


def moment(seconds: float) -> str:
    """Return a minute, UTC, as every language reads it: 2026-01-31 12:00 UTC. seconds: since 1970."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M} UTC"


def decimal(number: float) -> str:
    """Return a number with one decimal place, in the notation of the language."""
    text = f"{number:.1f}"
    return text.replace(".", ",") if current() in DECIMAL_COMMA else text
