"""Addresses without what is in them, as in descriptions and logs: ``/face/v1.0/persongroups/{personGroupId}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from flask import request

from faces.server.kinds import KINDS

ANY = re.compile(r"<any\(([^)]*)\):(\w+)>")
NAMES = {"person_id": "personId", "face_id": "persistedFaceId"}


def expanded(rule: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each address that a rule of the application stands for, and the words that are chosen in it, by their names."""
    choices = [[(name, word) for word in words.split(",")] for words, name in ANY.findall(rule)]
    for chosen in product(*choices):
        yield template(rule, dict(chosen)), dict(chosen)


def template(rule: str, chosen: dict[str, str]) -> str:
    path = ANY.sub(lambda match: chosen[match[2]], rule)
    kind = KINDS.get(chosen.get("route", ""))
    names = {"id_": kind.id_name, **NAMES} if kind else NAMES
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: f"{{{names.get(match[1], match[1])}}}", path)
    return re.sub("^/face/v1/", "/face/v1.0/", path)


def here() -> str:
    """Of the request that is answered now; one word for all that lead nowhere."""
    if request.url_rule is None:
        return "none"
    return template(request.url_rule.rule, {name: str(value) for name, value in (request.view_args or {}).items()})
