"""Paths with placeholders instead of ids, for logs and descriptions: ``/face/v1.0/persongroups/{personGroupId}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from flask import request

from faces.server.kinds import KINDS

ANY = re.compile(r"<any\(([^)]*)\):(\w+)>")
PARAMETER_NAMES = {"person_id": "personId", "face_id": "persistedFaceId"}


def expand_rule(rule: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each path that a routing rule stands for, and the words chosen for its ``any`` converters, by name."""
    choices = [[(name, word) for word in words.split(",")] for words, name in ANY.findall(rule)]
    for combination in product(*choices):
        yield template(rule, dict(combination)), dict(combination)


def template(rule: str, chosen: dict[str, str]) -> str:
    """Return a routing rule as a path with placeholders.

    rule: as in Flask.
    chosen: the word for each ``any`` converter, by name.
    """
    path = ANY.sub(lambda match: chosen[match[2]], rule)
    kind = KINDS.get(chosen.get("route", ""))
    names = {"id_": kind.id_name, **PARAMETER_NAMES} if kind else PARAMETER_NAMES
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: f"{{{names.get(match[1], match[1])}}}", path)
    return re.sub("^/face/v1/", "/face/v1.0/", path)


def current_route() -> str:
    """Return the path template of the current request; ``none`` if no route matches."""
    if request.url_rule is None:
        return "none"
    return template(request.url_rule.rule, {name: str(value) for name, value in (request.view_args or {}).items()})
