"""Which recognizer the names on the pages come from, in words."""

from __future__ import annotations

from faces.server.pages.language import say
from faces.server.pages.parts import parts


def by_whom() -> str:
    """Nothing where names come from the people enrolled here, as they do without ``serve.py --recognizer``."""
    if (recognizer := parts().recognizer) is None:
        return ""
    label = recognizer.label()
    if not label:
        return say("There is no recognizer in service now: names come from the people enrolled here.")
    kind, _, number = label.partition(" ")
    if kind == "version":
        return say("Names come from version {number} of the recognizer, which is in service.", number=number)
    return say("Names come from the recognizer {file}.", file=label)
